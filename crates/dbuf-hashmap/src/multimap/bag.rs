use alloc::vec::Vec;
use core::fmt;
use core::ops::Deref;

use smallvec::{SmallVec, smallvec};

use crate::op::ValueChange;

/// The values of a key, in arbitrary order. Values may repeat.
///
/// A slice. The first value is stored in the map's table, without an allocation.
///
/// # Examples
///
/// ```
/// let (mut writer, reader) = dbuf_hashmap::multimap::new();
/// writer.write().extend([("a", 1), ("a", 1)]);
/// assert_eq!(**reader.get("a").unwrap(), [1, 1]);
/// ```
#[derive(Clone)]
pub struct Bag<V>(SmallVec<[V; 1]>);

impl<V> Bag<V> {
    pub(super) fn of(value: V) -> Self {
        Self(smallvec![value])
    }

    pub(super) fn push(&mut self, value: V) {
        self.0.push(value);
    }
}

impl<V> Deref for Bag<V> {
    type Target = [V];

    #[inline]
    fn deref(&self) -> &[V] {
        &self.0
    }
}

/// Returns the values by value.
impl<V> IntoIterator for Bag<V> {
    type Item = V;
    type IntoIter = alloc::vec::IntoIter<V>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_vec().into_iter()
    }
}

impl<'b, V> IntoIterator for &'b Bag<V> {
    type Item = &'b V;
    type IntoIter = core::slice::Iter<'b, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Compares the values and their order.
impl<V: PartialEq> PartialEq for Bag<V> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<V: Eq> Eq for Bag<V> {}

impl<V: fmt::Debug> fmt::Debug for Bag<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// A change to the values of a bag, by index. Both copies hold the values in the same order, so the
/// replay compares none.
pub enum BagChange<V> {
    Push(V),
    Take(usize),
    /// Removes the values with these indices, which are in ascending order.
    TakeAll(Vec<usize>),
}

impl<V> fmt::Debug for BagChange<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Push(_) => "Push",
            Self::Take(_) => "Take",
            Self::TakeAll(_) => "TakeAll",
        })
    }
}

impl<V: Clone> ValueChange<Bag<V>> for BagChange<V> {
    fn apply(&self, bag: &mut Bag<V>) {
        match self {
            Self::Push(value) => bag.push(value.clone()),
            Self::Take(at) => bag.take(*at),
            Self::TakeAll(indices) => bag.take_all(indices),
        }
    }

    fn apply_once(self, bag: &mut Bag<V>) {
        match self {
            Self::Push(value) => bag.push(value),
            Self::Take(at) => bag.take(at),
            Self::TakeAll(indices) => bag.take_all(&indices),
        }
    }
}

impl<V> Bag<V> {
    /// Removes the value at an index, if there is one: keys with an inconsistent `Eq` can make the
    /// copies differ.
    pub(super) fn take(&mut self, at: usize) {
        if at < self.len() {
            self.0.swap_remove(at);
        }
    }

    pub(super) fn take_all(&mut self, ascending: &[usize]) {
        for &at in ascending.iter().rev() {
            self.take(at);
        }
    }
}
