//! Maps: one adapter trait, one file for each family.
//!
//! A new contender implements [`Handle`] in a file of its own and has a line in
//! [`all`].

mod arc_swap;
mod concurrent;
mod dashmap;
mod dbuf;
mod evmap;
mod flashmap;
mod flurry;
mod kovan;
mod left_right;
mod locks;
mod papaya;
mod scc;

use core::hash::Hash as StdHash;
use core::ops::Range;
use std::sync::{Mutex, MutexGuard};

use crossbeam_utils::sync::ShardedLock;
use dbuf_hashmap::ConcurrentHashMap;
use dbuf_strategies::{
    CountStrategy, DefaultStrategy, EpochStrategy, Fence, FlashStrategy, LockStrategy,
};

use crate::Hash;
use crate::script::Script;
use crate::state::State;

/// What a map holds for a key: enough to tell that a read got the right one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Value {
    /// The place of the key; never changes.
    pub(crate) place: u32,
    /// Which write of its thread put it there; 0 as the map was filled.
    pub(crate) generation: u32,
}

/// What a map really holds for a key: the value, perhaps in more bytes.
pub(crate) trait Stored: Clone + Eq + StdHash + Send + Sync + 'static {
    /// Makes one that takes this many bytes, if the type has a choice.
    fn new(value: Value, bytes: usize) -> Self;
    /// What a read checks.
    fn value(&self) -> Value;
}

impl Stored for Value {
    #[inline]
    fn new(value: Value, _: usize) -> Self {
        value
    }

    #[inline]
    fn value(&self) -> Value {
        *self
    }
}

/// A value of any size, in an allocation of its own.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Blob(Box<[u8]>);

impl Stored for Blob {
    fn new(value: Value, bytes: usize) -> Self {
        let mut blob = vec![0; bytes.max(Value::BYTES)].into_boxed_slice();
        blob[..4].copy_from_slice(&value.place.to_ne_bytes());
        blob[4..8].copy_from_slice(&value.generation.to_ne_bytes());
        Self(blob)
    }

    #[inline]
    fn value(&self) -> Value {
        let number = |from: usize| {
            let bytes = self.0[from..].first_chunk();
            u32::from_ne_bytes(*bytes.expect("a value is in front"))
        };
        Value {
            place: number(0),
            generation: number(4),
        }
    }
}

/// What a key has to be, for everybody.
pub(crate) trait Key: Clone + Ord + StdHash + Send + Sync + 'static {}

impl<K: Clone + Ord + StdHash + Send + Sync + 'static> Key for K {}

impl Value {
    /// Bytes of one by itself.
    pub(crate) const BYTES: usize = size_of::<Self>();
}

/// One write: a value put, or, if there is none, what is there removed.
#[derive(Clone, Debug)]
pub(crate) struct Change<K> {
    pub(crate) key: K,
    pub(crate) value: Option<Value>,
    /// How many bytes the value takes.
    pub(crate) bytes: usize,
}

impl<K> Change<K> {
    /// The key and what is to be stored for it.
    #[inline]
    fn into_entry<V: Stored>(self) -> (K, Option<V>) {
        let value = self.value.map(|value| V::new(value, self.bytes));
        (self.key, value)
    }
}

/// What one thread holds of a map; a clone is another thread's.
pub(crate) trait Handle<K>: Clone + Send + 'static {
    /// An empty map with room for so many entries, hashed by [`hasher`].
    fn build(capacity: usize) -> Self;
    /// Looks one key up, with all that this costs: entering, leaving, locking.
    fn get(&mut self, key: &K) -> Option<Value>;
    /// Makes all changes, in their order, and leaves none. When this returns, a
    /// read that starts later, on any thread, sees them.
    fn write(&mut self, changes: &mut Vec<Change<K>>);
    /// Does what the last write left for the next.
    fn settle(&mut self) {}
}

/// The hasher of every contender, with the same seed, so that they differ in
/// nothing but themselves.
fn hasher() -> Hash {
    Hash::with_seed(0)
}

const POISONED: &str = "a thread panicked, and the program with it";

/// The one writer of a double buffer. All of them have the same lock, so that they
/// differ in nothing but themselves.
fn lock<T>(writer: &Mutex<T>) -> MutexGuard<'_, T> {
    writer.lock().expect(POISONED)
}

