//! Keys, values and changes of a map.

use core::hash::Hash;

/// The bounds on keys, the same for every contender.
pub trait Key: Clone + Ord + Hash + Send + Sync + 'static {}

impl<K: Clone + Ord + Hash + Send + Sync + 'static> Key for K {}

/// The number that a map stores for a key: the index of the key, which a read checks, and in the
/// upper half the number of the write; 0 as the map was filled.
pub fn value(index: u32, generation: u32) -> u64 {
    u64::from(generation) << 32 | u64::from(index)
}

#[inline]
pub fn index(value: u64) -> u32 {
    value as u32
}

/// What a map stores for a key: a number, perhaps in more bytes.
pub trait Stored: Clone + Eq + Hash + Send + Sync + 'static {
    /// Makes one of this many bytes, if the type has a choice.
    fn new(number: u64, bytes: usize) -> Self;
    fn number(&self) -> u64;
}

impl Stored for u64 {
    #[inline]
    fn new(number: u64, _: usize) -> Self {
        number
    }

    #[inline]
    fn number(&self) -> u64 {
        *self
    }
}

/// A value of any size, in an allocation of its own.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Blob(Box<[u8]>);

impl Stored for Blob {
    fn new(number: u64, bytes: usize) -> Self {
        let mut blob = number.to_ne_bytes().to_vec();
        blob.resize(bytes.max(size_of::<u64>()), 0);
        Self(blob.into())
    }

    #[inline]
    fn number(&self) -> u64 {
        let bytes = self.0.first_chunk();
        u64::from_ne_bytes(*bytes.expect("`new` made it long enough"))
    }
}

/// One write: it stores a value, or removes the key if there is none.
#[derive(Clone, Debug)]
pub struct Change<K> {
    pub key: K,
    pub value: Option<u64>,
    pub bytes: usize,
}

impl<K> Change<K> {
    /// Stores the value of generation 0.
    pub fn fill(key: K, index: u32, bytes: usize) -> Self {
        let value = Some(value(index, 0));
        Self { key, value, bytes }
    }

    /// The key, and the value in the form that a map stores.
    #[inline]
    pub fn into_entry<V: Stored>(self) -> (K, Option<V>) {
        let value = self.value.map(|value| V::new(value, self.bytes));
        (self.key, value)
    }
}
