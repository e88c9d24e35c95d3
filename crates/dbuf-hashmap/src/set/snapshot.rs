use core::fmt;
use core::hash::{BuildHasher, Hash};
use std::hash::RandomState;

use dbuf_core::{Strategy, Version};
use dbuf_strategies::DefaultStrategy;
use equivalent::Equivalent;

use super::{Iter, SetRef};
use crate::concurrent::{RefIter, RefMulti};

/// A guard on one published state of a set. It may make the writer wait, as a
/// [map's](crate::Snapshot) does.
///
/// # Examples
///
/// ```
/// let (mut writer, reader) = dbuf_hashmap::set::new();
/// writer.write().insert(1);
/// let guard = reader.read();
/// writer.write().insert(2);
/// assert!(guard.contains(&1) && !guard.contains(&2));
/// assert!(guard.as_set().is_subset(&reader.read().as_set()));
/// ```
#[must_use = "a guard that is dropped at once has read nothing"]
pub struct Snapshot<'a, T, H = RandomState, S: Strategy = DefaultStrategy> {
    map: crate::Snapshot<'a, T, (), H, S>,
}

impl<'a, T, H, S: Strategy> Snapshot<'a, T, H, S> {
    #[inline]
    pub(crate) fn new(map: crate::Snapshot<'a, T, (), H, S>) -> Self {
        Self { map }
    }

    /// Returns the set that the guard shows, as a plain reference.
    pub fn as_set(&self) -> SetRef<'_, T, H> {
        SetRef(self.map.as_map())
    }

    /// See [`Snapshot::version`](crate::Snapshot::version).
    pub fn version(&self) -> Version {
        self.map.version()
    }

    /// See [`Snapshot::refresh`](crate::Snapshot::refresh).
    #[inline]
    pub fn refresh(&mut self) -> bool {
        self.map.refresh()
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
    pub fn iter(&self) -> Iter<'_, T> {
        self.map.keys()
    }

    /// Returns whether the set contains an element.
    #[inline]
    pub fn contains<Q>(&self, element: &Q) -> bool
    where
        Q: Hash + Equivalent<T> + ?Sized,
        H: BuildHasher,
    {
        self.map.contains_key(element)
    }

    /// Returns the stored element.
    pub fn get<Q>(&self, element: &Q) -> Option<&T>
    where
        Q: Hash + Equivalent<T> + ?Sized,
        H: BuildHasher,
    {
        self.as_set().get(element)
    }
}

impl<T: fmt::Debug, H, S: Strategy> fmt::Debug for Snapshot<'_, T, H, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_set().fmt(f)
    }
}

/// Compares the elements, in any order, of any two handles.
impl<T, H, I, S, R> PartialEq<Snapshot<'_, T, I, R>> for Snapshot<'_, T, H, S>
where
    T: Hash + Eq,
    H: BuildHasher,
    I: BuildHasher,
    S: Strategy,
    R: Strategy,
{
    fn eq(&self, other: &Snapshot<'_, T, I, R>) -> bool {
        self.as_set() == other.as_set()
    }
}

impl<T, H, S> Eq for Snapshot<'_, T, H, S>
where
    T: Hash + Eq,
    H: BuildHasher,
    S: Strategy,
{
}

impl<'g, T, H, S: Strategy> IntoIterator for &'g Snapshot<'_, T, H, S> {
    type Item = &'g T;
    type IntoIter = Iter<'g, T>;

    fn into_iter(self) -> Iter<'g, T> {
        self.iter()
    }
}

/// All elements, as guards that own the snapshot together.
impl<'m, T, H, S: Strategy> IntoIterator for Snapshot<'m, T, H, S> {
    type Item = RefMulti<'m, T, (), H, S, T>;
    type IntoIter = RefIter<'m, T, (), H, S, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.map.into_keys()
    }
}
