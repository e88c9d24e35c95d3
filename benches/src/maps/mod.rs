//! Every map that is compared.
//!
//! To add a contender, implement [`Map`] for its handle in [`buffers`] or [`shared`], and give it
//! a line in `all`.

pub mod buffers;
mod handle;
pub mod shared;

use crossbeam_utils::sync::ShardedLock;
use dbuf_strategies::{
    CountStrategy, DefaultStrategy, EpochStrategy, Fence, FlashStrategy, LockStrategy,
};

use crate::contender::{Contender, Entry, entries};
use crate::workload::values::{Key, Stored};
use buffers::{Concurrent, Dbuf, Evmap, Flashmap, LeftRight};
#[cfg(test)]
pub(crate) use handle::map;
pub(crate) use handle::{Handle, holding};
pub use handle::{Map, hasher};
use shared::{DashMap, Flurry, Kovan, Locked, Papaya, Plain, Scc, Swapped};

/// Makes a map with room for a number of entries.
type Build<K> = fn(usize) -> Box<dyn Handle<K>>;
pub type MapEntry<K> = Entry<Build<K>>;

fn new<M: Map>(capacity: usize) -> Box<dyn Handle<M::Key>> {
    Box::new(M::with_capacity(capacity))
}

/// Every contender, in the order of the tables.
pub fn all<K: Key, V: Stored>() -> Vec<MapEntry<K>> {
    type Std<K, V> = std::sync::RwLock<Plain<K, V>>;
    type ParkingLot<K, V> = parking_lot::RwLock<Plain<K, V>>;
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
        THEIRS "rwlock-std", "std's RwLock<HashMap>", new::<Locked<K, V, Std<K, V>>>;
        THEIRS "rwlock-parking", "parking_lot's RwLock<HashMap>", new::<Locked<K, V, ParkingLot<K, V>>>;
        THEIRS "sharded-lock", "crossbeam's ShardedLock<HashMap>",
            new::<Locked<K, V, ShardedLock<Plain<K, V>>>>;
    }
}

/// `EpochStrategy` as it decides by itself, and with each fence forced. They are compared with
/// each other only, so they are not in [`all`].
pub fn fences<K: Key>() -> Vec<MapEntry<K>> {
    fn with<K: Key>(strategy: EpochStrategy, capacity: usize) -> Box<dyn Handle<K>> {
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
    use super::*;
    use crate::workload::values::{Blob, Change, value};

    fn put(key: u64, generation: u32) -> Change<u64> {
        let value = Some(value(u32::try_from(key).unwrap(), generation));
        let bytes = 20;
        Change { key, value, bytes }
    }

    #[test]
    fn every_contender_sees_what_was_written() {
        let entries = all::<u64, u64>().into_iter().chain(fences());
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
        let all = all::<u64, u64>().into_iter().chain(fences());
        let mut names: Vec<_> = all.map(|entry| entry.contender.name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
