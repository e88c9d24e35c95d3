//! papaya. A read pins; the changes of a batch share a pin.

use alloc::sync::Arc;

use papaya::HashMap;

use super::{Change, Handle, Key, Value, hasher};
use crate::Hash;

#[derive(Clone)]
pub(super) struct Shared<K>(Arc<HashMap<K, Value, Hash>>);

impl<K: Key> Handle<K> for Shared<K> {
    fn build(capacity: usize) -> Self {
        let map = HashMap::with_capacity_and_hasher(capacity, hasher());
        Self(Arc::new(map))
    }

    #[inline]
    fn get(&mut self, key: &K) -> Option<Value> {
        self.0.pin().get(key).copied()
    }

    fn write(&mut self, changes: &mut Vec<Change<K>>) {
        let map = self.0.pin();
        for Change { key, value } in changes.drain(..) {
            match value {
                Some(value) => map.insert(key, value),
                None => map.remove(&key),
            };
        }
    }
}