/// A [`Handle`], whatever its type is. A call through this trait is one for each
/// block of operations.
pub(crate) trait Worker<K>: Send {
    /// The handle of another thread.
    fn another(&self) -> Box<dyn Worker<K>>;
    /// Runs operations of a script, and writes whenever enough changes are pending.
    fn run(&mut self, script: &Script<K>, ops: Range<usize>, state: &mut State<K>);
    /// As [`Handle::get`].
    fn get(&mut self, key: &K) -> Option<Value>;
    /// As [`Handle::write`].
    fn write(&mut self, changes: &mut Vec<Change<K>>);
    /// As [`Handle::settle`].
    fn settle(&mut self);
}

impl<K: Key, H: Handle<K>> Worker<K> for H {
    fn another(&self) -> Box<dyn Worker<K>> {
        Box::new(self.clone())
    }

    fn run(&mut self, script: &Script<K>, ops: Range<usize>, state: &mut State<K>) {
        for op in &script.ops[ops] {
            let key = script.key(op);
            if op.is_read() {
                state.check(op, Handle::get(self, key));
            } else if state.change(op, key) {
                Handle::write(self, &mut state.pending);
            }
        }
    }

    fn get(&mut self, key: &K) -> Option<Value> {
        Handle::get(self, key)
    }

    fn write(&mut self, changes: &mut Vec<Change<K>>) {
        Handle::write(self, changes);
    }

    fn settle(&mut self) {
        Handle::settle(self);
    }
}

/// A contender's line in the list.
pub(crate) struct Entry<K> {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    /// Whether it is one of dbuf's.
    pub(crate) is_ours: bool,
    pub(crate) build: fn(usize) -> Box<dyn Worker<K>>,
}

const fn entry<K: Key, H: Handle<K>>(name: &'static str, about: &'static str) -> Entry<K> {
    Entry {
        name,
        about,
        is_ours: false,
        build: |capacity| Box::new(H::build(capacity)),
    }
}

const fn ours<K: Key, H: Handle<K>>(name: &'static str, about: &'static str) -> Entry<K> {
    Entry {
        is_ours: true,
        ..entry::<K, H>(name, about)
    }
}

/// Every contender, in the order of the tables.
pub(crate) fn all<K: Key, V: Stored>() -> Vec<Entry<K>> {
    type Concurrent<K, V, S> = ConcurrentHashMap<K, V, Hash, S>;
    type Std<K, V> = std::sync::RwLock<locks::Plain<K, V>>;
    type ParkingLot<K, V> = parking_lot::RwLock<locks::Plain<K, V>>;
    type Sharded<K, V> = ShardedLock<locks::Plain<K, V>>;
    vec![
        ours::<K, dbuf::Pair<K, V, EpochStrategy>>(
            "epoch",
            "dbuf's Writer and Reader, EpochStrategy: two stores to an own line a read",
        ),
        ours::<K, dbuf::Pair<K, V, FlashStrategy>>(
            "flash",
            "dbuf's Writer and Reader, FlashStrategy: an own word, changed twice a read",
        ),
        ours::<K, dbuf::Pair<K, V, CountStrategy>>(
            "count",
            "dbuf's Writer and Reader, CountStrategy: shared counts, changed twice a read",
        ),
        ours::<K, dbuf::Pair<K, V, LockStrategy>>(
            "lock",
            "dbuf's Writer and Reader, LockStrategy: a mutex around two counts",
        ),
        ours::<K, dbuf::Pair<K, V, DefaultStrategy>>(
            "mutex-writer",
            "dbuf's Writer in std's Mutex and Readers, with the strategy of concurrent",
        ),
        ours::<K, Concurrent<K, V, DefaultStrategy>>(
            "concurrent",
            "dbuf's ConcurrentHashMap, DefaultStrategy (epoch): one handle for all threads",
        ),
        ours::<K, Concurrent<K, V, FlashStrategy>>(
            "concurrent-flash",
            "dbuf's ConcurrentHashMap, FlashStrategy: one handle for all threads",
        ),
        entry::<K, evmap::Pair<K, V>>("evmap", "evmap 11: double buffer, multi-map, by left-right"),
        entry::<K, flashmap::Pair<K, V>>("flashmap", "flashmap 0.2: double buffer"),
        entry::<K, left_right::Pair<K, V>>("left-right", "left-right 0.11 with a HashMap"),
        entry::<K, dashmap::Shared<K, V>>("dashmap", "dashmap 6: shards behind locks"),
        entry::<K, papaya::Shared<K, V>>("papaya", "papaya 0.2: lock-free"),
        entry::<K, scc::Shared<K, V>>("scc", "scc 3: a lock for each bucket"),
        entry::<K, flurry::Shared<K, V>>("flurry", "flurry 0.5: Java's concurrent map"),
        entry::<K, kovan::Shared<K, V>>("kovan-map", "kovan-map 0.2: lock-free chains"),
        entry::<K, arc_swap::Shared<K, V>>(
            "arc-swap",
            "arc-swap 1 over a HashMap, cloned to write",
        ),
        entry::<K, locks::Locked<Std<K, V>>>("rwlock-std", "std's RwLock<HashMap>"),
        entry::<K, locks::Locked<ParkingLot<K, V>>>(
            "rwlock-parking",
            "parking_lot's RwLock<HashMap>",
        ),
        entry::<K, locks::Locked<Sharded<K, V>>>(
            "sharded-lock",
            "crossbeam's ShardedLock<HashMap>",
        ),
    ]
}

