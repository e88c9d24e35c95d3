//! arc-swap over a map that is cloned for each batch. Writers take a lock: `rcu`
//! would clone in vain whenever two of them meet.

use alloc::sync::Arc;
use std::collections::HashMap;

use arc_swap::ArcSwap;
use parking_lot::Mutex;

use super::{Change, Handle, Key, Value, hasher};
use crate::Hash;

type Map<K> = HashMap<K, Value, Hash>;

pub(super) struct Shared<K> {
    map: Arc<ArcSwap<Map<K>>>,
    writers: Arc<Mutex<()>>,
}

impl<K> Clone for Shared<K> {
    fn clone(&self) -> Self {
        Self {
            map: Arc::clone(&self.map),
            writers: Arc::clone(&self.writers),
        }
    }
}

impl<K: Key> Handle<K> for Shared<K> {
    fn build(capacity: usize) -> Self {
        let map = Map::with_capacity_and_hasher(capacity, hasher());
        Self {
            map: Arc::new(ArcSwap::from_pointee(map)),
            writers: Arc::default(),
        }
    }

    #[inline]
    fn get(&mut self, key: &K) -> Option<Value> {
        self.map.load().get(key).copied()
    }

    fn write(&mut self, changes: &mut Vec<Change<K>>) {
        let _alone = self.writers.lock();
        let mut map = Map::clone(&self.map.load());
        for Change { key, value } in changes.drain(..) {
            match value {
                Some(value) => map.insert(key, value),
                None => map.remove(&key),
            };
        }
        self.map.store(Arc::new(map));
    }
}
