use core::fmt;
use core::hash::Hash;

use equivalent::Equivalent;

use super::{Iter, SetRef};
use crate::owner::Owner;

/// Changes to a set that become visible together. Ends as the map's
/// [`Batch`](crate::Batch) does.
///
/// # Examples
///
/// ```
/// let (mut writer, reader) = dbuf_hashmap::set::new();
/// let mut batch = writer.write();
/// batch.extend([1, 2, 3]);
/// batch.retain(|n| n % 2 == 1);
/// assert!(batch.remove(&1));
/// batch.publish();
/// assert_eq!(reader.read().iter().collect::<Vec<_>>(), [&3]);
/// ```
#[must_use = "a batch that is dropped at once publishes nothing new"]
pub struct Batch<W: Owner<Value = ()>> {
    pub(super) map: crate::Batch<W>,
}

impl<W: Owner<Value = ()>> Batch<W> {
    /// The set that a map without values is.
    pub(super) fn of(map: crate::Batch<W>) -> Self {
        Self { map }
    }

    /// Adds an element. Whether it is new; one that is there already is kept.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::set::new();
    /// let mut batch = writer.write();
    /// assert!(batch.insert("a"));
    /// assert!(!batch.insert("a"));
    /// ```
    pub fn insert(&mut self, element: W::Key) -> bool {
        insert(&mut self.map, element)
    }

    /// Adds an element in the place of an equal one, and returns that.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::set::new();
    /// let mut batch = writer.write();
    /// assert_eq!(batch.replace("a"), None);
    /// assert_eq!(batch.replace("a"), Some("a"));
    /// ```
    pub fn replace(&mut self, element: W::Key) -> Option<W::Key> {
        replace(&mut self.map, element)
    }

    /// Removes an element. Whether it was there.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::set::new();
    /// let mut batch = writer.write();
    /// batch.insert("a");
    /// assert!(batch.remove("a"));
    /// assert!(!batch.remove("a"));
    /// ```
    pub fn remove<Q>(&mut self, element: &Q) -> bool
    where
        Q: Hash + Equivalent<W::Key> + ?Sized,
    {
        self.map.remove(element).is_some()
    }

    /// Removes an element and returns it as it was stored. Clones it.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::set::new::<String>();
    /// let mut batch = writer.write();
    /// batch.insert("a".to_owned());
    /// assert_eq!(batch.take("a"), Some("a".to_owned()));
    /// ```
    pub fn take<Q>(&mut self, element: &Q) -> Option<W::Key>
    where
        Q: Hash + Equivalent<W::Key> + ?Sized,
    {
        self.map.remove_entry(element).map(|(element, ())| element)
    }

    /// Removes every element for which `keep` returns `false`. It runs once for
    /// each.
    ///
    /// # Panics
    ///
    /// With `keep`; the batch is torn then and rolls back.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::set::new();
    /// let mut batch = writer.write();
    /// batch.extend([1, 2, 3]);
    /// batch.retain(|n| *n > 2);
    /// assert_eq!(batch.len(), 1);
    /// ```
    pub fn retain(&mut self, mut keep: impl FnMut(&W::Key) -> bool) {
        self.map.retain(|element, ()| keep(element));
    }

    /// Takes all elements out; as [`crate::Batch::drain`].
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::set::new();
    /// let mut batch = writer.write();
    /// batch.extend([1, 2]);
    /// assert_eq!(batch.drain().sum::<i32>(), 3);
    /// assert!(batch.is_empty());
    /// ```
    pub fn drain(&mut self) -> impl ExactSizeIterator<Item = W::Key> + use<W> {
        self.map.drain().map(|(element, ())| element)
    }

    /// See [`Batch::clear`](crate::Batch::clear).
    pub fn clear(&mut self) {
        self.map.clear();
    }

    /// See [`Batch::reserve`](crate::Batch::reserve).
    pub fn reserve(&mut self, additional: usize) {
        self.map.reserve(additional);
    }

    /// See [`Batch::shrink_to_fit`](crate::Batch::shrink_to_fit).
    pub fn shrink_to_fit(&mut self) {
        self.map.shrink_to_fit();
    }

    /// See [`Batch::publish`](crate::Batch::publish).
    pub fn publish(self) {
        self.map.publish();
    }

