//! The published value out, a value in.

use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

use crate::cell::{CellGuard, ConcurrentCell};
use crate::strategy::Strategy;

/// As the value that is published. Writers may wait until it is written.
impl<T: Serialize, S: Strategy> Serialize for ConcurrentCell<T, S> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        self.read().serialize(serializer)
    }
}

/// As the value.
impl<T: Serialize, S: Strategy> Serialize for CellGuard<'_, T, S> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        (**self).serialize(serializer)
    }
}

/// A cell of its own, with this value.
impl<'de, T: Deserialize<'de>, S: Strategy + Default> Deserialize<'de> for ConcurrentCell<T, S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = T::deserialize(deserializer)?;
        Ok(Self::with_strategy(value, S::default()))
    }
}
