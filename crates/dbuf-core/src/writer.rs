use core::fmt;
use core::mem::ManuallyDrop;
use core::task::{Context, Poll};
use core::time::Duration;

use crate::buffer::Version;
use crate::error::ClaimError;
use crate::pointer::BufferOf;
use crate::pointer::{BufferPtr, OwningPtr};
use crate::reader::Reader;
use crate::strategy::{BlockingStrategy, Strategy, TrySwapStrategy};
use crate::wait;

/// The one handle that changes a buffer.
///
/// It writes the back, which no reader sees, and swaps. A swap is *started* without waiting, and
/// *finished* when the last guard on the old side is gone; only then can the back be written
/// again. So it is cheapest to write, [`start_swap`](Self::start_swap), do something else, and
/// write again.
///
/// An unfinished swap is state of the buffer and not of the handle. A writer may be dropped at any
/// moment; that never waits, and the next [claim](Self::claim) goes on with the swap.
///
/// # Examples
///
/// ```
/// use dbuf_strategies::LockStrategy;
///
/// let (mut writer, reader) = dbuf_core::arc([0; 4], [0; 4], LockStrategy::new());
/// writer.back_mut()[0] = 7;
/// assert_eq!(reader.read()[0], 0);
/// writer.swap();
/// assert_eq!(reader.read()[0], 7);
/// ```
pub struct Writer<P: BufferPtr> {
    token: ManuallyDrop<<P::Strategy as Strategy>::WriterToken>,
    ptr: P,
}

/// What a writer may access while no swap is unfinished.
#[cfg_attr(
    not(feature = "alloc"),
    expect(dead_code, reason = "the log needs alloc")
)]
pub(crate) struct Parts<'w, T, X> {
    pub(crate) front: &'w T,
    pub(crate) back: &'w mut T,
    pub(crate) extras: &'w X,
}

impl<P: BufferPtr> Writer<P> {
    /// Becomes the writer of the buffer behind `ptr`.
    ///
    /// # Errors
    ///
    /// Returns [`ClaimError`] if a writer exists, or if one was forgotten.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_core::Writer;
    /// use dbuf_strategies::LockStrategy;
    ///
    /// let (writer, reader) = dbuf_core::arc(0, 0, LockStrategy::new());
    /// # let ptr = writer.ptr().clone();
    /// drop(writer);
    /// let mut again = Writer::claim(ptr).unwrap();
    /// again.store(5);
    /// assert_eq!(*reader.read(), 5);
    /// ```
    pub fn claim(ptr: P) -> Result<Self, ClaimError> {
        match ptr.strategy().try_claim_writer() {
            Some(token) => Ok(Self {
                token: ManuallyDrop::new(token),
                ptr,
            }),
            None => Err(ClaimError),
        }
    }

    #[inline]
    fn buffer(&self) -> &BufferOf<P> {
        &self.ptr
    }

    /// Returns the pointer to the buffer.
    pub fn ptr(&self) -> &P {
        &self.ptr
    }

    /// Returns what readers see.
    ///
    /// Needs no guard: only a swap can make this side the back, and a swap needs this writer
    /// mutably.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_strategies::LockStrategy;
    ///
    /// let (mut writer, _reader) = dbuf_core::arc(1, 2, LockStrategy::new());
    /// assert_eq!(*writer.front(), 1);
    /// writer.start_swap();
    /// assert_eq!(*writer.front(), 2);
    /// ```
    #[inline]
    pub fn front(&self) -> &P::Value {
        let cell = self.buffer().cell(self.buffer().strategy().front());
        // SAFETY: the front is written only after a swap was started and finished (C5, S2), and
        // starting one takes `&mut self`.
        let front = unsafe { cell.as_ref() };
        // SAFETY: the front (B1).
        unsafe { front.value() }
    }

