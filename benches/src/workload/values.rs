//! Keys, values and changes of a map.

use core::hash::Hash;

/// The bounds on keys, the same for every contender.
pub(crate) trait Key: Clone + Ord + Hash + Send + Sync + 'static {}

impl<K: Clone + Ord + Hash + Send + Sync + 'static> Key for K {}

/// The part of a value that a read checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Value {
    /// The index of the key; never changes.
    pub(crate) index: u32,
    /// The number of the write that stored it; 0 as the map was filled.
    pub(crate) generation: u32,
}

impl Value {
    /// The bytes of one by itself.
    pub(crate) const BYTES: usize = size_of::<Self>();
}

/// What a map stores for a key: a [`Value`], perhaps in more bytes.
pub(crate) trait Stored: Clone + Eq + Hash + Send + Sync + 'static {
    /// Makes one of this many bytes, if the type has a choice.
    fn new(value: Value, bytes: usize) -> Self;
    fn value(&self) -> Value;
}

impl Stored for Value {
    #[inline]
    fn new(value: Value, _: usize) -> Self {
        value
    }

    #[inline]
    fn value(&self) -> Value {
        *self
    }
}

/// A value of any size, in an allocation of its own.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Blob(Box<[u8]>);

impl Stored for Blob {
    fn new(value: Value, bytes: usize) -> Self {
        let mut blob = vec![0; bytes.max(Value::BYTES)].into_boxed_slice();
        blob[..4].copy_from_slice(&value.index.to_ne_bytes());
        blob[4..8].copy_from_slice(&value.generation.to_ne_bytes());
        Self(blob)
    }

    #[inline]
    fn value(&self) -> Value {
        let number = |from: usize| {
            let bytes = self.0[from..].first_chunk();
            u32::from_ne_bytes(*bytes.expect("`new` made it long enough"))
        };
        Value {
            index: number(0),
            generation: number(4),
        }
    }
}

/// One write: it stores a value, or removes the key if there is none.
#[derive(Clone, Debug)]
pub(crate) struct Change<K> {
    pub(crate) key: K,
    pub(crate) value: Option<Value>,
    /// The size of the value.
    pub(crate) bytes: usize,
}

impl<K> Change<K> {
    /// Stores the value of generation 0.
    pub(crate) fn fill(key: K, index: u32, bytes: usize) -> Self {
        let generation = 0;
        let value = Some(Value { index, generation });
        Self { key, value, bytes }
    }

    /// The key, and the value in the form that a map stores.
    #[inline]
    pub(crate) fn into_entry<V: Stored>(self) -> (K, Option<V>) {
        let value = self.value.map(|value| V::new(value, self.bytes));
        (self.key, value)
    }
}
