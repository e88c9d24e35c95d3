use core::fmt;
use core::hash::Hash;

use equivalent::Equivalent;

use super::{Iter, SetRef};
use crate::forward::forward_batch;
use crate::owner::Owner;

/// Changes to a set that become visible together. It ends as a map's [`Batch`](crate::Batch) does.
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
    /// Makes a batch of a set from the batch of its map.
    pub(super) fn of(map: crate::Batch<W>) -> Self {
        Self { map }
    }

    /// Adds an element and returns whether it is new. An equal element is kept.
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

    /// Adds an element, and returns the equal one that it replaces.
    pub fn replace(&mut self, element: W::Key) -> Option<W::Key> {
        replace(&mut self.map, element)
    }

    /// Removes an element and returns whether it was there.
    pub fn remove<Q>(&mut self, element: &Q) -> bool
    where
        Q: Hash + Equivalent<W::Key> + ?Sized,
    {
        self.map.remove(element).is_some()
    }

    /// Removes an element and returns it as it was stored. Clones it.
    pub fn take<Q>(&mut self, element: &Q) -> Option<W::Key>
    where
        Q: Hash + Equivalent<W::Key> + ?Sized,
    {
        self.map.remove_entry(element).map(|(element, ())| element)
    }

    /// Removes every element for which `keep` returns `false`. It runs once for each.
    ///
    /// # Panics
    ///
    /// If `keep` panics; the batch is torn then and rolls back.
    pub fn retain(&mut self, mut keep: impl FnMut(&W::Key) -> bool) {
        self.map.retain(|element, ()| keep(element));
    }

    /// See [`Batch::drain`](crate::Batch::drain).
    pub fn drain(&mut self) -> impl ExactSizeIterator<Item = W::Key> + use<W> {
        self.map.drain().map(|(element, ())| element)
    }

    forward_batch!();

    /// Returns the set with the changes of this batch.
    pub fn as_set(&self) -> SetRef<'_, W::Key, W::Hasher> {
        SetRef(self.map.as_map())
    }

    /// Returns the set that readers see, without a guard.
    pub fn published(&self) -> SetRef<'_, W::Key, W::Hasher> {
        SetRef(self.map.published())
    }

    /// Returns whether the set contains an element.
    pub fn contains<Q>(&self, element: &Q) -> bool
    where
        Q: Hash + Equivalent<W::Key> + ?Sized,
    {
        self.map.contains_key(element)
    }

    /// Returns the stored element.
    pub fn get<Q>(&self, element: &Q) -> Option<&W::Key>
    where
        Q: Hash + Equivalent<W::Key> + ?Sized,
    {
        self.as_set().get(element)
    }

    /// Returns the number of elements.
    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// Returns whether the set has no elements.
    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// Iterates over all elements, in arbitrary order.
    pub fn iter(&self) -> Iter<'_, W::Key> {
        self.as_set().iter()
    }
}

/// Adds an element to the map of a set.
pub(super) fn insert<W: Owner<Value = ()>>(map: &mut crate::Batch<W>, element: W::Key) -> bool {
    let (hash, bucket) = map.find(&element);
    match bucket {
        Some(_) => map.retire(Some(element), None),
        None => _ = map.insert_new(hash, element, ()),
    }
    bucket.is_none()
}

/// Replaces an element in the map of a set.
pub(super) fn replace<W: Owner<Value = ()>>(
    map: &mut crate::Batch<W>,
    element: W::Key,
) -> Option<W::Key> {
    let old = map.remove_entry(&element);
    insert(map, element);
    old.map(|(element, ())| element)
}

/// Adds all elements.
impl<W: Owner<Value = ()>> Extend<W::Key> for Batch<W> {
    fn extend<I: IntoIterator<Item = W::Key>>(&mut self, elements: I) {
        // By `insert`, since the map's `extend` would log elements that are there already.
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