    /// Returns the back, for reading.
    #[cfg(feature = "alloc")]
    #[inline]
    pub(crate) fn back(&self) -> &P::Value {
        // SAFETY: only `&mut self` writes a side (C5); readers that are still on this one only
        // read.
        let back = unsafe { self.buffer().back().as_ref() };
        // SAFETY: the writer's side (B1).
        unsafe { back.value() }
    }

    /// Returns the extras.
    #[inline]
    pub fn extras(&self) -> &P::Extras {
        self.buffer().extras()
    }

    /// Returns the strategy.
    #[inline]
    pub fn strategy(&self) -> &P::Strategy {
        self.buffer().strategy()
    }

    /// Returns the number of the last publish.
    #[inline]
    pub fn version(&self) -> Version {
        let cell = self.buffer().cell(self.buffer().strategy().front());
        // SAFETY: see `front`.
        unsafe { cell.as_ref() }.version
    }

    /// Returns whether a [`start_swap`](Self::start_swap) that unwound out of the strategy had
    /// already flipped. Before the flip, the back has the greater version.
    #[cfg(feature = "alloc")]
    pub(crate) fn has_flipped(&self) -> bool {
        // SAFETY: see `back`.
        self.version() > unsafe { self.buffer().back().as_ref() }.version
    }

    /// Makes another reader of this buffer. See [`Reader::new`].
    pub fn reader(&self) -> Reader<P> {
        Reader::new(self.ptr.clone())
    }

    /// Returns whether a swap was started that is not known to be finished. Checks nothing itself:
    /// that is [`try_finish`](Self::try_finish).
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_strategies::LockStrategy;
    ///
    /// let (mut writer, reader) = dbuf_core::arc(1, 2, LockStrategy::new());
    /// writer.start_swap();
    /// assert!(writer.is_swapping()); // not checked yet
    /// assert!(writer.try_finish());
    /// assert!(!writer.is_swapping());
    /// # drop(reader);
    /// ```
    #[inline]
    pub fn is_swapping(&self) -> bool {
        // SAFETY: the token is this strategy's (C1).
        !unsafe { self.strategy().is_finished(&self.token) }
    }

    /// Returns how many guards the last swap still waits for, or how many readers if the strategy
    /// counts only those. Zero when finished. For diagnosis.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_strategies::LockStrategy;
    ///
    /// let (mut writer, reader) = dbuf_core::arc(1, 2, LockStrategy::new());
    /// let guard = reader.read();
    /// writer.start_swap();
    /// assert_eq!(writer.stragglers(), 1);
    /// drop(guard);
    /// assert!(writer.try_finish());
    /// assert_eq!(writer.stragglers(), 0);
    /// ```
    pub fn stragglers(&self) -> usize {
        // SAFETY: C1.
        unsafe { self.strategy().stragglers(&self.token) }
    }

    /// Publishes the back, without waiting for readers of the old front.
    ///
    /// Returns `false`, and does nothing, if the last swap is unfinished. Costs what
    /// [`Strategy::start_swap`] costs: from one store to a check of each reader.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_strategies::LockStrategy;
    ///
    /// let (mut writer, reader) = dbuf_core::arc(1, 2, LockStrategy::new());
    /// let guard = reader.read();
    /// assert!(writer.start_swap());
    /// assert_eq!((*guard, *reader.read()), (1, 2));
    /// assert!(!writer.start_swap()); // `guard` is still on the old side
    /// assert_eq!(*reader.read(), 2);
    /// ```
    pub fn start_swap(&mut self) -> bool {
        if !self.try_finish() {
            return false;
        }
        let version = self.version() + 1;
        let buffer: &BufferOf<P> = &self.ptr;
        let mut back = buffer.back();
        // SAFETY: finished, and `&mut self` (C5); the borrow ends here.
        unsafe { back.as_mut() }.version = version;
        // SAFETY: the token is this strategy's (C1); finished (C2); no borrow of
        // the back outlives a call on `&mut self` (C5).
        unsafe { buffer.strategy().start_swap(&mut self.token) };
        true
    }

