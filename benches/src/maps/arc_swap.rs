//! arc-swap over a map that is cloned for each batch. Writers take a lock: `rcu`
//! would clone in vain whenever two of them meet.

use alloc::sync::Arc;
use std::collections::HashMap;

use arc_swap::ArcSwap;
use parking_lot::Mutex;

use super::{Change, Handle, Key, Stored, Value, hasher};
use crate::Hash;

type Map<K, V> = HashMap<K, V, Hash>;

pub(super) struct Shared<K, V> {
    map: Arc<ArcSwap<Map<K, V>>>,
    writers: Arc<Mutex<()>>,
}

impl<K, V> Clone for Shared<K, V> {
    fn clone(&self) -> Self {
        Self {
            map: Arc::clone(&self.map),
            writers: Arc::clone(&self.writers),
        }
    }
}

impl<K: Key, V: Stored> Handle<K> for Shared<K, V> {
    fn build(capacity: usize) -> Self {
        let map = Map::with_capacity_and_hasher(capacity, hasher());
        Self {
            map: Arc::new(ArcSwap::from_pointee(map)),
            writers: Arc::default(),
        }
    }

    #[inline]
    fn get(&mut self, key: &K) -> Option<Value> {
        self.map.load().get(key).map(V::value)
    }

    fn write(&mut self, changes: &mut Vec<Change<K>>) {
        let _alone = self.writers.lock();
        let mut map = Map::clone(&self.map.load());
        for change in changes.drain(..) {
            let (key, value) = change.into_entry();
            match value {
                Some(value) => map.insert(key, value),
                None => map.remove(&key),
            };
        }
        self.map.store(Arc::new(map));
    }
}
