//! Double buffers: one writer changes a private copy of a value while any number of readers read a
//! published one; then the two swap.
//!
//! # The idea
//!
//! There are two copies of a value. Readers read the *front* and never wait. One writer changes
//! the *back*, then swaps the two. Before it writes again, it must know that no reader uses the
//! old front. Double buffers differ in how it learns that: here by a type parameter, the
//! [`Strategy`]. `dbuf-strategies` has several.
//!
//! # The parts
//!
//! * [`DoubleBuffer`] owns the two values; put it in a `static`, on the stack, or
//!   behind a [`BufferPtr`] such as `Arc` (in one line: [`arc`]).
//! * [`Writer`] writes the back. At most one exists at a time.
//! * [`Reader`] gives [`ReadGuard`]s of the front: one reader for each thread, or a
//!   [`SharedReader`] for all of them.
//! * [`ConcurrentCell`] has all of it: a value that any thread reads and replaces,
//!   through `&self`.
//! * [`OpWriter`] keeps both copies equal: every change is an [`Operation`] that
//!   is logged, published in [`Batch`]es and replayed on the other copy.
//!
//! # Examples
//!
//! ```
//! use dbuf_strategies::EpochStrategy;
//!
//! let (mut writer, reader) = dbuf_core::arc("first", "", EpochStrategy::new());
//! let guard = reader.read();
//! *writer.back_mut() = "second";
//! writer.start_swap(); // published, although a guard is on the old side
//! assert_eq!(*guard, "first");
//! assert_eq!(*reader.read(), "second");
//! assert!(writer.try_back_mut().is_none()); // `guard` is still on it
//! drop(guard);
//! assert!(writer.try_back_mut().is_some());
//! ```
//!
//! # Features
//!
//! * `std` (default): waits put the thread to sleep (without it they spin), a batch
//!   notices when its thread unwinds, and there are [`SharedReader`] and [`ConcurrentCell`].
//! * `alloc` (with `std`): `Rc` and `Arc` handles (`Arc` where the target has
//!   compare-and-swap), and the operation log.
//! * `triomphe`: handles over `triomphe::Arc`.
//! * `serde` (with `std`): a [`ConcurrentCell`] is serialized as its value.
//!
//! `docs/no-std.md` in the repository shows the types for an interrupt handler and a main loop.
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod buffer;
#[cfg(feature = "std")]
mod cell;
mod error;
mod guard;
#[cfg(feature = "alloc")]
mod handles;
#[cfg(feature = "std")]
mod id;
mod lease;
#[cfg(feature = "alloc")]
mod op_log;
#[cfg(feature = "alloc")]
mod owned;
mod pointer;
mod reader;
#[cfg(feature = "std")]
mod shared;
mod side;
#[cfg(feature = "alloc")]
mod straggler;
mod strategy;
#[doc(hidden)]
pub mod sync;
mod threads;
mod wait;
#[doc(hidden)]
#[cfg(feature = "std")]
pub mod waker_set;
mod writer;
#[doc(hidden)]
#[cfg(feature = "std")]
pub mod writer_lock;

/// The README's examples, compiled.
#[cfg(all(doctest, feature = "alloc"))]
#[doc = include_str!("../README.md")]
mod readme {}

pub use buffer::{DoubleBuffer, Version};
#[cfg(feature = "std")]
pub use cell::{CellGuard, ConcurrentCell};
#[doc(hidden)]
#[cfg(feature = "std")]
pub use cell::{Fresh, Preset};
#[cfg(feature = "alloc")]
pub use error::Torn;
pub use error::{ClaimError, Closed};
pub use guard::{MappedReadGuard, ReadGuard};
#[cfg(feature = "std")]
pub use handles::ArcSharedReader;
#[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
pub use handles::{ArcOpWriter, ArcReader, ArcWriter, WeakReader, arc};
#[cfg(feature = "alloc")]
pub use handles::{RcReader, RcWriter, rc};
#[cfg(feature = "alloc")]
pub use op_log::{Batch, BatchOwner, OpWriter, Operation, Published};
#[cfg(feature = "alloc")]
pub use owned::{MappedOwnedReadGuard, OwnedReadGuard};
pub use pointer::{BufferPtr, OwningPtr, ReaderPtr};
pub use reader::Reader;
#[doc(hidden)]
#[cfg(feature = "std")]
pub use shared::{AnyReadGuard, MappedAnyReadGuard};
#[cfg(feature = "std")]
pub use shared::{MappedSharedReadGuard, SharedReadGuard, SharedReader};
pub use side::Side;
#[cfg(feature = "alloc")]
pub use straggler::OnStraggler;
pub use strategy::{BlockingStrategy, Strategy, TrySwapStrategy};
pub use writer::{Writer, split};
