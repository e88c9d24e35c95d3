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
/// It remembers which publish it was last *told of* by [`changed`](Self::changed) or read by
/// [`borrow_and_update`](Self::borrow_and_update). Other reads do not count, so they cost what
/// they cost: a publish that was read by one of them is told of all the same. Several
/// publishes at once are one: *at least once*, and always with something newer.
///
/// A fresh watcher has been told of what was published when it was made. A
/// clone has been told of what its original was.
///
/// With a weak reader nothing here keeps the buffer alive, a pending `changed`
/// included.
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
/// A guard cannot be held while it waits:
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
    /// Empty only while a weak pointer has never been pinned.
    waiter: Option<Waiter>,
    last_seen: Version,
    /// Whether `changed` returned `Closed` last.
    closed: bool,
}

impl<R: ReaderPtr<Strategy = Watched<S>>, S: Strategy> Watcher<R> {
    /// Watches what `reader` reads. It has been told of what is published now.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_async::Watcher;
    /// use dbuf_async::core::arc;
    /// use dbuf_async::strategies::{EpochStrategy, Watched};
    ///
    /// let (mut writer, reader) = arc(1, 1, Watched::new(EpochStrategy::new()));
    /// let mut watcher = Watcher::new(reader);
    /// writer.store(2);
    /// assert_eq!(pollster::block_on(watcher.changed()), Ok(1));
    /// ```
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

