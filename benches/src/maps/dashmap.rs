//! dashmap.

use alloc::sync::Arc;

use dashmap::DashMap;

use super::{Change, Handle, Key, Value, hasher};
use crate::Hash;

#[derive(Clone)]
pub(super) struct Shared<K>(Arc<DashMap<K, Value, Hash>>);

impl<K: Key> Handle<K> for Shared<K> {
    fn build(capacity: usize) -> Self {
        let map = DashMap::with_capacity_and_hasher(capacity, hasher());
        Self(Arc::new(map))
    }

    #[inline]
    fn get(&mut self, key: &K) -> Option<Value> {
        self.0.get(key).map(|value| *value)
    }

    fn write(&mut self, changes: &mut Vec<Change<K>>) {
        for Change { key, value } in changes.drain(..) {
            match value {
                Some(value) => drop(self.0.insert(key, value)),
                None => drop(self.0.remove(&key)),
            }
        }
    }
}
