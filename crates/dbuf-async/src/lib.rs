//! Awaiting for `dbuf`: a swap, a batch, the next publish. On any executor, and
//! without one.
//!
//! # The idea
//!
//! Whether a swap is finished is asked by *polling*: that is how the strategies of
//! `dbuf` wait, and a blocked thread is nothing but a waker that unparks it. The
//! futures here hand the task's waker to the same call. So a writer may block in
//! one place and await in the next, and a strategy needs nothing of its own for
//! either: also [`LocalStrategy`](strategies::LocalStrategy), on which a thread
//! cannot block.
//!
//! An unfinished swap is state of the buffer and not of a future. Any future of
//! this crate can be dropped after any poll: nothing is lost, and the next
//! call, blocking or not, finds the swap and finishes it. Each says under *Cancel
//! safety* what has happened by then.
//!
//! # The parts
//!
//! * [`WriterAsyncExt`] adds `finish_async` and `swap_async` to a
//!   [`Writer`](core::Writer), `write_async` and `transact_async` to an
//!   [`OpWriter`](core::OpWriter).
//! * [`Watcher`] is a reader that awaits the next publish. Its strategy is
//!   [`Watched`](strategies::Watched): any other, wrapped. [`CellWatcher`] is the same of a
//!   [`ConcurrentCell`](core::ConcurrentCell), which any handle may write.
//!
//! # Examples
//!
//! ```
//! # #[cfg(feature = "watch")]
//! # fn main() {
//! use dbuf_async::core::{OpWriter, arc};
//! use dbuf_async::strategies::{EpochStrategy, Watched};
//! use dbuf_async::{Watcher, WriterAsyncExt};
//!
//! let (writer, reader) = arc(vec![], vec![], Watched::new(EpochStrategy::new()));
//! let mut writer = OpWriter::new(writer);
//! let mut watcher = Watcher::new(reader);
//!
//! let writes = std::thread::spawn(move || {
//!     pollster::block_on(async {
//!         let mut batch = writer.write_async().await;
//!         batch.apply(|list: &mut Vec<u32>, _: &()| list.push(1));
//!         batch.publish();
//!     });
//! });
//! pollster::block_on(async {
//!     while watcher.changed().await.is_ok() {
//!         assert_eq!(*watcher.read(), [1]);
//!     }
//!     // The writer is gone.
//! });
//! # writes.join().unwrap();
//! # }
//! # #[cfg(not(feature = "watch"))]
//! # fn main() {}
//! ```
//!
//! # Guards and awaits
//!
//! A read guard stays on its thread: it is not `Send`, so a task that holds one
//! across an await cannot be spawned on an executor that moves tasks. It
//! should not be held there in any case: the writer waits for it. Take what is
//! needed out of it and let it go:
//!
//! ```
//! # use dbuf_async::{core::arc, strategies::EpochStrategy};
//! # async fn request(_: String) {}
//! # fn spawn(_: impl Future<Output = ()> + Send) {}
//! let (_writer, reader) = arc("a".to_string(), String::new(), EpochStrategy::new());
//! spawn(async move {
//!     let address = reader.read().clone(); // the guard ends with the statement
//!     request(address).await;
//! });
//! ```
//!
//! Where a copy costs too much, put an `Arc` into the buffer and clone that.
//!
//! A [`Batch`](core::Batch) may be held across an await: it is `Send` where its
//! writer is. But it **publishes when it is dropped, also with a cancelled task**;
//! [`transact_async`](WriterAsyncExt::transact_async) is the form that publishes
//! all or nothing.
//!
//! # Features
//!
//! * none: `no_std`, no allocation: `finish_async`, `swap_async`.
//! * `alloc`: `write_async`, `transact_async`.
//! * `std` (default): a batch notices when its thread unwinds.
//! * `watch`: [`Watcher`], [`CellWatcher`].
//! * `stream`: `Watcher::versions`, a `futures_core::Stream`.
//! * `epoch` (default), `flash`, `count`, `lock`: the strategy of that name, in
//!   [`strategies`].
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "watch")]
mod cell;
#[cfg(feature = "watch")]
mod watcher;
mod writer;

/// The README's examples, compiled.
#[cfg(all(doctest, feature = "watch"))]
#[doc = include_str!("../README.md")]
mod readme {}

#[cfg(feature = "watch")]
pub use cell::CellWatcher;
pub use dbuf_core as core;
pub use dbuf_strategies as strategies;
#[cfg(feature = "stream")]
pub use watcher::Versions;
#[cfg(feature = "watch")]
pub use watcher::{Changed, Watcher};
#[cfg(feature = "alloc")]
pub use writer::Write;
pub use writer::{Finish, Swap, WriterAsyncExt};