    /// Waits until something newer is published than this watcher was last told
    /// of, and returns the number of the newest publish. Ready at once if there
    /// is something.
    ///
    /// What it announces, a read that follows sees: that publish or a later one,
    /// [`ReadGuard::version`](dbuf_core::ReadGuard::version) being at least
    /// the number. The future is `Send` where the reader is.
    ///
    /// Costs one load if there is something newer. A publish wakes each waiting
    /// task once.
    ///
    /// # Errors
    ///
    /// [`Closed`] if there is nothing newer and no writer is live. It works again
    /// once another is claimed, unless the buffer of a weak reader is gone. If the call before
    /// this one returned it too, it lets other tasks run first: a loop that ignores the error
    /// is busy, but keeps nobody from claiming a writer.
    ///
    /// # Cancel safety
    ///
    /// Dropped at any time, it has marked nothing: the next call tells of the same
    /// publish. Use it in `select!` freely.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_async::core::{Closed, Writer, arc};
    /// use dbuf_async::strategies::{EpochStrategy, Watched};
    /// use dbuf_async::Watcher;
    ///
    /// let (mut writer, reader) = arc(0, 0, Watched::new(EpochStrategy::new()));
    /// let mut watcher = Watcher::new(reader);
    /// writer.store(1);
    /// drop(writer);
    /// pollster::block_on(async {
    ///     assert_eq!(watcher.changed().await, Ok(1));
    ///     assert_eq!(watcher.changed().await, Err(Closed));
    ///     let mut writer = Writer::claim(watcher.ptr().clone()).unwrap();
    ///     writer.store(2);
    ///     assert_eq!(watcher.changed().await, Ok(2));
    /// });
    /// ```
    pub fn changed(&mut self) -> Changed<'_, R> {
        Changed {
            watcher: self,
            yielded: false,
        }
    }

    /// Waits until no writer is live, and marks nothing as told. Ready at once if none is.
    ///
    /// Wakes with each publish in between.
    ///
    /// # Cancel safety
    ///
    /// Dropped at any time, it has changed nothing.
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
    /// writer.store(1);
    /// drop(writer);
    /// pollster::block_on(async {
    ///     watcher.closed().await;
    ///     assert_eq!(watcher.changed().await, Ok(1)); // the last publish
    /// });
    /// ```
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

    /// Returns whether [`changed`](Self::changed) would have something newer now.
    ///
    /// # Errors
    ///
    /// [`Closed`] if there is nothing newer and no writer is live.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_async::core::{Closed, arc};
    /// use dbuf_async::strategies::{EpochStrategy, Watched};
    /// use dbuf_async::Watcher;
    ///
    /// let (mut writer, reader) = arc(0, 0, Watched::new(EpochStrategy::new()));
    /// let mut watcher = Watcher::new(reader);
    /// assert_eq!(watcher.has_changed(), Ok(false));
    /// writer.store(1);
    /// drop(writer);
    /// assert_eq!(watcher.has_changed(), Ok(true));
    /// assert_eq!(*watcher.borrow_and_update(), 1);
    /// assert_eq!(watcher.has_changed(), Err(Closed));
    /// ```
    pub fn has_changed(&self) -> Result<bool, Closed> {
        // First: what was published before is seen below.
        let closed = self.reader.is_closed();
        let waiter = self.waiter.clone().or_else(|| waiter(&self.reader));
        match waiter.is_some_and(|waiter| waiter.version() > self.last_seen) {
            false if closed => Err(Closed),
            changed => Ok(changed),
        }
    }

    /// The numbers of publishes as a stream, each newer than the one before; it
    /// ends when [`changed`](Self::changed) would return `Closed`.
    ///
    /// The stream dereferences to the reader, so that what it announces can be
    /// read between two items. Polled after its end, it goes on if a writer was
    /// claimed again.
    ///
    /// # Cancel safety
    ///
    /// As `changed`: an item that was not taken is not lost.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_async::core::arc;
    /// use dbuf_async::strategies::{EpochStrategy, Watched};
    /// use dbuf_async::Watcher;
    /// use smol::stream::StreamExt;
    ///
    /// let (mut writer, reader) = arc(0, 0, Watched::new(EpochStrategy::new()));
    /// let mut watcher = Watcher::new(reader);
    /// writer.store(7);
    /// drop(writer);
    /// pollster::block_on(async {
    ///     let mut versions = watcher.versions();
    ///     while let Some(version) = versions.next().await {
    ///         assert_eq!((version, *versions.read()), (1, 7));
    ///     }
    /// });
    /// ```
    #[cfg(feature = "stream")]
    pub fn versions(&mut self) -> Versions<'_, R> {
        Versions {
            changed: self.changed(),
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
    /// Looks at what is published now, and marks it as told: [`changed`](Self::changed) waits
    /// for something newer. A [`read`](Reader::read) marks nothing.
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
    /// writer.store(1);
    /// assert_eq!(*watcher.borrow_and_update(), 1);
    /// assert_eq!(watcher.has_changed(), Ok(false));
    /// ```
    pub fn borrow_and_update(&mut self) -> ReadGuard<'_, R> {
        let guard = self.reader.read();
        self.last_seen = self.last_seen.max(ReadGuard::version(&guard));
        guard
    }

    /// Waits until a value is published for which `f` returns `true`, and returns the number
    /// of that publish. Looks first at what is published now, and marks as told whatever it
    /// looks at.
    ///
    /// It returns no guard, since one must not be held across an await: `f` can take out of
    /// the value what is needed. A read that follows sees that publish or a later one.
    ///
    /// # Errors
    ///
    /// [`Closed`] if `f` accepts nothing that was published and no writer is live.
    ///
    /// # Cancel safety
    ///
    /// Dropped at any time, it has done no more than look, and mark what it looked at.
    ///
    /// # Panics
    ///
    /// With `f`.
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

/// What learns of the publishes; nothing if the buffer is gone. The pin ends here.
fn waiter<R: ReaderPtr<Strategy = Watched<S>>, S: Strategy>(reader: &Reader<R>) -> Option<Waiter> {
    let pin = reader.ptr().pin().ok()?;
    Some(reader.ptr().buffer(&pin).strategy().waiter())
}

impl<R: ReaderPtr> Watcher<R> {
    /// The number of the publish that this watcher was last told of.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_async::Watcher;
    /// use dbuf_async::core::arc;
    /// use dbuf_async::strategies::{EpochStrategy, Watched};
    ///
    /// let (mut writer, reader) = arc(1, 1, Watched::new(EpochStrategy::new()));
    /// let mut watcher = Watcher::new(reader);
    /// writer.store(2);
    /// assert_eq!((watcher.last_seen(), watcher.version()), (0, 1)); // published, not told of
    /// pollster::block_on(watcher.changed()).unwrap();
    /// assert_eq!(watcher.last_seen(), 1);
    /// ```
    pub fn last_seen(&self) -> Version {
        self.last_seen
    }

