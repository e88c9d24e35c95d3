//! What a map has to do, and every map that is compared.
//!
//! To add a contender, implement [`Map`] by `map!` for its handle in [`buffers`] or [`shared`], and
//! give it a line in `all`.

pub mod buffers;
pub mod shared;

use core::ops::Range;

use dbuf_strategies::{
    CountStrategy, DefaultStrategy, EpochStrategy, Fence, FlashStrategy, LockStrategy,
};

use crate::Hash;
use crate::contender::{Contender, Entry, entries};
use crate::workload::keys::{Change, Key, Stored};
use crate::workload::ops::{State, Workload};
use buffers::{Concurrent, Dbuf, Evmap, Flashmap, LeftRight};
use shared::{DashMap, Flurry, Kovan, Papaya, ParkingLot, Scc, Sharded, StdLocked, Swapped};

/// One thread's handle of a map.
pub trait Map: Send + 'static {
    type Key: Key;
    type Value: Stored
    where
        Self: Sized;

    /// An empty map with room for `capacity` entries, hashed by [`hasher`].
    fn with_capacity(capacity: usize) -> Self
    where
        Self: Sized;
    /// Looks up one key, with everything that this costs: entering, leaving, locking.
    fn get(&mut self, key: &Self::Key) -> Option<u64>;
    /// Stores values, and removes keys that have none, in order. A read that starts after this
    /// call, on any thread, sees all of it.
    fn write(&mut self, changes: impl ExactSizeIterator<Item = (Self::Key, Option<Self::Value>)>)
    where
        Self: Sized;
    /// Makes all changes by [`write`](Self::write), with values of this many bytes if the type has
    /// a choice, and empties the list.
    fn apply(&mut self, changes: &mut Vec<Change<Self::Key>>, bytes: usize);
    /// Calls `keep` while this handle has a guard, a reference or a pin, whichever the map's API
    /// gives to a reader.
    fn hold(&mut self, key: &Self::Key, keep: &mut dyn FnMut());
    /// Does the work that the last write deferred to the next.
    fn settle(&mut self) {}
    /// Another thread's handle of this map.
    fn another(&self) -> Handle<Self::Key>;

    /// Runs operations of a workload, and writes whenever a batch is full. One call through the
    /// vtable is enough for all of them.
    fn run(
        &mut self,
        workload: &Workload<Self::Key>,
        ops: Range<usize>,
        state: &mut State<Self::Key>,
    ) {
        for op in &workload.ops[ops] {
            let key = workload.key(op);
            if op.is_read() {
                state.check(op, self.get(key));
            } else if state.change(op, key) {
                self.apply(&mut state.pending, state.bytes);
            }
        }
    }
}

/// A handle of a map of any type.
pub type Handle<K> = Box<dyn Map<Key = K>>;

/// Calls `keep` while `_held` is alive.
pub fn holding<T>(_held: T, keep: &mut dyn FnMut()) {
    keep();
}

/// The hasher of every contender, with the same seed.
#[inline]
pub fn hasher() -> Hash {
    Hash::with_seed(0)
}

/// Implements [`Map`] for a handle by an expression for each method.
macro_rules! map {
    ([$($bounds:tt)*] $handle:ty, $this:ident:
        new($capacity:ident) => $new:expr;
        get($key:ident) => $get:expr;
        write($changes:ident) => $write:expr;
        hold($held:pat, $keep:ident) => $hold:expr;
        $(settle() => $settle:expr;)?
    ) => {
        impl<$($bounds)*> Map for $handle {
            type Key = K;
            type Value = V;

            fn with_capacity($capacity: usize) -> Self {
                $new
            }

            #[inline]
            fn get(&mut self, $key: &K) -> Option<u64> {
                let $this = self;
                $get
            }

            #[inline]
            fn write(&mut self, $changes: impl ExactSizeIterator<Item = (K, Option<V>)>) {
                let $this = self;
                $write;
            }

            fn apply(&mut self, changes: &mut Vec<(K, Option<u64>)>, bytes: usize) {
                let changes = changes.drain(..);
                let stored = |value| V::new(value, bytes);
                Map::write(self, changes.map(|(key, value)| (key, value.map(stored))));
            }

            fn another(&self) -> $crate::maps::Handle<K> {
                Box::new(self.clone())
            }

            fn hold(&mut self, $held: &K, $keep: &mut dyn FnMut()) {
                let $this = self;
                $hold;
            }

            $(fn settle(&mut self) {
                let $this = self;
                $settle;
            })?
        }
    };
}
pub(crate) use map;

/// Makes changes one by one, by an expression that stores a value and one that removes a key.
macro_rules! apply {
    ($changes:expr, |$key:ident, $value:ident| $put:expr, $remove:expr) => {
        for change in $changes {
            match change {
                ($key, Some($value)) => _ = $put,
                ($key, None) => _ = $remove,
            }
        }
    };
}
use apply;

/// Makes a map with room for a number of entries.
type Build<K> = fn(usize) -> Handle<K>;
pub type MapEntry<K> = Entry<Build<K>>;

fn new<M: Map>(capacity: usize) -> Handle<M::Key> {
    Box::new(M::with_capacity(capacity))
}

