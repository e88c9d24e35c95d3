use core::fmt;
use core::hash::{BuildHasher, Hash};
use std::hash::RandomState;

use dbuf_core::{Strategy, Version};
use equivalent::Equivalent;

use super::{Iter, SetRef};
use crate::owner::Ptr;
use crate::{DefaultStrategy, MapGuard, ValueGuard};

/// A handle that reads a set. As the map's [`Reader`](crate::Reader).
///
/// # Examples
///
/// ```
/// let (mut writer, reader) = dbuf_hashmap::set::new::<String>();
/// writer.write().insert("a".to_owned());
/// assert!(reader.contains("a"));
/// assert_eq!(*reader.get("a").unwrap(), "a");
/// ```
pub struct Reader<T, H = RandomState, S: Strategy = DefaultStrategy> {
    map: crate::Reader<T, (), H, S>,
}

impl<T, H, S: Strategy> Reader<T, H, S> {
    pub(super) fn new(inner: dbuf_core::Reader<Ptr<T, (), H, S>>) -> Self {
        Self {
            map: crate::Reader::new(inner),
        }
    }

    /// Looks at the set as it is published now.
    #[inline]
    pub fn read(&self) -> SetGuard<'_, T, H, S> {
        SetGuard {
            map: self.map.read(),
        }
    }

    /// Whether an element is there.
    #[inline]
    pub fn contains<Q>(&self, element: &Q) -> bool
    where
        Q: Hash + Equivalent<T> + ?Sized,
        H: BuildHasher,
    {
        self.map.get(element).is_some()
    }

    /// Looks at the element as it is stored.
    pub fn get<Q>(&self, element: &Q) -> Option<ValueGuard<'_, T, (), H, S, T>>
    where
        Q: Hash + Equivalent<T> + ?Sized,
        H: BuildHasher,
    {
        MapGuard::try_map(self.map.read(), |map| Some(map.get_key_value(element)?.0)).ok()
    }

    /// The reader of the map that the set is.
    pub fn as_map(&self) -> &crate::Reader<T, (), H, S> {
        &self.map
    }

    /// Whether the writer is gone, so that nothing will change.
    pub fn is_closed(&self) -> bool {
        self.map.is_closed()
    }

    /// The hasher.
    pub fn hasher(&self) -> &H {
        self.map.hasher()
    }
}

impl<T, H, S: Strategy> Clone for Reader<T, H, S> {
    fn clone(&self) -> Self {
        Self {
            map: self.map.clone(),
        }
    }
}

impl<T, H, S: Strategy> fmt::Debug for Reader<T, H, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.map.fmt(f)
    }
}

/// A look at a set, as it stood when the guard was taken. Holds up the writer as
/// a [`MapGuard`] does.
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
pub struct SetGuard<'r, T, H = RandomState, S: Strategy = DefaultStrategy> {
    map: MapGuard<'r, T, (), H, S>,
}

impl<T, H, S: Strategy> SetGuard<'_, T, H, S> {
    /// The set that the guard shows, as a plain reference.
    pub fn as_set(&self) -> SetRef<'_, T, H> {
        SetRef(self.map.as_map())
    }

    /// The number of the publish that the guard looks at.
    pub fn version(&self) -> Version {
        self.map.version()
    }

    /// How many elements there are.
    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// All elements, in arbitrary order.
    pub fn iter(&self) -> Iter<'_, T> {
        self.map.keys()
    }

    /// Whether an element is there.
    #[inline]
    pub fn contains<Q>(&self, element: &Q) -> bool
    where
        Q: Hash + Equivalent<T> + ?Sized,
        H: BuildHasher,
    {
        self.map.contains_key(element)
    }

    /// The element as it is stored.
    pub fn get<Q>(&self, element: &Q) -> Option<&T>
    where
        Q: Hash + Equivalent<T> + ?Sized,
        H: BuildHasher,
    {
        self.as_set().get(element)
    }
}

impl<T: fmt::Debug, H, S: Strategy> fmt::Debug for SetGuard<'_, T, H, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_set().fmt(f)
    }
}

/// Equal elements, in whatever order.
impl<T: Hash + Eq, H: BuildHasher, S: Strategy> PartialEq for SetGuard<'_, T, H, S> {
    fn eq(&self, other: &Self) -> bool {
        self.as_set() == other.as_set()
    }
}

impl<T: Hash + Eq, H: BuildHasher, S: Strategy> Eq for SetGuard<'_, T, H, S> {}

impl<'g, T, H, S: Strategy> IntoIterator for &'g SetGuard<'_, T, H, S> {
    type Item = &'g T;
    type IntoIter = Iter<'g, T>;

    fn into_iter(self) -> Iter<'g, T> {
        self.iter()
    }
}