    /// Marks a publish, and those before it, as told: for one that was read by other means.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_async::Watcher;
    /// use dbuf_async::core::arc;
    /// use dbuf_async::strategies::{EpochStrategy, Watched};
    ///
    /// let (mut writer, reader) = arc(1, 1, Watched::new(EpochStrategy::new()));
    /// let mut watcher = Watcher::new(reader);
    /// writer.store(2);
    /// watcher.mark_told(watcher.version());
    /// assert_eq!(watcher.has_changed(), Ok(false));
    /// ```
    pub fn mark_told(&mut self, version: Version) {
        self.last_seen = self.last_seen.max(version);
    }

    /// The reader alone.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_async::Watcher;
    /// use dbuf_async::core::arc;
    /// use dbuf_async::strategies::{EpochStrategy, Watched};
    ///
    /// let (_writer, reader) = arc(1, 1, Watched::new(EpochStrategy::new()));
    /// let reader = Watcher::new(reader).into_reader();
    /// assert_eq!(*reader.read(), 1);
    /// ```
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

/// A watcher of its own, told of what this one was.
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

/// The future of [`Watcher::changed`]. Polled after it was ready, it waits for the
/// next publish.
///
/// # Examples
///
/// ```
/// use std::pin::pin;
/// use std::task::{Context, Poll, Waker};
///
/// use dbuf_async::core::arc;
/// use dbuf_async::strategies::{EpochStrategy, Watched};
/// use dbuf_async::{Changed, Watcher};
///
/// let (mut writer, reader) = arc(1, 1, Watched::new(EpochStrategy::new()));
/// let mut watcher = Watcher::new(reader);
/// let mut changed = pin!(watcher.changed());
/// let mut cx = Context::from_waker(Waker::noop()); // an executor has a better one
/// assert!(Changed::poll(changed.as_mut(), &mut cx).is_pending());
/// writer.store(2);
/// assert_eq!(changed.as_mut().poll(&mut cx), Poll::Ready(Ok(1)));
/// assert!(changed.as_mut().poll(&mut cx).is_pending()); // waits for the next
/// ```
#[must_use = "futures do nothing unless they are polled"]
pub struct Changed<'w, R: ReaderPtr> {
    watcher: &'w mut Watcher<R>,
    /// Whether other tasks were let to run before `Closed` is returned again.
    yielded: bool,
}

impl<R: ReaderPtr<Strategy = Watched<S>>, S: Strategy> Future for Changed<'_, R> {
    type Output = Result<Version, Closed>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { watcher, yielded } = &mut *self;
        let news = ready!(watcher.poll_changed(watcher.last_seen, cx));
        if let Ok(version) = news {
            watcher.last_seen = version;
        } else if watcher.closed && !*yielded {
            *yielded = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        watcher.closed = news.is_err();
        Poll::Ready(news)
    }
}

/// Takes the task off the list of those who wait.
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

/// The stream of [`Watcher::versions`].
///
/// # Examples
///
/// ```
/// use dbuf_async::core::arc;
/// use dbuf_async::strategies::{EpochStrategy, Watched};
/// use dbuf_async::{Versions, Watcher};
/// use smol::stream::StreamExt;
///
/// let (mut writer, reader) = arc(1, 1, Watched::new(EpochStrategy::new()));
/// let mut watcher = Watcher::new(reader);
/// writer.store(2);
/// drop(writer);
/// let versions: Versions<'_, _> = watcher.versions();
/// assert_eq!(pollster::block_on(versions.collect::<Vec<_>>()), [1]);
/// ```
#[cfg(feature = "stream")]
#[must_use = "streams do nothing unless they are polled"]
#[derive(Debug)]
pub struct Versions<'w, R: ReaderPtr> {
    changed: Changed<'w, R>,
}

#[cfg(feature = "stream")]
impl<R: ReaderPtr<Strategy = Watched<S>>, S: Strategy> futures_core::Stream for Versions<'_, R> {
    type Item = Version;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Version>> {
        Pin::new(&mut self.changed).poll(cx).map(Result::ok)
    }
}

#[cfg(feature = "stream")]
impl<R: ReaderPtr> Deref for Versions<'_, R> {
    type Target = Reader<R>;

    fn deref(&self) -> &Reader<R> {
        self.changed.watcher
    }
}
