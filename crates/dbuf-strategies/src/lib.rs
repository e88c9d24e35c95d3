//! Strategies for [`dbuf_core`]: how the writer of a double buffer learns that
//! no reader is in its way.
//!
//! | type | readers do | writer does | for |
//! |---|---|---|---|
//! | [`EpochStrategy`] | two stores to a line of their own | looks at every reader's epoch | read-mostly data; the fastest reads |
//! | [`LocalStrategy`] | count in a cell | is refused, or awaits | one thread |
//! | [`LockStrategy`] | count under a mutex | takes the mutex | tests; the only concurrent one that can refuse a swap |
//!
//! [`DefaultStrategy`] is the first of them that the features enable.
//!
//! # Examples
//!
//! ```
//! use dbuf_strategies::{EpochStrategy, core};
//!
//! let (mut writer, reader) = core::arc(1, 1, EpochStrategy::new());
//! writer.store(2);
//! assert_eq!(*reader.read(), 2);
//! ```
//!
//! # Features
//!
//! `epoch` (default) and `lock` each add their strategy and need `std`;
//! `LocalStrategy` is always there and needs nothing.
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "epoch")]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

#[cfg(any(feature = "epoch", feature = "lock"))]
mod default;
#[cfg(feature = "epoch")]
mod epoch;
mod local;
#[cfg(feature = "lock")]
mod lock;
mod primitive;
#[cfg(feature = "epoch")]
mod registry;
#[cfg(feature = "epoch")]
mod waker;

pub use dbuf_core as core;
#[cfg(any(feature = "epoch", feature = "lock"))]
pub use default::{DefaultGuard, DefaultReader, DefaultStrategy, DefaultWriter};
#[cfg(feature = "epoch")]
pub use epoch::{EpochReader, EpochStrategy, EpochWriter};
pub use local::{LocalReader, LocalStrategy, LocalWriter};
#[cfg(feature = "lock")]
pub use lock::{LockReader, LockStrategy, LockWriter};
