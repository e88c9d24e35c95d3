//! Operations on two sets, with any hashers.

use core::hash::{BuildHasher, Hash};

use dbuf_core::Strategy;

use super::{ConcurrentHashSet, SetRef, Snapshot};

impl<'a, T: Hash + Eq, H: BuildHasher> SetRef<'a, T, H> {
    /// Iterates over the elements of either set, each once. One lookup for each element of `other`.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::set::new();
    /// writer.write().extend([1, 2]);
    /// let mut batch = writer.write();
    /// batch.insert(3);
    /// assert_eq!(batch.published().union(&batch.as_set()).sum::<i32>(), 6);
    /// ```
    pub fn union<I: BuildHasher>(
        &self,
        other: &SetRef<'a, T, I>,
    ) -> impl Iterator<Item = &'a T> + Clone + use<'a, T, H, I> {
        self.iter().chain(other.difference(self))
    }

    /// Iterates over the elements of both sets, as either set stores them. One lookup for each
    /// element of the smaller set.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::set::new();
    /// writer.write().extend([1, 2]);
    /// let mut batch = writer.write();
    /// batch.remove(&1);
    /// assert_eq!(batch.published().intersection(&batch.as_set()).sum::<i32>(), 2);
    /// ```
    pub fn intersection<I: BuildHasher>(
        &self,
        other: &SetRef<'a, T, I>,
    ) -> impl Iterator<Item = &'a T> + Clone + use<'a, T, H, I> {
        let (this, other) = (*self, *other);
        let mine = this.len() <= other.len();
        let fewer = if mine { this.iter() } else { other.iter() };
        fewer.filter(move |element| {
            if mine {
                other.contains(*element)
            } else {
                this.contains(*element)
            }
        })
    }

    /// Iterates over the elements that `other` does not contain. One lookup for each element.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::set::new();
    /// writer.write().extend([1, 2]);
    /// let mut batch = writer.write();
    /// batch.remove(&1);
    /// assert_eq!(batch.published().difference(&batch.as_set()).sum::<i32>(), 1);
    /// ```
    pub fn difference<I: BuildHasher>(
        &self,
        other: &SetRef<'a, T, I>,
    ) -> impl Iterator<Item = &'a T> + Clone + use<'a, T, H, I> {
        let other = *other;
        self.iter().filter(move |element| !other.contains(*element))
    }

    /// Iterates over the elements that only one of the sets contains. One lookup for each element
    /// of both.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::set::new();
    /// writer.write().extend([1, 2]);
    /// let mut batch = writer.write();
    /// batch.remove(&1);
    /// batch.insert(3);
    /// assert_eq!(batch.published().symmetric_difference(&batch.as_set()).sum::<i32>(), 4);
    /// ```
    pub fn symmetric_difference<I: BuildHasher>(
        &self,
        other: &SetRef<'a, T, I>,
    ) -> impl Iterator<Item = &'a T> + Clone + use<'a, T, H, I> {
        self.difference(other).chain(other.difference(self))
    }

    /// Returns whether this set contains all elements of `other`. One lookup for each.
    pub fn is_superset<I: BuildHasher>(&self, other: &SetRef<'_, T, I>) -> bool {
        other.is_subset(self)
    }
}

/// Operations of a [`SetRef`], on two guards.
macro_rules! operations {
    ($($name:ident),* -> $Lazy:ty; $($asks:ident),* -> bool) => {$(
        #[doc = concat!("See [`SetRef::", stringify!($name), "`].")]
        pub fn $name<'a, I: BuildHasher, R: Strategy>(
            &'a self,
            other: &'a Snapshot<'_, T, I, R>,
        ) -> $Lazy {
            self.as_set().$name(&other.as_set())
        }
    )*$(
        #[doc = concat!("See [`SetRef::", stringify!($asks), "`].")]
        pub fn $asks<I: BuildHasher, R: Strategy>(&self, other: &Snapshot<'_, T, I, R>) -> bool {
            self.as_set().$asks(&other.as_set())
        }
    )*};
}

/// Operations on the guards of two sets with the same type of elements.
impl<T, H, S> Snapshot<'_, T, H, S>
where
    T: Hash + Eq,
    H: BuildHasher,
    S: Strategy,
{
    operations! {
        union, intersection, difference, symmetric_difference
            -> impl Iterator<Item = &'a T> + Clone + use<'a, T, H, S, I, R>;
        is_subset, is_superset, is_disjoint -> bool
    }
}

/// Operations on two sets as they are published now. [Guards](ConcurrentHashSet::read) also have
/// `union`, `intersection` and the differences.
impl<T, H, S> ConcurrentHashSet<T, H, S>
where
    T: Hash + Eq,
    H: BuildHasher,
    S: Strategy,
{
    /// Returns whether `other` contains all elements of this set. One lookup for each.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_hashmap::ConcurrentHashSet;
    ///
    /// assert!(ConcurrentHashSet::from([1]).is_subset(&ConcurrentHashSet::from([1, 2])));
    /// ```
    pub fn is_subset(&self, other: &Self) -> bool {
        self.read().is_subset(&other.read())
    }

    /// Returns whether this set contains all elements of `other`. One lookup for each.
    pub fn is_superset(&self, other: &Self) -> bool {
        self.read().is_superset(&other.read())
    }

    /// Returns whether the two sets have no element in common. One lookup for each element of the
    /// smaller set.
    pub fn is_disjoint(&self, other: &Self) -> bool {
        self.read().is_disjoint(&other.read())
    }
}

/// Compares the published elements, in any order and with any hashers.
impl<T, H, S, I, R> PartialEq<ConcurrentHashSet<T, I, R>> for ConcurrentHashSet<T, H, S>
where
    T: Hash + Eq,
    H: BuildHasher,
    S: Strategy,
    I: BuildHasher,
    R: Strategy,
{
    fn eq(&self, other: &ConcurrentHashSet<T, I, R>) -> bool {
        self.read() == other.read()
    }
}

impl<T, H, S> Eq for ConcurrentHashSet<T, H, S>
where
    T: Hash + Eq,
    H: BuildHasher,
    S: Strategy,
{
}
