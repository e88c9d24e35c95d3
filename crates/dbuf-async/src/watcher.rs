//! A reader that awaits the next publish.

use core::convert::Infallible;
use core::fmt;
use core::future::poll_fn;
use core::ops::Deref;
use core::pin::Pin;
use core::task::{Context, Poll, ready};

use dbuf_core::{Closed, ReadGuard, Reader, ReaderPtr, Strategy, Version};
use dbuf_strategies::{Waiter, Watched};

/// A [`Reader`] that awaits the next publish.
///
/// It remembers its *last seen* version: the newest that [`changed`](Self::changed) reported or
/// [`borrow_and_update`](Self::borrow_and_update) read. A plain read does not move it and costs
/// nothing more. Several publishes may be reported as one, the newest. A new watcher has seen the
/// current version; a clone has seen the same version as its original.
///
/// A watcher of a weak reader does not keep the buffer alive.
///
/// # Examples
///
/// ```
/// use dbuf_async::core::arc;
/// use dbuf_async::strategies::{EpochStrategy, Watched};
/// use dbuf_async::Watcher;
///
/// let (mut writer, reader) = arc("a", "a", Watched::new(EpochStrategy::new()));
/// let mut watcher = Watcher::new(reader);
/// writer.store("b");
/// writer.store("c");
/// pollster::block_on(async {
///     assert_eq!(watcher.changed().await, Ok(2));
///     assert_eq!(*watcher.read(), "c");
/// });
/// ```
///
/// A guard of the watcher cannot be held while it waits:
///
/// ```compile_fail,E0502
/// # use dbuf_async::{Watcher, core::arc, strategies::{EpochStrategy, Watched}};
/// # let (mut writer, reader) = arc(1, 1, Watched::new(EpochStrategy::new()));
/// # let mut watcher = Watcher::new(reader);
/// let guard = watcher.read();
/// pollster::block_on(watcher.changed());
/// drop(guard);
/// ```
pub struct Watcher<R: ReaderPtr> {
    reader: Reader<R>,
    /// `None` only while a weak pointer has never been pinned.
    waiter: Option<Waiter>,
    last_seen: Version,
    /// The last call of `changed` returned `Closed`.
    closed: bool,
}

impl<R: ReaderPtr<Strategy = Watched<S>>, S: Strategy> Watcher<R> {
    /// Creates a watcher that has seen the current version.
    pub fn new(reader: Reader<R>) -> Self {
        let waiter = waiter(&reader);
        let last_seen = waiter.as_ref().map_or(0, Waiter::version);
        Self {
            reader,
            waiter,
            last_seen,
            closed: false,
        }
    }

    /// Waits until a version newer than the last one seen is published, and returns the newest.
    /// It is ready at once if there is one. A later read sees that version or a newer one.
    ///
    /// It costs one load if it is ready at once. A publish wakes each waiting task once. The
    /// future is `Send` if the reader is.
    ///
    /// # Errors
    ///
    /// [`Closed`] if there is nothing newer and no writer is live. A later call works again if a
    /// writer has been claimed since, unless the buffer of a weak reader is gone. If the last
    /// call returned it too, the future lets other tasks run before it returns.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped before it is ready, the next call reports the same publish.
    pub fn changed(&mut self) -> Changed<'_, R> {
        Changed {
            watcher: self,
            yielded: false,
        }
    }

    /// Waits until no writer is live. It does not move the last seen version. Each publish until
    /// then wakes the task.
    ///
    /// # Cancel safety
    ///
    /// Dropping it changes nothing.
    pub async fn closed(&mut self) {
        let mut seen = self.last_seen;
        let changed = self.changed();
        poll_fn(|cx| {
            while let Ok(version) = ready!(changed.watcher.poll_changed(seen, cx)) {
                seen = version;
            }
            Poll::Ready(())
        })
        .await;
    }

    /// Returns whether a version newer than the last one seen is published.
    ///
    /// # Errors
    ///
    /// [`Closed`] if there is nothing newer and no writer is live.
    pub fn has_changed(&self) -> Result<bool, Closed> {
        // Checked first: a publish before the close is seen below.
        let closed = self.reader.is_closed();
        let waiter = self.waiter.clone().or_else(|| waiter(&self.reader));
        match waiter.is_some_and(|waiter| waiter.version() > self.last_seen) {
            false if closed => Err(Closed),
            changed => Ok(changed),
        }
    }

    fn poll_changed(
        &mut self,
        last_seen: Version,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Version, Closed>> {
        if self.waiter.is_none() {
            self.waiter = waiter(&self.reader);
        }
        match &mut self.waiter {
            Some(waiter) => waiter.poll_changed(last_seen, cx),
            None => Poll::Ready(Err(Closed)),
        }
    }
}