/// Every contender, in the order of the tables.
pub fn all<K: Key, V: Stored>() -> Vec<MapEntry<K>> {
    entries! { Build<K>;
        OURS "epoch", "dbuf's Writer and Reader, EpochStrategy: two stores to an own line a read",
            new::<Dbuf<K, V, EpochStrategy>>;
        OURS "flash", "dbuf's Writer and Reader, FlashStrategy: an own word, changed twice a read",
            new::<Dbuf<K, V, FlashStrategy>>;
        OURS "count", "dbuf's Writer and Reader, CountStrategy: shared counts, changed twice a read",
            new::<Dbuf<K, V, CountStrategy>>;
        OURS "lock", "dbuf's Writer and Reader, LockStrategy: a mutex around two counts",
            new::<Dbuf<K, V, LockStrategy>>;
        OURS "mutex-writer", "dbuf's Writer in std's Mutex and Readers, with the strategy of concurrent",
            new::<Dbuf<K, V, DefaultStrategy>>;
        OURS "concurrent", "dbuf's ConcurrentHashMap, DefaultStrategy (epoch): one handle for all threads",
            new::<Concurrent<K, V, DefaultStrategy>>;
        OURS "concurrent-flash", "dbuf's ConcurrentHashMap, FlashStrategy: one handle for all threads",
            new::<Concurrent<K, V, FlashStrategy>>;
        THEIRS "evmap", "evmap 11: double buffer, multi-map, by left-right", new::<Evmap<K, V>>;
        THEIRS "flashmap", "flashmap 0.2: double buffer", new::<Flashmap<K, V>>;
        THEIRS "left-right", "left-right 0.11 with a HashMap", new::<LeftRight<K, V>>;
        THEIRS "dashmap", "dashmap 6: shards behind locks", new::<DashMap<K, V>>;
        THEIRS "papaya", "papaya 0.2: lock-free", new::<Papaya<K, V>>;
        THEIRS "scc", "scc 3: a lock for each bucket", new::<Scc<K, V>>;
        THEIRS "flurry", "flurry 0.5: Java's concurrent map", new::<Flurry<K, V>>;
        THEIRS "kovan-map", "kovan-map 0.2: lock-free chains", new::<Kovan<K, V>>;
        THEIRS "arc-swap", "arc-swap 1 over a HashMap, cloned to write", new::<Swapped<K, V>>;
        THEIRS "rwlock-std", "std's RwLock<HashMap>", new::<StdLocked<K, V>>;
        THEIRS "rwlock-parking", "parking_lot's RwLock<HashMap>", new::<ParkingLot<K, V>>;
        THEIRS "sharded-lock", "crossbeam's ShardedLock<HashMap>", new::<Sharded<K, V>>;
    }
}

/// `EpochStrategy` as it decides by itself, and with each fence forced. They are compared with
/// each other only, so they are not in [`all`].
pub fn fences<K: Key>() -> Vec<MapEntry<K>> {
    fn with<K: Key>(strategy: EpochStrategy, capacity: usize) -> Handle<K> {
        Box::new(Dbuf::<K, u64, _>::new(strategy, capacity))
    }
    entries! { Build<K>;
        OURS "adaptive", "EpochStrategy::new", |capacity| with(EpochStrategy::new(), capacity);
        OURS "symmetric", "EpochStrategy, Fence::Symmetric",
            |capacity| with(EpochStrategy::with_fence(Fence::Symmetric), capacity);
        OURS "asymmetric", "EpochStrategy, Fence::Asymmetric",
            |capacity| with(EpochStrategy::with_fence(Fence::Asymmetric), capacity);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::workload::keys::{Blob, value};

    fn put(key: u64, generation: u32) -> Change<u64> {
        (key, Some(value(u32::try_from(key).unwrap(), generation)))
    }

    #[test]
    fn every_contender_sees_what_was_written() {
        let entries = [all::<u64, u64>(), fences()].concat();
        let names: HashSet<_> = entries.iter().map(|entry| entry.contender.name).collect();
        assert_eq!(names.len(), entries.len());
        for entry in entries.into_iter().chain(all::<u64, Blob>()) {
            let name = entry.contender.name;
            let mut one = (entry.build)(4);
            let mut two = one.another();
            for generation in 0..5 {
                let (before, gone) = (put(1, 100), (3, None));
                let mut changes = vec![before, put(1, generation), put(3, generation), gone];
                one.apply(&mut changes, 20);
                assert!(changes.is_empty(), "{name}");
                let expected = put(1, generation).1;
                assert_eq!(one.get(&1), expected, "{name}");
                assert_eq!(two.get(&1), expected, "{name}");
                assert_eq!(two.get(&3), None, "{name}");
                let mut held = false;
                two.hold(&1, &mut || held = true);
                assert!(held, "{name}");
                two.apply(&mut vec![put(2, generation)], 20);
                one.settle();
                assert_eq!(one.get(&2), put(2, generation).1, "{name}");
            }
            // A handle that was made late, and a key that was never written.
            assert_eq!(two.another().get(&2), put(2, 4).1, "{name}");
            assert_eq!(two.get(&9), None, "{name}");
        }
    }
}
