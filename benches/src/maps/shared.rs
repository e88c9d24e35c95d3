//! Maps that every thread reaches through one `Arc`: concurrent maps, locks, and arc-swap.

use alloc::sync::Arc;
use std::collections::HashMap;

use arc_swap::ArcSwap;
use parking_lot::Mutex;

use super::handle::{Handle, apply, hasher};
use crate::Hash;
use crate::locks::Lock;
use crate::workload::values::{Change, Key, Stored, Value};

/// A concurrent map in an `Arc`: how to make it, look up a key, make changes, and keep what a
/// reader gets.
macro_rules! concurrent_map {
    (
        $name:ident, $map:ty, $build:expr,
        $get:expr,
        |$pinned:ident| $pin:expr,
        $hold:expr
    ) => {
        pub(super) struct $name<K: 'static, V: 'static>(Arc<$map>);

        impl<K, V> Clone for $name<K, V> {
            fn clone(&self) -> Self {
                Self(Arc::clone(&self.0))
            }
        }

        impl<K: Key, V: Stored> Handle<K> for $name<K, V> {
            fn build(capacity: usize) -> Self {
                let build: fn(usize) -> $map = $build;
                Self(Arc::new(build(capacity)))
            }

            #[inline]
            fn get(&mut self, key: &K) -> Option<Value> {
                let get: fn(&$map, &K) -> Option<Value> = $get;
                get(&self.0, key)
            }

            fn write(&mut self, changes: &mut Vec<Change<K>>) {
                let $pinned = &self.0;
                let map = $pin;
                apply!(
                    changes,
                    |key, value| map.insert(key, value),
                    map.remove(&key)
                );
            }

            fn hold(&mut self, key: &K, keep: &mut dyn FnMut()) {
                let hold: fn(&$map, &K, &mut dyn FnMut()) = $hold;
                hold(&self.0, key, keep);
            }
        }
    };
}

concurrent_map!(
    DashMap, dashmap::DashMap<K, V, Hash>,
    |capacity| dashmap::DashMap::with_capacity_and_hasher(capacity, hasher()),
    |map, key| map.get(key).map(|value| V::value(&value)),
    |map| map,
    |map, key, keep| {
        let _held = map.get(key);
        keep();
    }
);

concurrent_map!(
    Papaya, papaya::HashMap<K, V, Hash>,
    |capacity| papaya::HashMap::with_capacity_and_hasher(capacity, hasher()),
    |map, key| map.pin().get(key).map(V::value),
    |map| map.pin(),
    |map, key, keep| {
        let pinned = map.pin();
        let _held = pinned.get(key);
        keep();
    }
);

concurrent_map!(
    Flurry, flurry::HashMap<K, V, Hash>,
    |capacity| flurry::HashMap::with_capacity_and_hasher(capacity, hasher()),
    |map, key| map.pin().get(key).map(V::value),
    |map| map.pin(),
    |map, key, keep| {
        let pinned = map.pin();
        let _held = pinned.get(key);
        keep();
    }
);

concurrent_map!(
    Kovan, kovan_map::HashMap<K, V, Hash>,
    // It takes a number of buckets, and grows when three quarters are taken.
    |capacity| kovan_map::HashMap::with_capacity_and_hasher(capacity * 4 / 3, hasher()),
    |map, key| map.get(key).map(|value| value.value()),
    |map| map,
    // It gives clones only.
    |map, key, keep| {
        let _held = map.get(key);
        keep();
    }
);

concurrent_map!(
    Scc, scc::HashMap<K, V, Hash>,
    |capacity| scc::HashMap::with_capacity_and_hasher(capacity, hasher()),
    // Its documentation recommends `read_sync` where nothing has to be held.
    |map, key| map.read_sync(key, |_, value| value.value()),
    |map| SccWrites(map),
    |map, key, keep| {
        map.read_sync(key, |_, _| keep());
    }
);

/// scc's writes by the names that other maps have for them.
struct SccWrites<'a, K, V>(&'a scc::HashMap<K, V, Hash>);

impl<K: Key, V: Stored> SccWrites<'_, K, V> {
    fn insert(&self, key: K, value: V) -> Option<V> {
        self.0.upsert_sync(key, value)
    }

    fn remove(&self, key: &K) -> Option<(K, V)> {
        self.0.remove_sync(key)
    }
}

/// std's map, for those that hold a whole one.
pub(super) type Plain<K, V> = HashMap<K, V, Hash>;

/// arc-swap over a map that is cloned for each batch. Writers take a lock: `rcu` would clone in
/// vain whenever two of them meet.
pub(super) struct Swapped<K, V>(Arc<SwappedMap<K, V>>);

type SwappedMap<K, V> = (ArcSwap<Plain<K, V>>, Mutex<()>);

impl<K, V> Clone for Swapped<K, V> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K: Key, V: Stored> Handle<K> for Swapped<K, V> {
    fn build(capacity: usize) -> Self {
        let map = Plain::with_capacity_and_hasher(capacity, hasher());
        Self(Arc::new((ArcSwap::from_pointee(map), Mutex::default())))
    }

    #[inline]
    fn get(&mut self, key: &K) -> Option<Value> {
        self.0.0.load().get(key).map(V::value)
    }

    fn write(&mut self, changes: &mut Vec<Change<K>>) {
        let (shared, writers) = &*self.0;
        let _alone = writers.lock();
        let mut map = Plain::clone(&shared.load());
        apply!(
            changes,
            |key, value| map.insert(key, value),
            map.remove(&key)
        );
        shared.store(Arc::new(map));
    }

    fn hold(&mut self, _: &K, keep: &mut dyn FnMut()) {
        let _held = self.0.0.load();
        keep();
    }
}

/// A hash map behind a reader-writer lock.
pub(super) struct Locked<L, V>(Arc<L>, core::marker::PhantomData<fn() -> V>);

impl<L, V> Clone for Locked<L, V> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0), self.1)
    }
}

impl<K: Key, V: Stored, L: Lock<Plain<K, V>>> Handle<K> for Locked<L, V> {
    fn build(capacity: usize) -> Self {
        let map = Plain::with_capacity_and_hasher(capacity, hasher());
        Self(Arc::new(L::new(map)), core::marker::PhantomData)
    }

    #[inline]
    fn get(&mut self, key: &K) -> Option<Value> {
        self.0.read(|map| map.get(key).map(V::value))
    }

    fn write(&mut self, changes: &mut Vec<Change<K>>) {
        self.0.write(|map| {
            apply!(
                changes,
                |key, value| map.insert(key, value),
                map.remove(&key)
            );
        });
    }

    fn hold(&mut self, _: &K, keep: &mut dyn FnMut()) {
        self.0.read(|_| keep());
    }
}
