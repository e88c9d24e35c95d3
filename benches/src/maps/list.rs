//! Every map that is compared.

use crossbeam_utils::sync::ShardedLock;
use dbuf_hashmap::ConcurrentHashMap;
use dbuf_strategies::{
    CountStrategy, DefaultStrategy, EpochStrategy, Fence, FlashStrategy, LockStrategy,
};

use super::buffers::{Dbuf, Evmap, Flashmap, LeftRight, dbuf};
use super::handle::Handle;
use super::shared::{DashMap, Flurry, Kovan, Locked, Papaya, Plain, Scc, Swapped};
use crate::Hash;
use crate::contender::Contender;
use crate::workload::values::{Key, Stored, Value};

/// A contender's line in the list.
pub(crate) struct Entry<K> {
    pub(crate) contender: Contender,
    /// Makes a map with room for a number of entries.
    pub(crate) build: fn(usize) -> Box<dyn Handle<K>>,
}

const fn entry<K: Key, H: Handle<K> + Clone + 'static>(contender: Contender) -> Entry<K> {
    Entry {
        contender,
        build: |capacity| Box::new(H::build(capacity)),
    }
}

const fn ours<K: Key, H: Handle<K> + Clone + 'static>(
    name: &'static str,
    about: &'static str,
) -> Entry<K> {
    entry::<K, H>(Contender::ours(name, about))
}

const fn theirs<K: Key, H: Handle<K> + Clone + 'static>(
    name: &'static str,
    about: &'static str,
) -> Entry<K> {
    entry::<K, H>(Contender::theirs(name, about))
}

/// Every contender, in the order of the tables.
pub(crate) fn all<K: Key, V: Stored>() -> Vec<Entry<K>> {
    type Concurrent<K, V, S> = ConcurrentHashMap<K, V, Hash, S>;
    type Std<K, V> = Locked<std::sync::RwLock<Plain<K, V>>, V>;
    type ParkingLot<K, V> = Locked<parking_lot::RwLock<Plain<K, V>>, V>;
    type Sharded<K, V> = Locked<ShardedLock<Plain<K, V>>, V>;
    vec![
        ours::<K, Dbuf<K, V, EpochStrategy>>(
            "epoch",
            "dbuf's Writer and Reader, EpochStrategy: two stores to an own line a read",
        ),
        ours::<K, Dbuf<K, V, FlashStrategy>>(
            "flash",
            "dbuf's Writer and Reader, FlashStrategy: an own word, changed twice a read",
        ),
        ours::<K, Dbuf<K, V, CountStrategy>>(
            "count",
            "dbuf's Writer and Reader, CountStrategy: shared counts, changed twice a read",
        ),
        ours::<K, Dbuf<K, V, LockStrategy>>(
            "lock",
            "dbuf's Writer and Reader, LockStrategy: a mutex around two counts",
        ),
        ours::<K, Dbuf<K, V, DefaultStrategy>>(
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
        theirs::<K, Evmap<K, V>>("evmap", "evmap 11: double buffer, multi-map, by left-right"),
        theirs::<K, Flashmap<K, V>>("flashmap", "flashmap 0.2: double buffer"),
        theirs::<K, LeftRight<K, V>>("left-right", "left-right 0.11 with a HashMap"),
        theirs::<K, DashMap<K, V>>("dashmap", "dashmap 6: shards behind locks"),
        theirs::<K, Papaya<K, V>>("papaya", "papaya 0.2: lock-free"),
        theirs::<K, Scc<K, V>>("scc", "scc 3: a lock for each bucket"),
        theirs::<K, Flurry<K, V>>("flurry", "flurry 0.5: Java's concurrent map"),
        theirs::<K, Kovan<K, V>>("kovan-map", "kovan-map 0.2: lock-free chains"),
        theirs::<K, Swapped<K, V>>("arc-swap", "arc-swap 1 over a HashMap, cloned to write"),
        theirs::<K, Std<K, V>>("rwlock-std", "std's RwLock<HashMap>"),
        theirs::<K, ParkingLot<K, V>>("rwlock-parking", "parking_lot's RwLock<HashMap>"),
        theirs::<K, Sharded<K, V>>("sharded-lock", "crossbeam's ShardedLock<HashMap>"),
    ]
}

/// `EpochStrategy` as it decides by itself, and with each fence forced. They are compared with
/// each other only, so they are not in [`all`].
pub(crate) fn fences<K: Key>() -> Vec<Entry<K>> {
    fn with<K: Key>(strategy: EpochStrategy, capacity: usize) -> Box<dyn Handle<K>> {
        Box::new(dbuf::<K, Value, _>(strategy, capacity))
    }
    let entry = |name, about, build| {
        let contender = Contender::ours(name, about);
        Entry { contender, build }
    };
    vec![
        entry("adaptive", "EpochStrategy::new", |capacity| {
            with(EpochStrategy::new(), capacity)
        }),
        entry("symmetric", "EpochStrategy, Fence::Symmetric", |capacity| {
            with(EpochStrategy::with_fence(Fence::Symmetric), capacity)
        }),
        entry(
            "asymmetric",
            "EpochStrategy, Fence::Asymmetric",
            |capacity| with(EpochStrategy::with_fence(Fence::Asymmetric), capacity),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::values::{Blob, Change};

    fn put(key: u64, generation: u32) -> Change<u64> {
        let index = u32::try_from(key).unwrap();
        let value = Some(Value { index, generation });
        let bytes = 20;
        Change { key, value, bytes }
    }

    #[test]
    fn every_contender_sees_what_was_written() {
        let entries = all::<u64, Value>().into_iter().chain(fences());
        for entry in entries.chain(all::<u64, Blob>()) {
            let name = entry.contender.name;
            let mut one = (entry.build)(4);
            let mut two = one.another();
            for generation in 0..5 {
                let (key, value, bytes) = (3, None, 0);
                let gone = Change { key, value, bytes };
                let mut changes = vec![put(1, 100), put(1, generation), put(3, generation), gone];
                one.write(&mut changes);
                assert!(changes.is_empty(), "{name}");
                let expected = put(1, generation).value;
                assert_eq!(one.get(&1), expected, "{name}");
                assert_eq!(two.get(&1), expected, "{name}");
                assert_eq!(two.get(&3), None, "{name}");
                let mut held = false;
                two.hold(&1, &mut || held = true);
                assert!(held, "{name}");
                two.write(&mut vec![put(2, generation)]);
                one.settle();
                assert_eq!(one.get(&2), put(2, generation).value, "{name}");
            }
            // A handle that was made late, and a key that was never written.
            assert_eq!(two.another().get(&2), put(2, 4).value, "{name}");
            assert_eq!(two.get(&9), None, "{name}");
        }
    }

    #[test]
    fn names_are_unique() {
        let all = all::<u64, Value>().into_iter().chain(fences());
        let names: Vec<_> = all.map(|entry| entry.contender.name).collect();
        for (nth, name) in names.iter().enumerate() {
            assert!(!names[..nth].contains(name), "{name}");
        }
    }
}
