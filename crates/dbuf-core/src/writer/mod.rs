//! The writer of a buffer.

mod blocking;
#[cfg(feature = "std")]
mod lent;
#[cfg(feature = "alloc")]
mod spare;

use core::fmt;
use core::mem::ManuallyDrop;
use core::task::{Context, Poll};

use crate::buffer::Version;
use crate::error::ClaimError;
use crate::pointer::{BufferOf, BufferPtr, OwningPtr};
use crate::reader::Reader;
use crate::strategy::{Strategy, TrySwapStrategy};

#[cfg(feature = "std")]
pub(crate) use blocking::own_guard;
#[cfg(feature = "std")]
pub(crate) use lent::Lent;

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
        // SAFETY: finished, and `&mut self` (C5). If the swap is refused, no guard shows the number,
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
/// // The same behind any other pointer:
/// assert!(split(Rc::new(DoubleBuffer::new(1, 1, LockStrategy::new()))).is_ok());
/// ```
pub fn split<P: BufferPtr>(ptr: P) -> Result<(Writer<P>, Reader<P>), ClaimError> {
    let writer = Writer::claim(ptr)?;
    let reader = writer.reader();
    Ok((writer, reader))
}
