//! A cell whose readers await the next write.

use core::fmt;
use core::future::poll_fn;
use core::ops::Deref;
use core::task::Poll;

use dbuf_core::{ConcurrentCell, Strategy, Version};
use dbuf_strategies::{Waiter, Watched};

/// Awaits the next write to a [`ConcurrentCell`] whose strategy is [`Watched`].
///
/// It wraps a pointer to the cell (`&'static`, `Arc`) and dereferences to the cell. It remembers
/// the last write that [`changed`](Self::changed) reported, its *last seen* version; reads do not
/// move it. A new watcher has seen the current value, and a clone the same as its original.
///
/// A cell is never closed, since every handle to it can write: end a loop over `changed` by a
/// value of your choice, or cancel its task.
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
    /// Creates a watcher that has seen the current value.
    pub fn new(cell: C) -> Self {
        let last_seen = cell.version();
        let waiter = cell.strategy().waiter();
        Self {
            cell,
            waiter,
            last_seen,
        }
    }

    /// Waits until the cell has a newer version than the last one seen, and returns the newest.
    /// It is ready at once if there is one. A later read sees that version or a newer one.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped before it is ready, the next call reports the same write.
    pub async fn changed(&mut self) -> Version {
        /// Removes the task from the waiting ones.
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
            // The pointer keeps the cell alive, and the cell keeps its claim. This is
            // reached only by a pointer that now leads to another cell.
            Poll::Ready(Err(_)) | Poll::Pending => Poll::Pending,
        })
        .await;
        self.last_seen
    }

    /// Returns the last version that [`changed`](Self::changed) reported.
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

/// The clone has seen the same version.
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
