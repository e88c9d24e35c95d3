use core::cell::OnceCell;
use core::convert::Infallible;
use core::fmt;
use core::panic::{RefUnwindSafe, UnwindSafe};

use crate::buffer::Version;
use crate::guard::ReadGuard;
use crate::lease::ReaderLease;
use crate::pointer::{BufferOf, BufferPtr, ReaderPtr, ReaderTokenOf};
use crate::strategy::Strategy;
use crate::threads::SyncReader;

/// A handle that reads the front.
///
/// Give each thread its own, with `clone`: a `Reader` is `Send` but not `Sync`, so that a read
/// needs no shared writes. Guards may be nested and dropped in any order; a nested read shows the
/// newest front.
///
/// # Examples
///
/// ```
/// use dbuf_strategies::LockStrategy;
///
/// let (mut writer, reader) = dbuf_core::arc(1, 1, LockStrategy::new());
/// let before = reader.read();
/// *writer.back_mut() = 2;
/// writer.start_swap();
/// assert_eq!((*before, *reader.read()), (1, 2));
/// ```
pub struct Reader<R: ReaderPtr> {
    /// Empty only while a weak pointer has never been pinned. Declared before `ptr`, so that it is
    /// dropped first.
    token: OnceCell<ReaderTokenOf<R>>,
    ptr: R,
}

impl<R: ReaderPtr> Reader<R> {
    /// Registers a reader of the buffer behind `ptr`.
    ///
    /// Never waits for a swap in progress. With a weak pointer whose buffer is gone, every read
    /// returns the error.
    ///
    /// Costs what [`Strategy::new_reader`] costs, which may be a lock and an allocation: keep
    /// readers instead of making one for each read.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_core::{DoubleBuffer, Reader};
    /// use dbuf_strategies::LockStrategy;
    ///
    /// let buffer = DoubleBuffer::new(1, 1, LockStrategy::new());
    /// let reader = Reader::new(&buffer);
    /// assert_eq!(*reader.read(), 1);
    /// ```
    pub fn new(ptr: R) -> Self {
        let token = OnceCell::new();
        if let Ok(pin) = ptr.pin() {
            token.get_or_init(|| ptr.buffer(&pin).strategy().new_reader());
        }
        Self { token, ptr }
    }

    /// Returns the pointer that leads to the buffer.
    ///
    /// With an owning pointer, a writer can be claimed after the last writer was dropped.
    pub fn ptr(&self) -> &R {
        &self.ptr
    }

    /// Reads the front.
    ///
    /// Costs what [`Strategy::acquire`] costs, and for a weak reader the upgrade of its pointer.
    /// Never waits for the writer.
    ///
    /// # Errors
    ///
    /// Returns [`Closed`](crate::Closed) if a weak reader's buffer is gone. The buffer lives as
    /// long as any guard of a weak reader.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_core::Closed;
    /// use dbuf_strategies::LockStrategy;
    ///
    /// let (writer, reader) = dbuf_core::arc(1, 1, LockStrategy::new());
    /// let weak = writer.weak_reader();
    /// let guard = weak.try_read().unwrap();
    /// drop((writer, reader));
    /// assert_eq!(*guard, 1); // it keeps the buffer
    /// drop(guard);
    /// assert_eq!(weak.try_read().unwrap_err(), Closed);
    /// ```
    #[inline]
    pub fn try_read(&self) -> Result<ReadGuard<'_, R>, R::Error> {
        let pin = self.ptr.pin()?;
        let token = self
            .token
            .get_or_init(|| self.ptr.buffer(&pin).strategy().new_reader());
        Ok(ReadGuard::new(ReaderLease::new(&self.ptr, pin, token)))
    }

    /// Returns whether no writer is claimed at this moment, or the buffer is gone. A later claim
    /// opens the buffer again.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_strategies::LockStrategy;
    ///
    /// let (writer, reader) = dbuf_core::arc(1, 1, LockStrategy::new());
    /// assert!(!reader.is_closed());
    /// drop(writer);
    /// assert!(reader.is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        match self.ptr.pin() {
            Ok(pin) => !self.ptr.buffer(&pin).strategy().is_writer_claimed(),
            Err(_) => true,
        }
    }
}

impl<R: ReaderPtr<Error = Infallible>> Reader<R> {
    /// Reads the front.
    ///
    /// Costs what [`Strategy::acquire`] costs. Never waits, allocates or locks (unless the
    /// strategy is a lock).
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_strategies::LockStrategy;
    ///
    /// let (mut writer, reader) = dbuf_core::arc(1, 1, LockStrategy::new());
    /// writer.store(2);
    /// assert_eq!(*reader.read(), 2);
    /// ```
    #[doc(alias = "load")]
    #[doc(alias = "pin")]
    #[doc(alias = "enter")]
    #[inline]
    pub fn read(&self) -> ReadGuard<'_, R> {
        let Ok(pin) = self.ptr.pin();
        ReadGuard::new(ReaderLease::new(&self.ptr, pin, self.token()))
    }

    /// Returns this reader's token of the buffer's strategy.
    #[inline]
    pub(crate) fn token(&self) -> &ReaderTokenOf<R> {
        // SAFETY: the pin never fails, so `new` made the token.
        unsafe { self.token.get().unwrap_unchecked() }
    }

    /// Returns the number of the publish that a read shows now. Costs a read.
    pub fn version(&self) -> Version {
        ReadGuard::version(&self.read())
    }
}

impl<P: BufferPtr> Reader<P> {
    /// Returns the strategy.
    pub fn strategy(&self) -> &P::Strategy {
        self.buffer().strategy()
    }

    /// Returns the extras.
    pub fn extras(&self) -> &P::Extras {
        self.buffer().extras()
    }

    #[inline]
    pub(crate) fn buffer(&self) -> &BufferOf<P> {
        &self.ptr
    }
}

// SAFETY: never: nothing implements the trait. (It has a token of one thread, C4.)
unsafe impl<R: ReaderPtr> Sync for Reader<R> where Self: SyncReader {}

// If user code panics (a waker, as the last step of a leave), tokens and counts are already
// consistent (S7). So only the value's own cells can be seen half-changed.
impl<R: ReaderPtr<Value: RefUnwindSafe, Extras: RefUnwindSafe>> UnwindSafe for Reader<R> {}
impl<R: ReaderPtr<Value: RefUnwindSafe, Extras: RefUnwindSafe>> RefUnwindSafe for Reader<R> {}

/// Registers another reader of the same buffer. See [`Reader::new`].
impl<R: ReaderPtr> Clone for Reader<R> {
    fn clone(&self) -> Self {
        Self::new(self.ptr.clone())
    }
}

impl<R: ReaderPtr> fmt::Debug for Reader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("is_closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}