    /// Checks whether the last swap is finished. Never waits. Once it is finished, this costs a
    /// load.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_strategies::LockStrategy;
    ///
    /// let (mut writer, reader) = dbuf_core::arc(1, 2, LockStrategy::new());
    /// let guard = reader.read();
    /// writer.start_swap();
    /// assert!(!writer.try_finish());
    /// drop(guard);
    /// assert!(writer.try_finish());
    /// ```
    #[inline]
    pub fn try_finish(&mut self) -> bool {
        if !self.is_swapping() {
            return true;
        }
        // SAFETY: C1.
        unsafe { self.ptr.strategy().try_finish(&mut self.token) }
    }

    /// Does what [`try_finish`](Self::try_finish) does, and registers the task to be woken when
    /// another poll is worthwhile.
    ///
    /// If the task is dropped, nothing is lost: the unfinished swap is state of the buffer.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::task::{Context, Waker};
    /// use dbuf_strategies::LockStrategy;
    ///
    /// let (mut writer, reader) = dbuf_core::arc(1, 2, LockStrategy::new());
    /// let guard = reader.read();
    /// writer.start_swap();
    /// let mut cx = Context::from_waker(Waker::noop()); // an executor has a better one
    /// assert!(writer.poll_finish(&mut cx).is_pending());
    /// drop(guard);
    /// assert!(writer.poll_finish(&mut cx).is_ready());
    /// ```
    pub fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.is_swapping() {
            return Poll::Ready(());
        }
        // SAFETY: C1.
        unsafe { self.ptr.strategy().poll_finish(&mut self.token, cx) }
    }

    /// Returns the back if no swap is unfinished. Never waits.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_strategies::LockStrategy;
    ///
    /// let (mut writer, reader) = dbuf_core::arc(1, 2, LockStrategy::new());
    /// *writer.try_back_mut().unwrap() = 3;
    /// let guard = reader.read();
    /// writer.start_swap();
    /// assert!(writer.try_back_mut().is_none());
    /// assert_eq!((*guard, *reader.read()), (1, 3));
    /// ```
    #[inline]
    pub fn try_back_mut(&mut self) -> Option<&mut P::Value> {
        self.try_parts().map(|parts| parts.back)
    }

    /// Returns both sides and the extras if no swap is unfinished. Every `&mut T` to a back is
    /// made here.
    #[inline]
    pub(crate) fn try_parts(&mut self) -> Option<Parts<'_, P::Value, P::Extras>> {
        if !self.try_finish() {
            return None;
        }
        let buffer: &BufferOf<P> = &self.ptr;
        let mut back = buffer.back();
        // SAFETY: finished: no guard is on the back, and none can come (S2, S3). The borrow of
        // `self` prevents the next swap (C5).
        let back = unsafe { back.as_mut() };
        // SAFETY: see `front`; the two cells are distinct.
        let front = unsafe { buffer.cell(buffer.strategy().front()).as_ref() };
        Some(Parts {
            // SAFETY: the front (B1).
            front: unsafe { front.value() },
            // SAFETY: the writer's side (B1).
            back: unsafe { back.value.as_mut().unwrap_unchecked() },
            extras: buffer.extras(),
        })
    }

    /// Checks whether no guard is on the spare side. Never waits.
    #[cfg(feature = "alloc")]
    pub(crate) fn try_free_spare(&mut self) -> bool {
        // SAFETY: C1.
        unsafe { self.ptr.strategy().try_free_spare(&mut self.token) }
    }

    /// Returns how many guards or readers keep the spare side from being free.
    #[cfg(feature = "alloc")]
    pub(crate) fn spare_stragglers(&self) -> usize {
        // SAFETY: C1.
        unsafe { self.strategy().spare_stragglers(&self.token) }
    }

    /// Sets the back aside with the guards on it, and makes the spare side the back, with the
    /// value that `fill` writes there. Returns `false`, and does nothing, if no swap is unfinished
    /// or the spare side is not free.
    #[cfg(feature = "alloc")]
    pub(crate) fn set_aside(&mut self, fill: impl FnOnce(&mut Option<P::Value>)) -> bool {
        if self.try_finish() || !self.try_free_spare() {
            return false;
        }
        let version = self.version();
        let buffer: &BufferOf<P> = &self.ptr;
        let mut spare = buffer.cell(buffer.strategy().spare());
        // SAFETY: free (C7), and `&mut self`; the borrow ends before `set_aside` below.
        let spare = unsafe { spare.as_mut() };
        fill(&mut spare.value);
        assert!(spare.value.is_some(), "the spare side holds a value (B1)");
        // `has_flipped` compares it.
        spare.version = version;
        // SAFETY: C1; unfinished, and free (C7); no borrow of a side is live.
        unsafe { buffer.strategy().set_aside(&mut self.token) };
        true
    }

    /// Takes the value off the spare side. Returns `None` if there is none, or if guards are still
    /// on that side.
    #[cfg(feature = "alloc")]
    pub(crate) fn take_spare(&mut self) -> Option<P::Value> {
        if !self.try_free_spare() {
            return None;
        }
        let buffer: &BufferOf<P> = &self.ptr;
        let mut spare = buffer.cell(buffer.strategy().spare());
        // SAFETY: free (C7), and `&mut self`.
        unsafe { spare.as_mut() }.value.take()
    }

    /// Returns whether the spare side holds a value.
    #[cfg(feature = "alloc")]
    pub(crate) fn has_spare(&self) -> bool {
        let spare = self.buffer().cell(self.strategy().spare());
        // SAFETY: only `&mut self` writes a side (C5, C7); readers only read.
        unsafe { spare.as_ref() }.value.is_some()
    }

    /// Takes the values out, (front, back), if this is the only handle.
    ///
    /// # Errors
    ///
    /// Returns the writer itself if a reader, a guard or another pointer exists.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_strategies::LockStrategy;
    ///
    /// let (writer, reader) = dbuf_core::arc(1, 2, LockStrategy::new());
    /// let writer = writer.try_into_buffers().unwrap_err();
    /// drop(reader);
    /// assert_eq!(writer.try_into_buffers().unwrap(), (1, 2));
    /// ```
    pub fn try_into_buffers(self) -> Result<(P::Value, P::Value), Self>
    where
        P: OwningPtr,
    {
        let (ptr, token) = self.into_raw();
        match ptr.try_unwrap() {
            Ok(buffer) => {
                let token = ManuallyDrop::into_inner(token);
                // SAFETY: the strategy that made it (C1). It has moved since; tokens hold no
                // pointer to it (S11).
                unsafe { buffer.strategy().release_writer(token) };
                Ok(buffer.into_buffers())
            }
            Err(ptr) => Err(Self { token, ptr }),
        }
    }

    /// Takes the handle apart without ending the claim.
    fn into_raw(self) -> (P, ManuallyDrop<<P::Strategy as Strategy>::WriterToken>) {
        let mut this = ManuallyDrop::new(self);
        // SAFETY: `this` is never dropped or used again, so each field is moved
        // out once.
        let token = unsafe { core::ptr::read(&raw mut this.token) };
        // SAFETY: `this` is never used again.
        let ptr = unsafe { core::ptr::read(&raw mut this.ptr) };
        (ptr, token)
    }
}

