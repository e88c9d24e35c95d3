//! A hash map behind a reader-writer lock: what everybody would try first.

use alloc::sync::Arc;
use std::collections::HashMap;

use crossbeam_utils::sync::ShardedLock;

use super::{Change, Handle, Key, POISONED, Stored, Value, hasher};
use crate::Hash;

/// What is behind the lock.
pub(super) type Plain<K, V> = HashMap<K, V, Hash>;

/// A lock around a [`Plain`] map.
pub(super) trait Lock<K>: Send + Sync + 'static {
    type Value: Stored;
    fn new(map: Plain<K, Self::Value>) -> Self;
    fn look(&self, key: &K) -> Option<Value>;
    fn change(&self, f: impl FnOnce(&mut Plain<K, Self::Value>));
}

/// The map that all threads share.
pub(super) struct Locked<L>(Arc<L>);

impl<L> Clone for Locked<L> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K: Key, L: Lock<K>> Handle<K> for Locked<L> {
    fn build(capacity: usize) -> Self {
        let map = HashMap::with_capacity_and_hasher(capacity, hasher());
        Self(Arc::new(L::new(map)))
    }

    #[inline]
    fn get(&mut self, key: &K) -> Option<Value> {
        self.0.look(key)
    }

    fn write(&mut self, changes: &mut Vec<Change<K>>) {
        self.0.change(|map| {
            for change in changes.drain(..) {
                let (key, value) = change.into_entry();
                match value {
                    Some(value) => map.insert(key, value),
                    None => map.remove(&key),
                };
            }
        });
    }
}

impl<K: Key, V: Stored> Lock<K> for std::sync::RwLock<Plain<K, V>> {
    type Value = V;

    fn new(map: Plain<K, V>) -> Self {
        Self::new(map)
    }

    #[inline]
    fn look(&self, key: &K) -> Option<Value> {
        self.read().expect(POISONED).get(key).map(V::value)
    }

    fn change(&self, f: impl FnOnce(&mut Plain<K, V>)) {
        f(&mut self.write().expect(POISONED));
    }
}

impl<K: Key, V: Stored> Lock<K> for parking_lot::RwLock<Plain<K, V>> {
    type Value = V;

    fn new(map: Plain<K, V>) -> Self {
        Self::new(map)
    }

    #[inline]
    fn look(&self, key: &K) -> Option<Value> {
        self.read().get(key).map(V::value)
    }

    fn change(&self, f: impl FnOnce(&mut Plain<K, V>)) {
        f(&mut self.write());
    }
}

impl<K: Key, V: Stored> Lock<K> for ShardedLock<Plain<K, V>> {
    type Value = V;

    fn new(map: Plain<K, V>) -> Self {
        Self::new(map)
    }

    #[inline]
    fn look(&self, key: &K) -> Option<Value> {
        self.read().expect(POISONED).get(key).map(V::value)
    }

    fn change(&self, f: impl FnOnce(&mut Plain<K, V>)) {
        f(&mut self.write().expect(POISONED));
    }
}
