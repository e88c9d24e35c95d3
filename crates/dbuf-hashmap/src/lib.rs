//! A concurrent hash map for data that is read far more often than written.
//!
//! Lookups never wait, whatever the writer does: there are two copies of the
//! map, readers look at one, the writer changes the other, and then they swap.
//! This crate has no unsafe code; the layers below it do
//! ([`strategies`], and their `core`).
//!
//! # Examples
//!
//! One handle, any thread, in the place of `Arc<RwLock<HashMap>>`:
//!
//! ```
//! use dbuf_hashmap::ConcurrentHashMap;
//!
//! let stock = ConcurrentHashMap::<String, u32>::new();
//! std::thread::scope(|scope| {
//!     scope.spawn(|| stock.insert("apples".to_owned(), 3));
//!     scope.spawn(|| stock.get_cloned("apples"));
//! });
//! assert_eq!(stock.get_cloned("apples"), Some(3)); // every write that returned is seen
//! ```
//!
//! A writer and readers apart, where one thread writes. Reads are a little faster,
//! and the writer decides what becomes visible when:
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
//! let map = reader.read(); // a consistent look at the whole
//! assert_eq!(map.values().sum::<u32>(), 7);
//! ```
//!
//! # What to know first
//!
//! * **A batch publishes when it is dropped**, also by `?`. `transact`
//!   ([`ConcurrentHashMap::transact`], [`Writer::transact`]) is the form that
//!   publishes all or nothing.
//! * **Do not write with a guard in hand.** A [`ConcurrentHashMap`] panics at once
//!   rather than wait for itself some day; a [`Writer`] cannot know, and waits.
//! * **Readers see the last publish**, not what the writer is doing. A write of a
//!   [`ConcurrentHashMap`] is published before it returns ([`PublishPolicy`] says
//!   when not). Under one guard a map does not change at all, so iteration is
//!   consistent and never in anybody's way.
//! * **The writer pays.** Every change is made twice, once to each copy; the
//!   second time at the start of the next batch, when readers have left. A guard
//!   that is held for long makes the writer wait there.
//! * **Each copy owns its values.** A change through a shared reference (of a
//!   `Cell`, an atomic, a `Mutex`) reaches one copy only: it comes and goes as
//!   the copies swap. To share a value between them, and with readers that keep
//!   it, store an `Arc<V>`:
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
//! A large value costs its memory twice, an `Arc` of it once: 32 values of 64 KiB
//! take 4.2 MB as they are and 2.1 MB behind an `Arc` (`tests/memory.rs`). The
//! table itself costs twice a plain map: 1 M entries `u64 -> u64` 2.00 to 2.02
//! times std's `HashMap`, the log of a batch of 10,000 included.
//!
//! # Sets and multi-maps
//!
//! [`set`] is the map with nothing for values, [`ConcurrentHashSet`] included;
//! [`multimap`] has many values for a key. Both have the same handles and batches.
//!
//! # One value
//!
//! [`ConcurrentCell`] is for what is no map: a configuration, a list, a struct that threads
//! read and replace as a whole.
//!
//! # Hashers
//!
//! The default is std's [`RandomState`](std::hash::RandomState): slow, and safe
//! against keys that an attacker chose to collide. Where nobody outside chooses
//! the keys, a fast hasher such as foldhash's `fast::RandomState` makes lookups
//! about twice as fast: [`Builder::hasher`].
//!
//! # Strategies
//!
//! How the writer learns that no reader is in its way is a type parameter, `S`,
//! with [`DefaultStrategy`] as its default: the first that the features enable.
//! [`Builder::strategy`] takes any other, of [`strategies`] or your own.
//!
//! # Features
//!
//! * `epoch` (default), `flash`, `count` and `lock` enable the strategy of that
//!   name. At least one has to be on.
//! * `async`: writes that await their turn ([`ConcurrentHashMap::insert_async`] and
//!   others, [`Writer::write_async`]), and readers that await changes ([`Watcher`], and
//!   [`CellWatcher`] for a cell).
//! * `serde`: a snapshot or a batch out, a map in.
//! * `rayon`: parallel iteration over a snapshot, a map collected in parallel.
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
pub use parallel::ParIter;
pub use reader::Reader;
pub use set::ConcurrentHashSet;
pub use shared::SharedReader;
pub use snapshot::Snapshot;
#[cfg(feature = "async")]
pub use watcher::{WatchedHashMap, Watcher};
pub use writer::Writer;