impl<P: BufferPtr<Strategy: BlockingStrategy>> Writer<P> {
    /// Waits until the last swap is finished: until every guard on the old side is dropped.
    ///
    /// Checks a few times, then allocates a waker and sleeps until the last of them wakes it
    /// (without `std` it spins).
    ///
    /// # Panics
    ///
    /// If this thread holds a guard of a [`SharedReader`](crate::SharedReader) on the old side: it
    /// would wait for itself. Nothing has changed then. Drop the guard first, or use
    /// [`try_finish`](Self::try_finish) or [`try_back_mut`](Self::try_back_mut). Guards of a
    /// [`Reader`] are not noticed: if its own thread holds one, the writer waits forever.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_strategies::LockStrategy;
    ///
    /// let (mut writer, reader) = dbuf_core::arc(1, 2, LockStrategy::new());
    /// std::thread::scope(|scope| {
    ///     scope.spawn(move || assert!(matches!(*reader.read(), 1 | 2)));
    ///     writer.start_swap();
    ///     writer.finish();
    ///     assert_eq!(writer.stragglers(), 0);
    /// });
    /// ```
    #[inline]
    pub fn finish(&mut self) {
        if self.is_swapping() {
            self.wait(None);
        }
    }

    #[inline(never)]
    fn wait(&mut self, timeout: Option<Duration>) -> bool {
        wait::block(timeout, |cx| match cx {
            None => self.try_finish(),
            Some(cx) => {
                // About to sleep without a time limit.
                #[cfg(feature = "std")]
                if timeout.is_none() && self.waits_for_itself() {
                    own_guard();
                }
                self.poll_finish(cx).is_ready()
            }
        })
    }

