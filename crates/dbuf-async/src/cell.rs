//! A cell whose readers await the next write.

use core::fmt;
use core::future::poll_fn;
use core::ops::Deref;
use core::task::Poll;

use dbuf_core::{ConcurrentCell, Strategy, Version};
use dbuf_strategies::{Waiter, Watched};

/// Awaits the next write to a [`ConcurrentCell`] whose strategy is [`Watched`].
///
/// Made of a pointer to the cell (`&'static`, `Arc`), to which it dereferences. It remembers
/// which write it was last *told of* by [`changed`](Self::changed); reading does not count. A
/// fresh one has been told of the value that is published then, and a clone of what its
/// original was. Several writes at once are one.
///
/// A cell is never closed, since every handle to it can write. A loop over `changed` ends by
/// other means: by a value that says so, or with its task.
///
/// # Examples
///
/// ```
/// use dbuf_async::CellWatcher;
/// use dbuf_async::strategies::{ConcurrentCell, DefaultStrategy, Watched};
///
/// static LEVEL: ConcurrentCell<&str, Watched<DefaultStrategy>> =
///     ConcurrentCell::with_strategy("info", Watched::new(DefaultStrategy::new()));
///
/// let mut watcher = CellWatcher::new(&LEVEL);
/// let task = std::thread::spawn(move || {
///     pollster::block_on(async {
///         watcher.changed().await;
///         watcher.load()
///     })
/// });
/// LEVEL.store("debug");
/// assert_eq!(task.join().unwrap(), "debug");
/// ```
pub struct CellWatcher<C> {
    cell: C,
    waiter: Waiter,
    last_seen: Version,
}

impl<C, T, S> CellWatcher<C>
where
    C: Deref<Target = ConcurrentCell<T, Watched<S>>>,
    S: Strategy,
{
    /// Watches this cell. It has been told of what is published now.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use dbuf_async::CellWatcher;
    /// use dbuf_async::strategies::{ConcurrentCell, EpochStrategy, Watched};
    ///
    /// let cell = ConcurrentCell::with_strategy(1, Watched::new(EpochStrategy::new()));
    /// let cell = Arc::new(cell);
    /// let mut watcher = CellWatcher::new(Arc::clone(&cell));
    /// cell.store(2);
    /// assert_eq!(pollster::block_on(watcher.changed()), 1);
    /// ```
    pub fn new(cell: C) -> Self {
        let last_seen = cell.version();
        let waiter = cell.strategy().waiter();
        Self {
            cell,
            waiter,
            last_seen,
        }
    }

    /// Waits until there is a newer write than this watcher was last told of, and returns the
    /// number of the newest. Ready at once if there is one. What it announces, a read that
    /// follows sees.
    ///
    /// # Cancel safety
    ///
    /// Dropped at any time, it has marked nothing: the next call tells of the same write.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_async::CellWatcher;
    /// use dbuf_async::strategies::{ConcurrentCell, EpochStrategy, Watched};
    ///
    /// # pollster::block_on(async {
    /// let cell = ConcurrentCell::with_strategy("a", Watched::new(EpochStrategy::new()));
    /// let mut watcher = CellWatcher::new(&cell);
    /// cell.store("b");
    /// cell.store("c");
    /// assert_eq!(watcher.changed().await, 2); // two writes, told of at once
    /// assert_eq!(*watcher.read(), "c");
    /// # });
    /// ```
    pub async fn changed(&mut self) -> Version {
        /// Takes the task off the list of those who wait.
        struct Leave<'w>(&'w mut Waiter);

        impl Drop for Leave<'_> {
            fn drop(&mut self) {
                self.0.leave();
            }
        }

        let leave = Leave(&mut self.waiter);
        let last_seen = self.last_seen;
        self.last_seen = poll_fn(|cx| match leave.0.poll_changed(last_seen, cx) {
            Poll::Ready(Ok(version)) => Poll::Ready(version),
            // The pointer keeps the cell, and the cell its claim: only one that leads
            // elsewhere by now is closed.
            Poll::Ready(Err(_)) | Poll::Pending => Poll::Pending,
        })
        .await;
        self.last_seen
    }

    /// The number of the write that this watcher was last told of.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_async::CellWatcher;
    /// use dbuf_async::strategies::{ConcurrentCell, EpochStrategy, Watched};
    ///
    /// let cell = ConcurrentCell::with_strategy(1, Watched::new(EpochStrategy::new()));
    /// let mut watcher = CellWatcher::new(&cell);
    /// cell.store(2);
    /// assert_eq!((watcher.last_seen(), watcher.version()), (0, 1)); // written, not told of
    /// pollster::block_on(watcher.changed());
    /// assert_eq!(watcher.last_seen(), 1);
    /// ```
    pub fn last_seen(&self) -> Version {
        self.last_seen
    }
}

impl<C: Deref> Deref for CellWatcher<C> {
    type Target = C::Target;

    fn deref(&self) -> &C::Target {
        &self.cell
    }
}

/// A watcher of its own, told of what this one was.
impl<C: Clone> Clone for CellWatcher<C> {
    fn clone(&self) -> Self {
        Self {
            cell: self.cell.clone(),
            waiter: self.waiter.clone(),
            last_seen: self.last_seen,
        }
    }
}

impl<C> fmt::Debug for CellWatcher<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CellWatcher")
            .field("last_seen", &self.last_seen)
            .finish_non_exhaustive()
    }
}
