//! Maps that every thread reaches through one `Arc`: concurrent maps, locks, and arc-swap; and
//! std's map for one thread.

use alloc::sync::Arc;
use std::collections::HashMap;
use std::sync::RwLock;

use arc_swap::ArcSwap;
use crossbeam_utils::sync::ShardedLock;
use parking_lot::Mutex;

use super::{Map, apply, hasher, holding, map};
use crate::Hash;
use crate::contender::POISONED;
use crate::workload::keys::{Key, Stored};

/// std's map: for those that hold a whole one, and as what sharing is compared with.
pub type Plain<K, V> = HashMap<K, V, Hash>;

map! {
    [K: Key, V: Stored] Plain<K, V>, this:
    new(capacity) => Self::with_capacity_and_hasher(capacity, hasher());
    get(key) => Self::get(this, key).map(V::number);
    write(changes) => apply!(changes, |key, value| this.insert(key, value), this.remove(&key));
    hold(key, keep) => holding(Self::get(this, key), keep);
}

pub type DashMap<K, V> = Arc<dashmap::DashMap<K, V, Hash>>;

map! {
    [K: Key, V: Stored] DashMap<K, V>, this:
    new(capacity) => Self::new(dashmap::DashMap::with_capacity_and_hasher(capacity, hasher()));
    get(key) => dashmap::DashMap::get(this, key).map(|value| value.number());
    write(changes) => {
        let map = &**this;
        apply!(changes, |key, value| map.insert(key, value), map.remove(&key));
    };
    hold(key, keep) => holding(dashmap::DashMap::get(this, key), keep);
}

/// Maps that a pin gives access to.
macro_rules! pinned {
    ($($name:ident is $crate_name:ident;)*) => {$(
        pub type $name<K, V> = Arc<$crate_name::HashMap<K, V, Hash>>;

        map! {
            [K: Key, V: Stored] $name<K, V>, this:
            new(capacity) =>
                Self::new($crate_name::HashMap::with_capacity_and_hasher(capacity, hasher()));
            get(key) => this.pin().get(key).map(V::number);
            write(changes) => {
                let map = this.pin();
                apply!(changes, |key, value| map.insert(key, value), map.remove(&key));
            };
            hold(_, keep) => holding(this.pin(), keep);
        }
    )*};
}
pinned! { Papaya is papaya; Flurry is flurry; }

pub type Kovan<K, V> = Arc<kovan_map::HashMap<K, V, Hash>>;

map! {
    [K: Key, V: Stored] Kovan<K, V>, this:
    // It takes a number of buckets, and grows when three quarters are taken.
    new(capacity) =>
        Self::new(kovan_map::HashMap::with_capacity_and_hasher(capacity * 4 / 3, hasher()));
    get(key) => kovan_map::HashMap::get(this, key).map(|value| value.number());
    write(changes) => apply!(changes, |key, value| this.insert(key, value), this.remove(&key));
    // It gives clones only.
    hold(key, keep) => holding(kovan_map::HashMap::get(this, key), keep);
}

pub type Scc<K, V> = Arc<scc::HashMap<K, V, Hash>>;

map! {
    [K: Key, V: Stored] Scc<K, V>, this:
    new(capacity) => Self::new(scc::HashMap::with_capacity_and_hasher(capacity, hasher()));
    // Its documentation recommends `read_sync` where nothing has to be held.
    get(key) => this.read_sync(key, |_, value| value.number());
    write(changes) =>
        apply!(changes, |key, value| this.upsert_sync(key, value), this.remove_sync(&key));
    hold(key, keep) => this.read_sync(key, |_, _| keep());
}

/// arc-swap over a map that is cloned for each batch. Writers take a lock: `rcu` would clone in
/// vain whenever two of them meet.
pub type Swapped<K, V> = Arc<(ArcSwap<Plain<K, V>>, Mutex<()>)>;

map! {
    [K: Key, V: Stored] Swapped<K, V>, this:
    new(capacity) =>
        Self::new((ArcSwap::from_pointee(Plain::with_capacity(capacity)), Mutex::default()));
    get(key) => Plain::get(&this.0.load(), key).map(V::number);
    write(changes) => {
        let (shared, writers) = &**this;
        let _alone = writers.lock();
        let mut map = Plain::clone(&shared.load());
        apply!(changes, |key, value| map.insert(key, value), map.remove(&key));
        shared.store(Arc::new(map));
    };
    hold(_, keep) => holding(this.0.load(), keep);
}

/// Maps behind a lock. What follows the lock takes a guard out of its result.
macro_rules! locked {
    ($($name:ident is $lock:ty $(, $unwrap:ident($poisoned:expr))?;)*) => {$(
        pub type $name<K, V> = Arc<$lock>;

        map! {
            [K: Key, V: Stored] $name<K, V>, this:
            new(capacity) => Self::new(<$lock>::new(Plain::with_capacity(capacity)));
            get(key) => Plain::get(&this.read()$(.$unwrap($poisoned))?, key).map(V::number);
            write(changes) => {
                let mut map = (**this).write()$(.$unwrap($poisoned))?;
                apply!(changes, |key, value| map.insert(key, value), map.remove(&key));
            };
            hold(_, keep) => holding(this.read()$(.$unwrap($poisoned))?, keep);
        }
    )*};
}
locked! {
    StdLocked is RwLock<Plain<K, V>>, expect(POISONED);
    ParkingLot is parking_lot::RwLock<Plain<K, V>>;
    Sharded is ShardedLock<Plain<K, V>>, expect(POISONED);
}
