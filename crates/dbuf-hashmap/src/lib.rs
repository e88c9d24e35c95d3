//! A concurrent hash map for data that is read far more often than written.
//!
//! Lookups never wait, whatever the writer does. There are two copies of the map: readers read
//! one, the writer changes the other, and a publish swaps them. This crate has no unsafe code;
//! the layers below it do ([`strategies`], and their `core`).
//!
//! # Examples
//!
//! One handle for any thread, instead of `Arc<RwLock<HashMap>>`:
//!
//! ```
//! use dbuf_hashmap::ConcurrentHashMap;
//!
//! let stock = ConcurrentHashMap::<String, u32>::new();
//! std::thread::scope(|scope| {
//!     scope.spawn(|| stock.insert("apples".to_owned(), 3));
//!     scope.spawn(|| stock.get_cloned("apples"));
//! });
//! assert_eq!(stock.get_cloned("apples"), Some(3)); // a read sees every write that returned
//! ```
//!
//! A writer and its readers, where one thread writes. Reads are a little faster, and the writer
//! decides when changes become visible:
//!
//! ```
//! use std::thread;
//!
//! let (mut writer, reader) = dbuf_hashmap::new::<String, u32>();
//!
//! let other = reader.clone(); // one reader per thread
//! let lookup = thread::spawn(move || other.get("apples").map(|n| *n));
//!
//! let mut batch = writer.write();
//! batch.insert("apples".to_owned(), 3);
//! batch.insert("pears".to_owned(), 4);
//! batch.publish(); // readers see both, or neither
//!
//! assert!(matches!(lookup.join().unwrap(), None | Some(3)));
//! let map = reader.read(); // a consistent snapshot
//! assert_eq!(map.values().sum::<u32>(), 7);
//! ```
//!
//! # What to know first
//!
//! * **A batch publishes when it is dropped**, also by `?`. `transact`
//!   ([`ConcurrentHashMap::transact`], [`Writer::transact`]) publishes all or nothing.
//! * **Drop a guard before you write.** A guard allows one more write. The write after that clones
//!   the map or [panics](ConcurrentHashMap#guards-and-writes) if the guard is of its own thread.
//!   A [`Writer`] cannot know that, and waits for the guard.
//! * **Readers see the last publish**, not pending changes. A write of a [`ConcurrentHashMap`]
//!   is published before it returns, unless its [`PublishPolicy`] says otherwise. Under one
//!   guard, a map does not change, so iteration is consistent and blocks no other reader.
//! * **The writer pays.** Every change is made twice, once to each copy; the second time at the
//!   start of the next batch, when readers have released that copy. If a guard keeps it for more
//!   than 100 ms, the writer clones the map and goes on ([`Builder::on_straggler`]).
//! * **Each copy owns its values.** A change through a shared reference (of a `Cell`, an atomic,
//!   a `Mutex`) reaches one copy only, so it disappears and reappears as the copies swap. To
//!   share a value between the copies, and with readers that keep it, store an `Arc<V>`:
//!
//! ```
//! use std::sync::Arc;
//! use std::sync::atomic::{AtomicU32, Ordering};
//!
//! let (mut writer, reader) = dbuf_hashmap::new();
//! writer.write().insert("own", Arc::new(AtomicU32::new(0)));
//! let hits = reader.read()["own"].clone();
//! hits.fetch_add(1, Ordering::Relaxed);
//! writer.write().insert("other", Arc::default()); // the copies swap
//! assert_eq!(reader.read()["own"].load(Ordering::Relaxed), 1);
//! ```
//!
//! A large value costs its memory twice, an `Arc` of it once: 32 values of 64 KiB take 4.2 MB
//! directly and 2.1 MB behind an `Arc` (`tests/memory.rs`). The table itself costs twice the
//! memory of a plain map: 2.00 to 2.02 times std's `HashMap` for 1 M entries `u64 -> u64`,
//! including the log of a batch of 10,000.
//!
//! # Sets and multi-maps
//!
//! [`set`] has sets, also [`ConcurrentHashSet`]; [`multimap`] has several values for a key. Both
//! have the same handles and batches.
//!
//! # One value
//!
//! [`ConcurrentCell`] holds a single value that threads read and replace as a whole: a
//! configuration, a list, a struct.
//!
//! # Hashers
//!
//! The default is std's [`RandomState`](std::hash::RandomState): slow, but safe against keys
//! that an attacker chose to collide. Where no attacker chooses the keys, a fast hasher such as
//! foldhash's `fast::RandomState` makes lookups about twice as fast: [`Builder::hasher`].
//!
//! # Strategies
//!
//! The type parameter `S` decides how the writer learns that no reader uses the copy that it
//! needs. Its default, [`DefaultStrategy`], is the first that the features enable.
//! [`Builder::strategy`] takes any other, from [`strategies`] or your own.
//!
//! # Features
//!
//! * `epoch` (default), `flash`, `count` and `lock` enable the strategy of that name. At least
//!   one must be enabled.
//! * `async`: writes that are awaited ([`ConcurrentHashMap::insert_async`] and others,
//!   [`Writer::write_async`]), and readers that await changes ([`Watcher`], and [`CellWatcher`]
//!   for a cell).
//! * `serde`: serialization of a snapshot or a batch, deserialization into a map.
//! * `rayon`: parallel iteration over a map or a snapshot, and parallel collection into a map.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;