    /// Returns whether this thread has a guard on the back, as far as that is known.
    #[cfg(feature = "std")]
    pub(crate) fn waits_for_itself(&self) -> bool {
        crate::shared::is_on_back(self.buffer())
    }

    /// Does what [`finish`](Self::finish) does, for at most `timeout`. Returns whether the swap is
    /// finished; if not, nothing changed.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use dbuf_strategies::LockStrategy;
    ///
    /// let (mut writer, reader) = dbuf_core::arc(1, 2, LockStrategy::new());
    /// let guard = reader.read();
    /// writer.start_swap();
    /// assert!(!writer.finish_timeout(Duration::from_millis(1)));
    /// drop(guard);
    /// assert!(writer.finish_timeout(Duration::from_millis(1)));
    /// ```
    #[cfg(feature = "std")]
    pub fn finish_timeout(&mut self, timeout: Duration) -> bool {
        !self.is_swapping() || self.wait(Some(timeout))
    }

    /// Returns the back, for writing. [Finishes](Self::finish) first.
    ///
    /// It holds what was the front before the last publish, or what was written to it since;
    /// nothing is copied.
    ///
    /// # Panics
    ///
    /// See [`finish`](Self::finish). The back is unchanged then.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_strategies::LockStrategy;
    ///
    /// let (mut writer, reader) = dbuf_core::arc(1, 2, LockStrategy::new());
    /// *writer.back_mut() += 1;
    /// assert_eq!(*reader.read(), 1);
    /// writer.swap();
    /// assert_eq!(*reader.read(), 3);
    /// ```
    pub fn back_mut(&mut self) -> &mut P::Value {
        self.split_mut().1
    }

    /// Returns what readers see, and the back. [Finishes](Self::finish) first.
    ///
    /// # Panics
    ///
    /// See [`finish`](Self::finish).
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_strategies::LockStrategy;
    ///
    /// let (mut writer, reader) = dbuf_core::arc([1, 2], [0, 0], LockStrategy::new());
    /// let (front, back) = writer.split_mut();
    /// back[0] = front[1];
    /// back[1] = front[0];
    /// writer.swap();
    /// assert_eq!(*reader.read(), [2, 1]);
    /// ```
    pub fn split_mut(&mut self) -> (&P::Value, &mut P::Value) {
        self.finish();
        match self.try_parts() {
            Some(parts) => (parts.front, parts.back),
            None => unreachable!("finished is latched (S5)"),
        }
    }

    /// Publishes the back and waits for readers of the old front: [`finish`](Self::finish),
    /// [`start_swap`](Self::start_swap), `finish`.
    ///
    /// # Panics
    ///
    /// See [`finish`](Self::finish). The back may be published then.
    pub fn swap(&mut self) {
        self.finish();
        self.start_swap();
        self.finish();
    }

