//! dbuf's concurrent map, with any strategy that waits and its default policy.

use dbuf_hashmap::{BlockingStrategy, Builder, ConcurrentHashMap};

use super::{Change, Handle, Key, Stored, Value, hasher};
use crate::Hash;

impl<K: Key, V: Stored, S> Handle<K> for ConcurrentHashMap<K, V, Hash, S>
where
    S: BlockingStrategy + Default + 'static,
{
    fn build(capacity: usize) -> Self {
        Builder::new()
            .capacity(capacity)
            .hasher(hasher())
            .strategy(S::default())
            .build_concurrent()
    }

    #[inline]
    fn get(&mut self, key: &K) -> Option<Value> {
        self.get_with(key, |value| value.value())
    }

    fn write(&mut self, changes: &mut Vec<Change<K>>) {
        // A call for one key and a batch are different paths.
        if changes.len() == 1 {
            for change in changes.drain(..) {
                let (key, value) = change.into_entry();
                match value {
                    Some(value) => drop(self.insert(key, value)),
                    None => drop(self.remove(&key)),
                }
            }
            return;
        }
        let mut batch = Self::write(self);
        for change in changes.drain(..) {
            let (key, value) = change.into_entry();
            match value {
                Some(value) => drop(batch.insert(key, value)),
                None => drop(batch.remove(&key)),
            }
        }
        batch.publish();
    }

    fn settle(&mut self) {
        // The log is replayed as a batch begins; an empty one publishes nothing.
        Self::write(self).publish();
    }
}
