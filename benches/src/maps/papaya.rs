//! papaya. A read pins; the changes of a batch share a pin.

use alloc::sync::Arc;

use papaya::HashMap;

use super::{Change, Handle, Key, Stored, Value, hasher};
use crate::Hash;

#[derive(Clone)]
pub(super) struct Shared<K, V>(Arc<HashMap<K, V, Hash>>);

impl<K: Key, V: Stored> Handle<K> for Shared<K, V> {
    fn build(capacity: usize) -> Self {
        let map = HashMap::with_capacity_and_hasher(capacity, hasher());
        Self(Arc::new(map))
    }

    #[inline]
    fn get(&mut self, key: &K) -> Option<Value> {
        self.0.pin().get(key).map(V::value)
    }

    fn write(&mut self, changes: &mut Vec<Change<K>>) {
        let map = self.0.pin();
        for change in changes.drain(..) {
            let (key, value) = change.into_entry();
            match value {
                Some(value) => map.insert(key, value),
                None => map.remove(&key),
            };
        }
    }
}