    /// Replaces the value: [finishes](Self::finish) the last swap, overwrites the back, starts a
    /// swap. Needs no log and no clone.
    ///
    /// # Panics
    ///
    /// See [`finish`](Self::finish). `value` is dropped then, and nothing has changed.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_strategies::LockStrategy;
    ///
    /// let (mut writer, reader) = dbuf_core::arc(1, 2, LockStrategy::new());
    /// writer.store(3);
    /// assert_eq!(*reader.read(), 3);
    /// ```
    pub fn store(&mut self, value: P::Value) {
        *self.back_mut() = value;
        self.start_swap();
    }

    /// Drops what the last publish replaced, and puts a clone of the new value there:
    /// [finishes](Self::finish), then `back.clone_from(front)`.
    ///
    /// Without it a replaced value stays in the back until the next [`store`](Self::store)
    /// overwrites it, with its files, channels and memory.
    ///
    /// # Panics
    ///
    /// See [`finish`](Self::finish); or if `Clone` panics.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use dbuf_strategies::LockStrategy;
    ///
    /// let old = Arc::new("old");
    /// let (mut writer, _reader) = dbuf_core::arc(old.clone(), old.clone(), LockStrategy::new());
    /// writer.store(Arc::new("new"));
    /// assert_eq!(Arc::strong_count(&old), 2); // here, and in the back
    /// writer.catch_up();
    /// assert_eq!(Arc::strong_count(&old), 1);
    /// ```
    pub fn catch_up(&mut self)
    where
        P::Value: Clone,
    {
        let (front, back) = self.split_mut();
        back.clone_from(front);
    }
}

#[cfg(feature = "std")]
#[cold]
#[inline(never)]
pub(crate) fn own_guard() -> ! {
    panic!(
        "a thread writes to a buffer while it holds a guard of that buffer (from a \
         `SharedReader`), and would wait for its own guard forever: drop or refresh the guard \
         first, or write with a method that does not wait, such as `try_back_mut` or \
         `try_write`"
    )
}

impl<P: BufferPtr<Strategy: TrySwapStrategy>> Writer<P> {
    /// Swaps and finishes if no guard is on the front or on the old side of the last swap.
    /// Otherwise nothing changes.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_strategies::LockStrategy;
    ///
    /// let (mut writer, reader) = dbuf_core::arc(1, 2, LockStrategy::new());
    /// let guard = reader.read();
    /// assert!(!writer.try_swap());
    /// assert_eq!(*reader.read(), 1);
    /// drop(guard);
    /// assert!(writer.try_swap());
    /// assert_eq!(*reader.read(), 2);
    /// ```
    pub fn try_swap(&mut self) -> bool {
        if !self.try_finish() {
            return false;
        }
        let version = self.version() + 1;
        let buffer: &BufferOf<P> = &self.ptr;
        let mut back = buffer.back();
        // SAFETY: finished, and `&mut self` (C5). If the swap is refused, nobody sees the number,
        // and the next swap overwrites it.
        unsafe { back.as_mut() }.version = version;
        // SAFETY: C1, C2 and C5, see `start_swap`.
        unsafe { buffer.strategy().try_swap(&mut self.token) }
    }
}

/// Ends the claim. Never waits. An unfinished swap stays unfinished.
impl<P: BufferPtr> Drop for Writer<P> {
    fn drop(&mut self) {
        // SAFETY: nothing else takes it out.
        let token = unsafe { ManuallyDrop::take(&mut self.token) };
        // SAFETY: C1; borrows of the back ended with their borrow of `self`.
        unsafe { self.ptr.strategy().release_writer(token) };
    }
}

/// A writer whose token is stored elsewhere, and is put back there.
#[cfg(feature = "std")]
pub(crate) struct Lent<'t, P: BufferPtr> {
    writer: ManuallyDrop<Writer<P>>,
    home: &'t mut Option<<P::Strategy as Strategy>::WriterToken>,
}

