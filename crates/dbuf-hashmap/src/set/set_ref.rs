use core::fmt;
use core::hash::{BuildHasher, Hash};
use std::hash::RandomState;

use equivalent::Equivalent;

use crate::iter::Keys;
use crate::map_ref::MapRef;

/// Iterates over all elements of a set, in arbitrary order.
pub type Iter<'a, T> = Keys<'a, T, ()>;

/// One state of a set, borrowed from a guard, a batch or the writer.
///
/// A copyable reference.
///
/// # Examples
///
/// ```
/// let (mut writer, _reader) = dbuf_hashmap::set::new();
/// let mut batch = writer.write();
/// batch.insert(1);
/// assert!(batch.published().is_subset(&batch.as_set()));
/// assert!(batch.published().is_disjoint(&batch.as_set()));
/// assert_eq!(batch.as_set().get(&1), Some(&1));
/// ```
pub struct SetRef<'a, T, H = RandomState>(pub(super) MapRef<'a, T, (), H>);

impl<'a, T, H> SetRef<'a, T, H> {
    /// Returns the map without values that the set is.
    pub fn as_map(&self) -> MapRef<'a, T, (), H> {
        self.0
    }

    /// Returns the number of elements.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether the set has no elements.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns how many elements this copy can hold before it grows.
    pub fn capacity(&self) -> usize {
        self.0.capacity()
    }

    /// Returns the hasher.
    pub fn hasher(&self) -> &'a H {
        self.0.hasher()
    }

    /// Iterates over all elements, in arbitrary order.
    pub fn iter(&self) -> Iter<'a, T> {
        self.0.keys()
    }
}

impl<'a, T, H: BuildHasher> SetRef<'a, T, H> {
    /// Returns whether the set contains an element.
    pub fn contains<Q>(&self, element: &Q) -> bool
    where
        Q: Hash + Equivalent<T> + ?Sized,
    {
        self.0.contains_key(element)
    }

    /// Returns the stored element.
    pub fn get<Q>(&self, element: &Q) -> Option<&'a T>
    where
        Q: Hash + Equivalent<T> + ?Sized,
    {
        self.0.get_key_value(element).map(|(element, ())| element)
    }

    /// Returns whether `other` contains all elements of this set. One lookup for each.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::set::new();
    /// writer.write().insert("a");
    /// let before = writer.reader();
    /// let before = before.read();
    /// writer.write().insert("b");
    /// assert!(before.as_set().is_subset(&writer.published()));
    /// assert!(!writer.published().is_subset(&before.as_set()));
    /// ```
    pub fn is_subset<I: BuildHasher>(&self, other: &SetRef<'_, T, I>) -> bool
    where
        T: Hash + Eq,
    {
        self.len() <= other.len() && self.iter().all(|element| other.contains(element))
    }

    /// Returns whether the two sets have no element in common. One lookup for each element of the
    /// smaller set.
    pub fn is_disjoint<I: BuildHasher>(&self, other: &SetRef<'_, T, I>) -> bool
    where
        T: Hash + Eq,
    {
        self.intersection(other).next().is_none()
    }
}

impl<T, H> Copy for SetRef<'_, T, H> {}

impl<T, H> Clone for SetRef<'_, T, H> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: fmt::Debug, H> fmt::Debug for SetRef<'_, T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// Compares the elements, in any order and with any hashers.
impl<T: Hash + Eq, H: BuildHasher, I: BuildHasher> PartialEq<SetRef<'_, T, I>>
    for SetRef<'_, T, H>
{
    fn eq(&self, other: &SetRef<'_, T, I>) -> bool {
        self.0 == other.0
    }
}

impl<T: Hash + Eq, H: BuildHasher> Eq for SetRef<'_, T, H> {}

impl<'a, T, H> IntoIterator for SetRef<'a, T, H> {
    type Item = &'a T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}
