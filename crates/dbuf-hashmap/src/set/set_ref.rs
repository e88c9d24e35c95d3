use core::fmt;
use core::hash::{BuildHasher, Hash};
use std::hash::RandomState;

use equivalent::Equivalent;

use crate::iter::Keys;
use crate::map_ref::MapRef;

/// All elements of a set, in arbitrary order.
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
    /// The set as the map that it is.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::set::new();
    /// writer.write().insert("a");
    /// assert!(writer.published().as_map().contains_key("a"));
    /// ```
    pub fn as_map(&self) -> MapRef<'a, T, (), H> {
        self.0
    }

    /// How many elements there are.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::set::new();
    /// writer.write().insert("a");
    /// assert_eq!(writer.published().len(), 1);
    /// ```
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::set::new();
    /// writer.write().insert("a");
    /// assert!(!writer.published().is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many elements this copy can hold before it grows.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::set::new();
    /// writer.write().insert("a");
    /// assert!(writer.published().capacity() >= 1);
    /// ```
    pub fn capacity(&self) -> usize {
        self.0.capacity()
    }

    /// The hasher.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::hash::BuildHasher;
    ///
    /// let (mut writer, _reader) = dbuf_hashmap::set::new();
    /// writer.write().insert("a");
    /// let set = writer.published();
    /// assert_eq!(set.hasher().hash_one("a"), set.hasher().hash_one("a"));
    /// ```
    pub fn hasher(&self) -> &'a H {
        self.0.hasher()
    }

    /// All elements, in arbitrary order.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::set::new();
    /// writer.write().insert("a");
    /// assert_eq!(writer.published().iter().next(), Some(&"a"));
    /// ```
    pub fn iter(&self) -> Iter<'a, T> {
        self.0.keys()
    }
}

impl<'a, T, H: BuildHasher> SetRef<'a, T, H> {
    /// Whether an element is there.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::set::new();
    /// writer.write().insert("a");
    /// assert!(writer.published().contains("a"));
    /// ```
    pub fn contains<Q>(&self, element: &Q) -> bool
    where
        Q: Hash + Equivalent<T> + ?Sized,
    {
        self.0.contains_key(element)
    }

    /// The element as it is stored.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::set::new();
    /// writer.write().insert("a");
    /// assert_eq!(writer.published().get("a"), Some(&"a"));
    /// ```
    pub fn get<Q>(&self, element: &Q) -> Option<&'a T>
    where
        Q: Hash + Equivalent<T> + ?Sized,
    {
        self.0.get_key_value(element).map(|(element, ())| element)
    }

    /// Whether the other has all of these elements. A look-up for each.
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

    /// Whether the two have no element in common. A look-up for each of the smaller set.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::set::new();
    /// writer.write().insert("a");
    /// let before = writer.reader();
    /// let before = before.read();
    /// let mut batch = writer.write();
    /// batch.remove("a");
    /// batch.insert("b");
    /// batch.publish();
    /// assert!(before.as_set().is_disjoint(&writer.published()));
    /// ```
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

/// Equal elements, in whatever order and by whatever hasher.
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
