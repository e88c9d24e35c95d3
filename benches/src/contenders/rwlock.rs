//! A hash map behind a reader-writer lock: what everybody would try first.

use alloc::sync::Arc;
use std::collections::HashMap;

use parking_lot::RwLock;

use super::{Contender, Hash, Lookup, Publish};
use crate::{Keys, Value};

type Map = HashMap<String, Value, Hash>;

/// `parking_lot::RwLock<HashMap>`.
pub(super) struct ParkingLot;

impl Contender for ParkingLot {
    type Reader = Arc<RwLock<Map>>;
    type Writer = Arc<RwLock<Map>>;

    fn build(keys: &Keys, hasher: Hash) -> (Self::Writer, Self::Reader) {
        let mut map = Map::with_capacity_and_hasher(keys.len(), hasher);
        map.extend(keys.entries());
        let map = Arc::new(RwLock::new(map));
        (Arc::clone(&map), map)
    }
}

impl Lookup for Arc<RwLock<Map>> {
    #[inline]
    fn lookup(&mut self, key: &str) -> Option<Value> {
        self.read().get(key).copied()
    }
}

impl Publish for Arc<RwLock<Map>> {
    fn publish(&mut self, changes: &[(&str, Value)]) {
        let mut map = self.write();
        for &(key, value) in changes {
            if let Some(old) = map.get_mut(key) {
                *old = value;
            }
        }
    }
}