    /// See [`Batch::rollback`](crate::Batch::rollback).
    pub fn rollback(self) {
        self.map.rollback();
    }

    /// See [`Batch::rollback_on_drop`](crate::Batch::rollback_on_drop).
    pub fn rollback_on_drop(&mut self) {
        self.map.rollback_on_drop();
    }

    /// See [`Batch::defer_on_drop`](crate::Batch::defer_on_drop).
    pub fn defer_on_drop(&mut self) {
        self.map.defer_on_drop();
    }

    /// See [`Batch::defer`](crate::Batch::defer).
    pub fn defer(self) {
        self.map.defer();
    }

    /// The set as this batch leaves it.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::set::new();
    /// let mut batch = writer.write();
    /// batch.insert("a");
    /// assert!(batch.as_set().contains("a"));
    /// ```
    pub fn as_set(&self) -> SetRef<'_, W::Key, W::Hasher> {
        SetRef(self.map.as_map())
    }

    /// What readers see, without a guard.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::set::new();
    /// let mut batch = writer.write();
    /// batch.insert("a");
    /// assert!(batch.published().is_empty());
    /// ```
    pub fn published(&self) -> SetRef<'_, W::Key, W::Hasher> {
        SetRef(self.map.published())
    }

    /// Whether an element is there.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::set::new();
    /// let mut batch = writer.write();
    /// batch.insert("a");
    /// assert!(batch.contains("a") && !batch.contains("b"));
    /// ```
    pub fn contains<Q>(&self, element: &Q) -> bool
    where
        Q: Hash + Equivalent<W::Key> + ?Sized,
    {
        self.map.contains_key(element)
    }

    /// The element as it is stored.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::set::new();
    /// let mut batch = writer.write();
    /// batch.insert("a");
    /// assert_eq!(batch.get("a"), Some(&"a"));
    /// ```
    pub fn get<Q>(&self, element: &Q) -> Option<&W::Key>
    where
        Q: Hash + Equivalent<W::Key> + ?Sized,
    {
        self.as_set().get(element)
    }

    /// How many elements there are.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::set::new();
    /// let mut batch = writer.write();
    /// batch.insert("a");
    /// assert_eq!(batch.len(), 1);
    /// ```
    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// Whether there are none.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::set::new();
    /// let mut batch = writer.write();
    /// batch.insert("a");
    /// assert!(!batch.is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// All elements, in arbitrary order.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::set::new();
    /// let mut batch = writer.write();
    /// batch.insert("a");
    /// assert_eq!(batch.iter().next(), Some(&"a"));
    /// ```
    pub fn iter(&self) -> Iter<'_, W::Key> {
        self.as_set().iter()
    }
}

/// Adds an element to the map that a set is.
pub(super) fn insert<W: Owner<Value = ()>>(map: &mut crate::Batch<W>, element: W::Key) -> bool {
    let (hash, bucket) = map.find(&element);
    match bucket {
        Some(_) => map.retire(Some(element), None),
        None => _ = map.insert_new(hash, element, ()),
    }
    bucket.is_none()
}

/// Adds an element to the map that a set is, in the place of an equal one.
pub(super) fn replace<W: Owner<Value = ()>>(
    map: &mut crate::Batch<W>,
    element: W::Key,
) -> Option<W::Key> {
    let old = map.remove_entry(&element);
    insert(map, element);
    old.map(|(element, ())| element)
}

/// Adds all.
impl<W: Owner<Value = ()>> Extend<W::Key> for Batch<W> {
    fn extend<I: IntoIterator<Item = W::Key>>(&mut self, elements: I) {
        // By `insert`, as a map would log what changes nothing here.
        let elements = elements.into_iter();
        self.reserve(elements.size_hint().0.saturating_sub(self.len()));
        for element in elements {
            self.insert(element);
        }
    }
}

impl<W: Owner<Value = ()>> fmt::Debug for Batch<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.map.fmt(f)
    }
}

impl<'b, W: Owner<Value = ()>> IntoIterator for &'b Batch<W> {
    type Item = &'b W::Key;
    type IntoIter = Iter<'b, W::Key>;

    fn into_iter(self) -> Iter<'b, W::Key> {
        self.iter()
    }
}
