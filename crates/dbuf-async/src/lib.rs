//! Async `dbuf`: await a swap, a batch or the next publish, on any executor.
//!
//! [`WriterAsyncExt`] adds `finish_async` and `swap_async` to a [`Writer`](core::Writer), and
//! `write_async` and `transact_async` to an [`OpWriter`](core::OpWriter). A [`Watcher`] is a
//! reader that awaits the next publish; its strategy is [`Watched`](strategies::Watched), which
//! wraps any other. A [`CellWatcher`] does the same for a
//! [`ConcurrentCell`](core::ConcurrentCell).
//!
//! Strategies wait by *polling*: a blocked thread registers a waker that unparks it, a future the
//! waker of its task. So blocking and awaiting calls can alternate on one writer.
//!
//! An unfinished swap is state of the buffer, not of a future: any future of this crate can be
//! dropped after any poll, and the next call finishes the swap.
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
//! Do not hold a read guard across an await: the writer waits for it. A guard is not `Send`, so a
//! task that does so cannot be spawned on an executor that moves tasks. Clone what you need (or
//! an `Arc` in the buffer) and release the guard:
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
//! A [`Batch`](core::Batch) may be held across an await. But it **publishes when it is dropped,
//! also when its task is cancelled**; [`transact_async`](WriterAsyncExt::transact_async)
//! publishes all or nothing.
//!
//! # Features
//!
//! * none: `no_std`, no allocation: `finish_async`, `swap_async`.
//! * `alloc`: `write_async`, `transact_async`.
//! * `std` (default): a batch notices that its thread unwinds.
//! * `watch`: [`Watcher`], [`CellWatcher`].
//! * `stream`: `Watcher::versions`, a `futures_core::Stream`.
//! * `epoch` (default), `flash`, `count`, `lock`: the strategy of that name, in [`strategies`].
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "watch")]
mod cell;
mod futures;
#[cfg(feature = "stream")]
mod versions;
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
#[cfg(feature = "alloc")]
pub use futures::Write;
pub use futures::{Finish, Swap};
#[cfg(feature = "stream")]
pub use versions::Versions;
#[cfg(feature = "watch")]
pub use watcher::{Changed, Watcher};
pub use writer::WriterAsyncExt;