impl<R: ReaderPtr<Strategy = Watched<S>, Error = Infallible>, S: Strategy> Watcher<R> {
    /// Reads the current version and marks it as seen: [`changed`](Self::changed) then waits for
    /// a newer one.
    pub fn borrow_and_update(&mut self) -> ReadGuard<'_, R> {
        let guard = self.reader.read();
        self.last_seen = self.last_seen.max(ReadGuard::version(&guard));
        guard
    }

    /// Waits until `f` accepts a published value, and returns the version of that value. It checks
    /// the current value first, and marks each value that it checks as seen.
    ///
    /// It returns no guard, since a guard must not be held across an await; `f` can copy what is
    /// needed. A later read sees that version or a newer one.
    ///
    /// # Errors
    ///
    /// [`Closed`] if `f` accepts no published value and no writer is live.
    ///
    /// # Cancel safety
    ///
    /// Dropping it loses nothing; the values that it checked stay marked as seen.
    ///
    /// # Panics
    ///
    /// Panics if `f` panics.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_async::core::arc;
    /// use dbuf_async::strategies::{EpochStrategy, Watched};
    /// use dbuf_async::Watcher;
    ///
    /// let (mut writer, reader) = arc(0, 0, Watched::new(EpochStrategy::new()));
    /// let mut watcher = Watcher::new(reader);
    /// let waits = std::thread::spawn(move || pollster::block_on(watcher.wait_for(|n| *n > 2)));
    /// (1..=3).for_each(|n| writer.store(n));
    /// assert_eq!(waits.join().unwrap(), Ok(3));
    /// ```
    pub async fn wait_for(
        &mut self,
        mut f: impl FnMut(&R::Value) -> bool,
    ) -> Result<Version, Closed> {
        loop {
            {
                let guard = self.borrow_and_update();
                if f(&guard) {
                    return Ok(ReadGuard::version(&guard));
                }
            }
            self.changed().await?;
        }
    }
}

/// Returns the buffer's waiter, or `None` if the buffer is gone. The pin ends here.
fn waiter<R: ReaderPtr<Strategy = Watched<S>>, S: Strategy>(reader: &Reader<R>) -> Option<Waiter> {
    let pin = reader.ptr().pin().ok()?;
    Some(reader.ptr().buffer(&pin).strategy().waiter())
}

impl<R: ReaderPtr> Watcher<R> {
    /// Returns the last version that this watcher has seen.
    pub fn last_seen(&self) -> Version {
        self.last_seen
    }

    /// Marks `version` and those before it as seen, for a value that was read by other means.
    pub fn mark_seen(&mut self, version: Version) {
        self.last_seen = self.last_seen.max(version);
    }

    /// Returns the reader.
    pub fn into_reader(self) -> Reader<R> {
        self.reader
    }
}

impl<R: ReaderPtr> Deref for Watcher<R> {
    type Target = Reader<R>;

    fn deref(&self) -> &Reader<R> {
        &self.reader
    }
}

/// The clone has seen the same version.
impl<R: ReaderPtr> Clone for Watcher<R> {
    fn clone(&self) -> Self {
        Self {
            reader: self.reader.clone(),
            waiter: self.waiter.clone(),
            last_seen: self.last_seen,
            closed: false,
        }
    }
}

impl<R: ReaderPtr> fmt::Debug for Watcher<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watcher")
            .field("reader", &self.reader)
            .field("last_seen", &self.last_seen)
            .finish_non_exhaustive()
    }
}

/// The future of [`Watcher::changed`]. If it is polled after it was ready, it waits for the next
/// publish.
#[must_use = "futures do nothing unless they are polled"]
pub struct Changed<'w, R: ReaderPtr> {
    pub(crate) watcher: &'w mut Watcher<R>,
    /// Other tasks were let run, so `Closed` may be returned again.
    yielded: bool,
}

impl<R: ReaderPtr<Strategy = Watched<S>>, S: Strategy> Future for Changed<'_, R> {
    type Output = Result<Version, Closed>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { watcher, yielded } = &mut *self;
        let changed = ready!(watcher.poll_changed(watcher.last_seen, cx));
        if let Ok(version) = changed {
            watcher.last_seen = version;
        } else if watcher.closed && !*yielded {
            *yielded = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        watcher.closed = changed.is_err();
        Poll::Ready(changed)
    }
}

/// Removes the task from the waiting ones.
impl<R: ReaderPtr> Drop for Changed<'_, R> {
    fn drop(&mut self) {
        if let Some(waiter) = &mut self.watcher.waiter {
            waiter.leave();
        }
    }
}

impl<R: ReaderPtr> fmt::Debug for Changed<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changed").finish_non_exhaustive()
    }
}
