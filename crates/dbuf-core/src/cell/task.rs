//! Writes of tasks.

use super::ConcurrentCell;
use super::write::Locked;
use crate::strategy::BlockingStrategy;

impl<T, S: BlockingStrategy> ConcurrentCell<T, S> {
    /// Does what [`store`](Self::store) does, and awaits where that waits. Needs no particular
    /// executor.
    ///
    /// A task that awaits it while it holds a guard of this cell may wait for itself, forever. (In
    /// a spawned task that does not compile: guards are not `Send`.)
    ///
    /// # Cancel safety
    ///
    /// If it is dropped before it is ready, nothing was stored, and the value is dropped.
    ///
    /// # Panics
    ///
    /// If `Drop` panics, see [above](Self#panics).
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::{pin::pin, task::{Context, Waker}};
    /// # let mut cx = Context::from_waker(Waker::noop());
    /// let cell = dbuf_strategies::ConcurrentCell::new("a");
    /// # let task =
    /// async {
    ///     cell.store_async("b").await;
    ///     assert_eq!(cell.load(), "b");
    /// }
    /// # ;
    /// # assert!(pin!(task).poll(&mut cx).is_ready());
    /// ```
    pub async fn store_async(&self, value: T) {
        let locked = self.lock_async().await;
        self.write(locked, |_, new| *new = Some(value), None);
    }

    /// Does what [`update`](Self::update) does, and awaits where that waits.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped before it is ready, `f` has not run.
    ///
    /// # Panics
    ///
    /// If `f`, `Clone` or `Drop` panics, see [above](Self#panics).
    pub async fn update_async<R>(&self, f: impl FnOnce(&mut T) -> R) -> R
    where
        T: Clone,
    {
        let locked = self.lock_async().await;
        self.change(locked, f)
    }

    /// Locks for the rest of a poll, which stays on its thread.
    async fn lock_async(&self) -> Locked<'_, T, S> {
        self.readers();
        self.lock.0.lock_finished_async(&self.shared).await
    }
}