#[cfg(feature = "std")]
impl<'t, P: BufferPtr> Lent<'t, P> {
    /// Makes a writer of the buffer behind `ptr`, with the token from `home`. Returns `None` if
    /// `home` is empty.
    ///
    /// # Safety
    ///
    /// That buffer's strategy made the token.
    #[inline]
    pub(crate) unsafe fn new(
        ptr: P,
        home: &'t mut Option<<P::Strategy as Strategy>::WriterToken>,
    ) -> Option<Self> {
        let token = ManuallyDrop::new(home.take()?);
        Some(Self {
            writer: ManuallyDrop::new(Writer { token, ptr }),
            home,
        })
    }
}

#[cfg(feature = "std")]
impl<P: BufferPtr> core::ops::Deref for Lent<'_, P> {
    type Target = Writer<P>;

    #[inline]
    fn deref(&self) -> &Writer<P> {
        &self.writer
    }
}

#[cfg(feature = "std")]
impl<P: BufferPtr> core::ops::DerefMut for Lent<'_, P> {
    #[inline]
    fn deref_mut(&mut self) -> &mut Writer<P> {
        &mut self.writer
    }
}

#[cfg(feature = "std")]
impl<P: BufferPtr> Drop for Lent<'_, P> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: nothing else takes it out.
        let writer = unsafe { ManuallyDrop::take(&mut self.writer) };
        let (_, token) = writer.into_raw();
        *self.home = Some(ManuallyDrop::into_inner(token));
    }
}

/// Shows the state. Does not read the values.
impl<P: BufferPtr> fmt::Debug for Writer<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer")
            .field("version", &self.version())
            .field("is_swapping", &self.is_swapping())
            .finish_non_exhaustive()
    }
}

/// Claims the writer and makes a first reader.
///
/// # Errors
///
/// Returns [`ClaimError`] if a writer is claimed.
///
/// # Examples
///
/// ```
/// use std::rc::Rc;
///
/// use dbuf_core::{DoubleBuffer, split};
/// use dbuf_strategies::LockStrategy;
///
/// let buffer = DoubleBuffer::new(1, 1, LockStrategy::new());
/// let (mut writer, reader) = split(&buffer).unwrap();
/// writer.store(2);
/// assert_eq!(*reader.read(), 2);
///
/// // Behind any other pointer, just so:
/// assert!(split(Rc::new(DoubleBuffer::new(1, 1, LockStrategy::new()))).is_ok());
/// ```
pub fn split<P: BufferPtr>(ptr: P) -> Result<(Writer<P>, Reader<P>), ClaimError> {
    let writer = Writer::claim(ptr)?;
    let reader = writer.reader();
    Ok((writer, reader))
}

#[cfg(feature = "alloc")]
mod owned {
    use alloc::rc::{self, Rc};
    #[cfg(target_has_atomic = "ptr")]
    use alloc::sync::{self, Arc};

    use super::{Reader, Strategy, Writer, split};
    use crate::buffer::DoubleBuffer;

    /// A writer whose buffer is shared between threads.
    #[cfg(target_has_atomic = "ptr")]
    pub type ArcWriter<T, S, X = ()> = Writer<Arc<DoubleBuffer<T, S, X>>>;
    /// A reader whose buffer is shared between threads.
    #[cfg(target_has_atomic = "ptr")]
    pub type ArcReader<T, S, X = ()> = Reader<Arc<DoubleBuffer<T, S, X>>>;
    /// A writer with a log whose buffer is shared between threads.
    #[cfg(target_has_atomic = "ptr")]
    pub type ArcOpWriter<T, O, S, X = ()> = crate::OpWriter<Arc<DoubleBuffer<T, S, X>>, O>;
    /// A reader for all threads.
    #[cfg(feature = "std")]
    pub type ArcSharedReader<T, S, X = ()> = crate::SharedReader<Arc<DoubleBuffer<T, S, X>>>;
    /// A writer whose buffer is shared within one thread.
    pub type RcWriter<T, S, X = ()> = Writer<Rc<DoubleBuffer<T, S, X>>>;
    /// A reader whose buffer is shared within one thread.
    pub type RcReader<T, S, X = ()> = Reader<Rc<DoubleBuffer<T, S, X>>>;
    /// A reader that does not keep the buffer alive.
    ///
    /// Each read upgrades the pointer and each drop of a guard downgrades it: two
    /// read-modify-writes on a count that all readers share, which gets slower the more threads
    /// read. To learn only whether the writer is gone, call [`is_closed`](Reader::is_closed) of a
    /// plain [`Reader`], which only loads.
    #[cfg(target_has_atomic = "ptr")]
    pub type WeakReader<T, S, X = ()> = Reader<sync::Weak<DoubleBuffer<T, S, X>>>;

