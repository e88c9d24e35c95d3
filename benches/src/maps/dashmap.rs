//! dashmap.

use alloc::sync::Arc;

use dashmap::DashMap;

use super::{Change, Handle, Key, Stored, Value, hasher};
use crate::Hash;

#[derive(Clone)]
pub(super) struct Shared<K, V>(Arc<DashMap<K, V, Hash>>);

impl<K: Key, V: Stored> Handle<K> for Shared<K, V> {
    fn build(capacity: usize) -> Self {
        let map = DashMap::with_capacity_and_hasher(capacity, hasher());
        Self(Arc::new(map))
    }

    #[inline]
    fn get(&mut self, key: &K) -> Option<Value> {
        self.0.get(key).map(|value| V::value(&value))
    }

    fn write(&mut self, changes: &mut Vec<Change<K>>) {
        for change in changes.drain(..) {
            let (key, value) = change.into_entry();
            match value {
                Some(value) => drop(self.0.insert(key, value)),
                None => drop(self.0.remove(&key)),
            }
        }
    }
}
