use alloc::boxed::Box;

use crate::source::Error;

/// Converts raw keys and values of an engine to those of the map.
pub(crate) struct Decoder<A, B, K, V> {
    pub(crate) key: Box<dyn Fn(A) -> Result<K, Error> + Send + Sync>,
    pub(crate) value: Box<dyn Fn(B) -> Result<V, Error> + Send + Sync>,
}