    /// Makes a buffer behind an `Arc`, and returns its two handles. `strategy` must be fresh.
    ///
    /// # Panics
    ///
    /// If a writer of `strategy` is already claimed.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_strategies::LockStrategy;
    ///
    /// let (mut writer, reader) = dbuf_core::arc(1, 1, LockStrategy::new());
    /// writer.store(2);
    /// let other = std::thread::spawn(move || *reader.read());
    /// assert_eq!(other.join().unwrap(), 2);
    /// ```
    #[cfg(target_has_atomic = "ptr")]
    pub fn arc<T, S: Strategy>(
        front: T,
        back: T,
        strategy: S,
    ) -> (ArcWriter<T, S>, ArcReader<T, S>) {
        match split(Arc::new(DoubleBuffer::new(front, back, strategy))) {
            Ok(handles) => handles,
            Err(taken) => panic!("the strategy is not fresh: {taken}"),
        }
    }

    /// Makes a buffer behind an `Rc`. See [`arc`](crate::arc()).
    ///
    /// # Panics
    ///
    /// If a writer of `strategy` is already claimed.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_strategies::LocalStrategy;
    ///
    /// let (mut writer, reader) = dbuf_core::rc(1, 2, LocalStrategy::new());
    /// assert!(writer.try_swap());
    /// assert_eq!(*reader.read(), 2);
    /// ```
    pub fn rc<T, S: Strategy>(front: T, back: T, strategy: S) -> (RcWriter<T, S>, RcReader<T, S>) {
        match split(Rc::new(DoubleBuffer::new(front, back, strategy))) {
            Ok(handles) => handles,
            Err(taken) => panic!("the strategy is not fresh: {taken}"),
        }
    }

    #[cfg(target_has_atomic = "ptr")]
    impl<T, S: Strategy, X> ArcWriter<T, S, X> {
        /// Makes a reader that does not keep the buffer alive.
        ///
        /// # Examples
        ///
        /// ```
        /// use dbuf_strategies::LockStrategy;
        ///
        /// let (writer, reader) = dbuf_core::arc(1, 1, LockStrategy::new());
        /// let weak = writer.weak_reader();
        /// assert_eq!(*weak.try_read().unwrap(), 1);
        /// drop((writer, reader));
        /// assert!(weak.try_read().is_err());
        /// ```
        pub fn weak_reader(&self) -> WeakReader<T, S, X> {
            Reader::new(Arc::downgrade(&self.ptr))
        }
    }

    impl<T, S: Strategy, X> RcWriter<T, S, X> {
        /// Makes a reader that does not keep the buffer alive.
        pub fn weak_reader(&self) -> Reader<rc::Weak<DoubleBuffer<T, S, X>>> {
            Reader::new(Rc::downgrade(&self.ptr))
        }
    }
}
#[cfg(feature = "std")]
pub use owned::ArcSharedReader;
#[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
pub use owned::{ArcOpWriter, ArcReader, ArcWriter, WeakReader, arc};
#[cfg(feature = "alloc")]
pub use owned::{RcReader, RcWriter, rc};