#[cfg(not(any(
    feature = "count",
    feature = "epoch",
    feature = "flash",
    feature = "lock"
)))]
compile_error!(
    "enable a strategy of dbuf-hashmap: feature `epoch` (the default), `flash`, `count` or `lock`"
);

mod batch;
mod builder;
mod choices;
mod concurrent;
mod entry_ref;
mod forward;
mod garbage;
mod iter;
mod map_ref;
mod mapped_ref;
pub mod multimap;
mod op;
mod owner;
#[cfg(feature = "rayon")]
mod parallel;
mod patch;
mod reader;
#[cfg(feature = "serde")]
mod serialize;
pub mod set;
mod shared;
mod snapshot;
mod table;
#[cfg(feature = "async")]
mod watcher;
mod writer;

/// The README's examples, compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

pub use batch::{
    Batch, Drain, Entry, ExtractIf, IterMut, OccupiedEntry, Operation, Refused, TryReserveError,
    VacantEntry, ValuesMut, WriterBatch,
};
pub use builder::{Builder, new};
pub use choices::PublishPolicy;
#[cfg(feature = "async")]
pub use concurrent::TaskBatch;
pub use concurrent::{ConcurrentBatch, ConcurrentHashMap, RefIter, RefMulti, WriterGuard};
#[cfg(feature = "async")]
pub use dbuf_async::CellWatcher;
#[cfg(feature = "async")]
pub use dbuf_core::Closed;
pub use dbuf_core::writer_lock::{InTask, OnThread};
pub use dbuf_core::{BlockingStrategy, OnStraggler, Published, Strategy, Version};
pub use dbuf_strategies as strategies;
#[cfg(feature = "count")]
pub use dbuf_strategies::CountStrategy;
#[cfg(feature = "epoch")]
pub use dbuf_strategies::EpochStrategy;
#[cfg(feature = "flash")]
pub use dbuf_strategies::FlashStrategy;
#[cfg(feature = "lock")]
pub use dbuf_strategies::LockStrategy;
#[cfg(feature = "async")]
pub use dbuf_strategies::Watched;
pub use dbuf_strategies::{CellGuard, ConcurrentCell, DefaultStrategy, LocalStrategy};
pub use entry_ref::Ref;
pub use equivalent::Equivalent;
pub use iter::{Iter, Keys, Values};
pub use map_ref::MapRef;
pub use mapped_ref::MappedRef;
pub use owner::{Owner, WriterMut};
#[cfg(feature = "rayon")]
pub use parallel::{ParEntries, ParIter};
pub use reader::Reader;
pub use set::ConcurrentHashSet;
pub use shared::SharedReader;
pub use snapshot::Snapshot;
#[cfg(feature = "async")]
pub use watcher::{WatchedHashMap, Watcher};
pub use writer::Writer;
