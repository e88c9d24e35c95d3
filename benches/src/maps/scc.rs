//! scc.

use alloc::sync::Arc;

use scc::HashMap;

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
        // Its docs: `read`, where nothing has to be held.
        self.0.read_sync(key, |_, value| value.value())
    }

    fn write(&mut self, changes: &mut Vec<Change<K>>) {
        for change in changes.drain(..) {
            let (key, value) = change.into_entry();
            match value {
                Some(value) => drop(self.0.upsert_sync(key, value)),
                None => drop(self.0.remove_sync(&key)),
            }
        }
    }
}