/// `EpochStrategy` as it decides by itself, and with each fence forced. They are
/// compared with each other only, so they are not in [`all`].
pub(crate) fn fences<K: Key>() -> Vec<Entry<K>> {
    let entry = |name, about, build| Entry {
        name,
        about,
        is_ours: true,
        build,
    };
    type Pair<K> = dbuf::Pair<K, Value, EpochStrategy>;
    vec![
        entry("adaptive", "EpochStrategy::new", |capacity| {
            Box::new(Pair::<K>::with(EpochStrategy::new(), capacity))
        }),
        entry("symmetric", "EpochStrategy, Fence::Symmetric", |capacity| {
            let strategy = EpochStrategy::with_fence(Fence::Symmetric);
            Box::new(Pair::<K>::with(strategy, capacity))
        }),
        entry(
            "asymmetric",
            "EpochStrategy, Fence::Asymmetric",
            |capacity| {
                let strategy = EpochStrategy::with_fence(Fence::Asymmetric);
                Box::new(Pair::<K>::with(strategy, capacity))
            },
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(key: u64, generation: u32) -> Change<u64> {
        let place = u32::try_from(key).unwrap();
        let value = Some(Value { place, generation });
        let bytes = 20;
        Change { key, value, bytes }
    }

    #[test]
    fn every_contender_sees_what_was_written() {
        let entries = all::<u64, Value>().into_iter().chain(fences());
        for entry in entries.chain(all::<u64, Blob>()) {
            let mut one = (entry.build)(4);
            let mut two = one.another();
            for generation in 0..5 {
                let gone = Change {
                    key: 3,
                    value: None,
                    bytes: 0,
                };
                let mut changes = vec![put(1, 100), put(1, generation), put(3, generation), gone];
                one.write(&mut changes);
                assert!(changes.is_empty(), "{}", entry.name);
                let expected = put(1, generation).value;
                assert_eq!(one.get(&1), expected, "{}", entry.name);
                assert_eq!(two.get(&1), expected, "{}", entry.name);
                assert_eq!(two.get(&3), None, "{}", entry.name);
                two.write(&mut vec![put(2, generation)]);
                one.settle();
                assert_eq!(one.get(&2), put(2, generation).value, "{}", entry.name);
            }
            // A handle that came late, and a key that never was.
            assert_eq!(two.another().get(&2), put(2, 4).value, "{}", entry.name);
            assert_eq!(two.get(&9), None, "{}", entry.name);
        }
    }

    #[test]
    fn names_are_unique() {
        let all: Vec<_> = all::<u64, Value>().into_iter().chain(fences()).collect();
        for (nth, entry) in all.iter().enumerate() {
            assert!(all[..nth].iter().all(|other| other.name != entry.name));
        }
    }
}
