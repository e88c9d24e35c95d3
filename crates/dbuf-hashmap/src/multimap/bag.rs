use alloc::vec::Vec;
use core::fmt;
use core::ops::Deref;

use smallvec::{SmallVec, smallvec};

use crate::op::ValueChange;

/// The values of a key, in arbitrary order; one may be there several times.
///
/// A slice. The first value is kept in the map itself, without an allocation.
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

/// Gives the values away.
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

/// Equal values in the same order.
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

/// What happens to one value of a bag. By index: both copies hold their values in
/// the same order, so the other one need not compare.
pub enum BagChange<V> {
    Push(V),
    Take(usize),
    /// In ascending order.
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
    /// Removes one value, if there is one at this index: keys that lie can make the
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
