//! A hash map behind a reader-writer lock: what everybody would try first.

use alloc::sync::Arc;
use std::collections::HashMap;

use crossbeam_utils::sync::ShardedLock;

use super::{Change, Handle, Key, POISONED, Value, hasher};
use crate::Hash;

/// What is behind the lock.
pub(super) type Plain<K> = HashMap<K, Value, Hash>;

/// A lock around a [`Plain`] map.
pub(super) trait Lock<K>: Send + Sync + 'static {
    fn new(map: Plain<K>) -> Self;
    fn look(&self, key: &K) -> Option<Value>;
    fn change(&self, f: impl FnOnce(&mut Plain<K>));
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
            for Change { key, value } in changes.drain(..) {
                match value {
                    Some(value) => map.insert(key, value),
                    None => map.remove(&key),
                };
            }
        });
    }
}

impl<K: Key> Lock<K> for std::sync::RwLock<Plain<K>> {
    fn new(map: Plain<K>) -> Self {
        Self::new(map)
    }

    #[inline]
    fn look(&self, key: &K) -> Option<Value> {
        self.read().expect(POISONED).get(key).copied()
    }

    fn change(&self, f: impl FnOnce(&mut Plain<K>)) {
        f(&mut self.write().expect(POISONED));
    }
}

impl<K: Key> Lock<K> for parking_lot::RwLock<Plain<K>> {
    fn new(map: Plain<K>) -> Self {
        Self::new(map)
    }

    #[inline]
    fn look(&self, key: &K) -> Option<Value> {
        self.read().get(key).copied()
    }

    fn change(&self, f: impl FnOnce(&mut Plain<K>)) {
        f(&mut self.write());
    }
}

impl<K: Key> Lock<K> for ShardedLock<Plain<K>> {
    fn new(map: Plain<K>) -> Self {
        Self::new(map)
    }

    #[inline]
    fn look(&self, key: &K) -> Option<Value> {
        self.read().expect(POISONED).get(key).copied()
    }

    fn change(&self, f: impl FnOnce(&mut Plain<K>)) {
        f(&mut self.write().expect(POISONED));
    }
}
