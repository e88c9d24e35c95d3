//! The handle of a task that awaits publishes.

use alloc::sync::Arc;
use core::fmt;
use core::task::{Context, Poll};

use dbuf_core::sync::atomic::Ordering;
use dbuf_core::waker_set::Sleeps;
use dbuf_core::{Closed, Version};

use super::state::{WatchState, Word};

/// Awaits the publishes of one buffer, and does not keep the buffer alive.
///
/// `dbuf_async::Watcher` is a reader with a waiter. A waiter has at most one waker in the list,
/// and removes it when dropped.
pub struct Waiter {
    state: Arc<WatchState>,
    /// The key of its waker in the list.
    number: Option<usize>,
}

impl Waiter {
    pub(super) fn new(state: Arc<WatchState>) -> Self {
        Self {
            state,
            number: None,
        }
    }

    /// Returns the number of the last publish that waiters were notified of: a read that
    /// follows returns that publish, or a later one. One load. It is 0 once the buffer is gone.
    ///
    /// See [`Watched::waiter`](crate::Watched::waiter) for an example.
    pub fn version(&self) -> Version {
        self.state.load().version()
    }

    /// Returns the number of the last publish if that is above `last_seen`, else [`Closed`] if
    /// no writer is claimed, else pending.
    ///
    /// A pending call registers the task to be woken by the next publish or release of the
    /// claim. A new waker replaces the old one. One load if there is a newer publish; else it
    /// locks the list of wakers.
    ///
    /// # Errors
    ///
    /// If no writer is claimed at this moment. A later claim opens the buffer again, unless it
    /// is gone.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::task::{Context, Poll, Waker};
    ///
    /// use dbuf_strategies::core::{self, Closed};
    /// use dbuf_strategies::{EpochStrategy, Watched};
    ///
    /// let (mut writer, reader) = core::arc(1, 1, Watched::new(EpochStrategy::new()));
    /// let mut waiter = reader.strategy().waiter();
    /// let mut cx = Context::from_waker(Waker::noop()); // an executor passes the task's
    /// writer.store(2);
    /// writer.store(3);
    /// assert_eq!(waiter.poll_changed(0, &mut cx), Poll::Ready(Ok(2)));
    /// assert!(waiter.poll_changed(2, &mut cx).is_pending());
    /// drop(writer);
    /// assert_eq!(waiter.poll_changed(2, &mut cx), Poll::Ready(Err(Closed)));
    /// ```
    pub fn poll_changed(
        &mut self,
        last_seen: Version,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Version, Closed>> {
        let mut change = self.state.load().changed_since(last_seen);
        if change.is_pending() {
            let waiters = &self.state.waiters;
            let number = *self.number.get_or_insert_with(|| waiters.number());
            waiters.join(number, Sleeps::Task, cx.waker().clone());
            // ORDERING: T3: Acquire, partner: V2 in `notify`. Either this loads V2's number and
            // sees its flip, or V2 loads the mark.
            let word = self.state.word.fetch_or(Word::AWAITED, Ordering::Acquire);
            change = Word(word).changed_since(last_seen);
        }
        if change.is_ready() {
            self.leave();
        }
        change
    }

    /// Removes the waker that a pending [`poll_changed`](Self::poll_changed) registered. It is
    /// dropped and not called.
    pub fn leave(&mut self) {
        if let Some(number) = self.number.take() {
            self.state.waiters.leave(number);
        }
    }
}

/// The clone is a handle of its own, with no waker registered.
impl Clone for Waiter {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.state))
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.leave();
    }
}

impl fmt::Debug for Waiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiter")
            .field("version", &self.version())
            .field("is_waiting", &self.number.is_some())
            .finish_non_exhaustive()
    }
}
