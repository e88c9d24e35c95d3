//! Traits of the standard library for a cell.

use core::fmt;
use core::panic::{RefUnwindSafe, UnwindSafe};

use super::ConcurrentCell;
use crate::if_const;
use crate::strategy::Strategy;

impl<T: Default, S: Strategy + Default> Default for ConcurrentCell<T, S> {
    fn default() -> Self {
        Self::with_strategy(T::default(), S::default())
    }
}

if_const! {
    /// Makes a cell with the default strategy. See [`ConcurrentCell::new`].
    impl<T, S: Strategy> From<T> for ConcurrentCell<T, S>
    where
        super::Preset: super::Fresh<S>,
    {
        fn from(value: T) -> Self {
            Self::new(value)
        }
    }
}

/// Shows the published value.
impl<T: fmt::Debug, S: Strategy> fmt::Debug for ConcurrentCell<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ConcurrentCell").field(&self.read()).finish()
    }
}

// A panic leaves the published value as it was, and the lock free.
impl<T: UnwindSafe, S: Strategy> UnwindSafe for ConcurrentCell<T, S> {}
impl<T: RefUnwindSafe, S: Strategy> RefUnwindSafe for ConcurrentCell<T, S> {}
