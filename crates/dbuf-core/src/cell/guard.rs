//! The guard of a cell.

use core::fmt;
use core::ops::Deref;

use crate::buffer::{DoubleBuffer, Version};
use crate::shared::SharedReadGuard;
use crate::strategy::Strategy;

/// A guard on the value of a [`ConcurrentCell`](crate::ConcurrentCell), as it was published when
/// the guard was taken.
///
/// Dereferences to the value, which stays in memory while the guard lives. A write does
/// not wait for it and clones nothing for it. Writers wait only while guards of *two* replaced
/// values are kept, until those of one are dropped. To keep a guard and still follow the writes,
/// [`refresh`](Self::refresh) it. A guard that is passed to
/// [`core::mem::forget`] is kept for as long as the cell exists.
///
/// # Examples
///
/// ```
/// use dbuf_strategies::{CellGuard, ConcurrentCell};
///
/// fn longest<'c>(cell: &'c ConcurrentCell<Vec<&'static str>>) -> (CellGuard<'c, Vec<&'static str>>, usize) {
///     let guard = cell.read();
///     let longest = guard.iter().map(|name| name.len()).max().unwrap_or(0);
///     (guard, longest)
/// }
///
/// let cell = ConcurrentCell::new(vec!["ada", "grace"]);
/// assert_eq!(longest(&cell).1, 5);
/// ```
#[must_use = "a guard that is dropped at once has read nothing"]
pub struct CellGuard<'c, T, S: Strategy>(
    pub(super) SharedReadGuard<'c, &'c DoubleBuffer<Option<T>, S>>,
);

impl<T, S: Strategy> CellGuard<'_, T, S> {
    /// Returns the number of the write that this guard shows. Costs a plain load.
    #[inline]
    pub fn version(guard: &Self) -> Version {
        SharedReadGuard::version(&guard.0)
    }

    /// Brings the guard up to date. Returns whether it shows a newer value than before. See
    /// [`SharedReadGuard::refresh`].
    ///
    /// # Panics
    ///
    /// If the waker of a writer that waited for the guard panics. The guard is up to date then.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_strategies::{CellGuard, ConcurrentCell};
    ///
    /// let cell = ConcurrentCell::new("a");
    /// let mut guard = cell.read();
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| cell.store("b"));
    /// });
    /// assert_eq!(*guard, "a");
    /// assert!(CellGuard::refresh(&mut guard));
    /// assert_eq!(*guard, "b");
    /// assert!(!CellGuard::refresh(&mut guard));
    /// ```
    #[inline]
    pub fn refresh(guard: &mut Self) -> bool {
        SharedReadGuard::refresh(&mut guard.0)
    }
}

impl<T, S: Strategy> Deref for CellGuard<'_, T, S> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        let value: &Option<T> = &self.0;
        // SAFETY: a side that was the front when the guard was taken holds a value (K1), and is
        // not written before the guard is gone (S2).
        unsafe { value.as_ref().unwrap_unchecked() }
    }
}

impl<T: fmt::Debug, S: Strategy> fmt::Debug for CellGuard<'_, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: fmt::Display, S: Strategy> fmt::Display for CellGuard<'_, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
