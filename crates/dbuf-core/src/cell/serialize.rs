//! A cell is serialized as its published value, and deserialized from a value.

use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

use crate::cell::{CellGuard, ConcurrentCell};
use crate::strategy::Strategy;

/// Serializes the published value. Writers may wait until that is done.
impl<T: Serialize, S: Strategy> Serialize for ConcurrentCell<T, S> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        self.read().serialize(serializer)
    }
}

/// Serializes the value.
impl<T: Serialize, S: Strategy> Serialize for CellGuard<'_, T, S> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        (**self).serialize(serializer)
    }
}

/// Makes a new cell with this value.
impl<'de, T: Deserialize<'de>, S: Strategy + Default> Deserialize<'de> for ConcurrentCell<T, S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = T::deserialize(deserializer)?;
        Ok(Self::with_strategy(value, S::default()))
    }
}
