//! Reads from any thread through one shared handle.
//!
//! # Idea
//!
//! A reader for each thread, in a table of the `thread_local` crate. A guard takes
//! the reader *out* of the table and owns it; its drop puts it back.
//!
//! A guard must hold no reference into the table. The crate gives a thread's place
//! to another thread while destructors of the first thread's locals still run, so
//! two threads could share what stands there. What is moved out belongs to one
//! guard, whoever owns the place now: the next thread finds it empty and makes a
//! reader of its own. (The box is moved and not the reader: moving the reader's
//! fields costs several times the read.)
//!
//! # Who holds a guard
//!
//! A place also tells whether its thread holds a guard, at no cost to the common
//! read: the reader is missing while a guard has it, and only guards beyond that
//! one are counted. That is true of one thread, so the place knows its *owner* by
//! a number that no other thread ever has; whoever finds another's starts afresh.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::cell::Cell;
use core::fmt;
use core::mem::{self, ManuallyDrop};
use core::panic::AssertUnwindSafe;
use core::ptr::NonNull;
use std::panic::catch_unwind;

use thread_local::ThreadLocal;

use crate::buffer::{BufferOf, Versioned};
use crate::lease::OwnedLease;
use crate::lease::sealed::Sealed;
use crate::primitive::{NOBODY, thread_number, thread_number_if_any};
use crate::{BufferPtr, Guard, MappedGuard, Reader};

/// What one thread has in the table.
struct Place<P: BufferPtr> {
    /// The thread of whose guards the other two fields tell, or nobody.
    owner: Cell<usize>,
    /// Missing while a guard has it.
    reader: Cell<Option<Box<Reader<P>>>>,
    /// Guards beyond the one that has the reader.
    nested: Cell<usize>,
}

impl<P: BufferPtr> Default for Place<P> {
    fn default() -> Self {
        Self {
            owner: Cell::new(NOBODY),
            reader: Cell::new(None),
            nested: Cell::new(0),
        }
    }
}

impl<P: BufferPtr> Place<P> {
    #[inline]
    fn is_mine(&self) -> bool {
        // A thread without a number owns nothing yet.
        self.owner.get() == thread_number_if_any()
    }

    /// Whether the owner holds a guard.
    fn is_held(&self) -> bool {
        let reader = self.reader.take();
        let held = reader.is_none() || self.nested.get() > 0;
        self.reader.set(reader);
        held
    }
}

/// A handle that reads from any thread, through `&self`.
///
/// It keeps one [`Reader`] for each thread that reads, so that nobody has to carry
/// readers around. Clones share them. A nested read makes a second reader for the
/// time of the nesting.
///
/// A guard that is passed to [`core::mem::forget`] takes its reader with it and holds
/// the writer up for ever.
///
/// It works in a `static` (through `LazyLock`) and in destructors of thread locals.
/// The place of a thread that has ended is taken over by the next one.
///
/// # Panics
///
/// The `thread_local` crate panics when a thread asks it for its *first* place after
/// the crate's own local is destroyed. The panic is caught and the read goes on
/// with a reader for this once; where panics abort, the process does.
///
/// # Examples
///
/// ```
/// use dbuf_core::SharedReader;
/// use dbuf_strategies::EpochStrategy;
///
/// let (mut writer, reader) = dbuf_core::arc(1, 1, EpochStrategy::new());
/// let shared: SharedReader<_> = reader.shared();
/// std::thread::scope(|scope| {
///     for _ in 0..3 {
///         scope.spawn(|| while *shared.read() != 2 {});
///     }
///     writer.store(2);
/// });
/// ```
pub struct SharedReader<P: BufferPtr>
where
    Reader<P>: Send,
{
    ptr: P,
    places: Arc<ThreadLocal<Place<P>>>,
}

struct Alive;

impl Drop for Alive {
    fn drop(&mut self) {}
}

std::thread_local! {
    /// Stands for the local in which the `thread_local` crate keeps a thread's
    /// number. It is touched right before that one is first needed, so destroyed
    /// right after it, or before: no user's destructor runs in between.
    static ALIVE: Alive = const { Alive };
}

impl<P: BufferPtr> SharedReader<P>
where
    Reader<P>: Send,
{
    /// Reads the buffer behind `ptr`. The first read on each thread registers a
    /// reader. Allocates the table.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::LazyLock;
    ///
    /// use dbuf_core::{DoubleBuffer, SharedReader, Writer};
    /// use dbuf_strategies::EpochStrategy;
    ///
    /// type Limit = DoubleBuffer<u32, EpochStrategy>;
    /// static LIMIT: Limit = DoubleBuffer::new(10, 10, EpochStrategy::new());
    /// static READS: LazyLock<SharedReader<&Limit>> = LazyLock::new(|| SharedReader::new(&LIMIT));
    ///
    /// Writer::claim(&LIMIT).unwrap().store(20);
    /// assert_eq!(*READS.read(), 20);
    /// ```
    pub fn new(ptr: P) -> Self {
        Self {
            ptr,
            places: Arc::new(ThreadLocal::new()),
        }
    }

    /// Looks at the front, from any thread.
    ///
    /// Costs a thread-local look-up more than [`Reader::read`]. Allocates on the
    /// first read of a thread and on nested ones.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_strategies::EpochStrategy;
    ///
    /// let (mut writer, reader) = dbuf_core::arc(1, 1, EpochStrategy::new());
    /// let shared = reader.shared();
    /// let before = shared.read();
    /// writer.store(2);
    /// assert_eq!((*before, *shared.read()), (1, 2));
    /// ```
    #[inline(always)]
    pub fn read(&self) -> SharedReadGuard<'_, P> {
        let reader = match self.places.get() {
            Some(place) if place.is_mine() => match place.reader.take() {
                Some(reader) => reader,
                None => self.nested(place),
            },
            _ => self.first(),
        };
        Guard::new(SharedLease {
            owned: ManuallyDrop::new(OwnedLease::new(reader)),
            shared: self,
        })
    }

    /// Looks at the front with a closure: [`read`](Self::read) without the guard, and
    /// all of it in line.
    ///
    /// # Panics
    ///
    /// With `f`. The front is released then.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_strategies::EpochStrategy;
    ///
    /// let (_writer, reader) = dbuf_core::arc(1, 1, EpochStrategy::new());
    /// assert_eq!(reader.shared().with(|n, _| n + 1), 2);
    /// ```
    #[inline(always)]
    pub fn with<R>(&self, f: impl FnOnce(&P::T, &P::X) -> R) -> R {
        let place = self.places.get().filter(|place| place.is_mine());
        let Some((place, reader)) = place.and_then(|place| Some((place, place.reader.take()?)))
        else {
            let guard = self.read();
            return f(&guard, self.extras());
        };
        let guard = Guard::new(SharedLease {
            owned: ManuallyDrop::new(OwnedLease::new(reader)),
            shared: self,
        });
        let result = f(&guard, self.extras());
        let mut lease = ManuallyDrop::new(guard.into_lease());
        // SAFETY: the lease is not dropped, so it is taken out once.
        let owned = unsafe { ManuallyDrop::take(&mut lease.owned) };
        // The thread gives its place away only when it ends, so it is the same one.
        self.put_into(Some(place), self.leave_place(owned));
        result
    }

    /// A reader of one's own for the same buffer: for a loop that reads all the time,
    /// without the look-up.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_strategies::EpochStrategy;
    ///
    /// let (_writer, reader) = dbuf_core::arc(1, 1, EpochStrategy::new());
    /// let shared = reader.shared();
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| {
    ///         let reader = shared.reader();
    ///         assert!((0..100).all(|_| *reader.read() == 1));
    ///     });
    /// });
    /// ```
    pub fn reader(&self) -> Reader<P> {
        Reader::new(self.ptr.clone())
    }

    /// The extras.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_core::{DoubleBuffer, SharedReader};
    /// use dbuf_strategies::EpochStrategy;
    ///
    /// let buffer = DoubleBuffer::with_extras(1, 1, EpochStrategy::new(), "shared");
    /// assert_eq!(*SharedReader::new(&buffer).extras(), "shared");
    /// ```
    #[inline]
    pub fn extras(&self) -> &P::X {
        let buffer: &BufferOf<P> = &self.ptr;
        buffer.extras()
    }

    /// Whether this thread holds a guard of this handle or of a clone, one that was
    /// forgotten included. Then it must not wait for the writer, which may wait for
    /// that guard.
    ///
    /// Guards that were taken in a destructor of a thread local, after the
    /// `thread_local` crate's own one ran, are not noticed.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_strategies::EpochStrategy;
    ///
    /// let (_writer, reader) = dbuf_core::arc(1, 1, EpochStrategy::new());
    /// let shared = reader.shared();
    /// let guard = shared.read();
    /// assert!(shared.has_guard());
    /// drop(guard);
    /// assert!(!shared.has_guard());
    /// ```
    pub fn has_guard(&self) -> bool {
        match self.places.get() {
            Some(place) => place.is_mine() && place.is_held(),
            None => false,
        }
    }

    fn make(&self) -> Box<Reader<P>> {
        Box::new(self.reader())
    }

    #[cold]
    fn nested(&self, place: &Place<P>) -> Box<Reader<P>> {
        let reader = self.make();
        place.nested.set(place.nested.get() + 1);
        reader
    }

    /// Gives this thread a place, if it still can have one, and a reader.
    #[cold]
    fn first(&self) -> Box<Reader<P>> {
        let place = match ALIVE.try_with(|_| ()) {
            Ok(()) => catch_unwind(AssertUnwindSafe(|| self.places.get_or_default())).ok(),
            Err(_) => None,
        };
        let kept = place.and_then(|place| place.reader.take());
        let reader = kept.unwrap_or_else(|| self.make());
        if let Some(place) = place {
            place.owner.set(thread_number());
            place.nested.set(0);
        }
        reader
    }

    /// Out of line, with what it needs in registers: so the drop of a guard is a
    /// call and no more, and the guard itself is never in memory.
    #[inline(never)]
    fn leave(&self, owned: OwnedLease<P>) {
        let reader = self.leave_place(owned);
        // A thread that has a place has the same one for as long as it has any, so
        // this is its own, or nobody's: then the reader is at its next owner's
        // service.
        self.put_into(self.places.get(), reader);
    }

    /// Releases a guard's place. A waker that panics takes the reader with it.
    #[inline(always)]
    fn leave_place(&self, owned: OwnedLease<P>) -> Box<Reader<P>> {
        let lost = Lost(self);
        let reader = owned.into_reader();
        mem::forget(lost);
        reader
    }

    /// Puts a reader back, or drops it if it is one too many or the thread has no
    /// place any more.
    #[inline(always)]
    fn put_into(&self, place: Option<&Place<P>>, reader: Box<Reader<P>>) {
        let spare = match place {
            Some(place) => match place.reader.replace(Some(reader)) {
                None => return,
                Some(spare) => spare,
            },
            None => reader,
        };
        self.drop_spare(spare);
    }

    /// Of a nested read, or of a thread without a place.
    #[cold]
    fn drop_spare(&self, reader: Box<Reader<P>>) {
        if let Some(place) = self.places.get().filter(|place| place.is_mine()) {
            // Not counted: a guard that was taken while the thread had no place.
            place.nested.set(place.nested.get().saturating_sub(1));
        }
        drop(reader);
    }

    /// Takes note of a guard whose reader will not come back.
    #[cold]
    fn lost(&self) {
        if let Some(place) = self.places.get().filter(|place| place.is_mine()) {
            match place.nested.get() {
                0 => place.owner.set(NOBODY),
                nested => place.nested.set(nested - 1),
            }
        }
    }
}

impl<P: BufferPtr> Clone for SharedReader<P>
where
    Reader<P>: Send,
{
    fn clone(&self) -> Self {
        Self {
            ptr: self.ptr.clone(),
            places: Arc::clone(&self.places),
        }
    }
}

impl<P: BufferPtr> fmt::Debug for SharedReader<P>
where
    Reader<P>: Send,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedReader").finish_non_exhaustive()
    }
}

/// A guard of a [`SharedReader`].
pub type SharedReadGuard<'s, P> = Guard<SharedLease<'s, P>>;

/// A [`SharedReadGuard`] narrowed to a part of the value, or of the extras.
pub type MappedSharedReadGuard<'s, U, P> = MappedGuard<U, SharedLease<'s, P>>;

/// A place held by a reader of a [`SharedReader`], which goes back to it.
///
/// # Examples
///
/// ```
/// use dbuf_core::{Guard, SharedLease};
/// use dbuf_strategies::EpochStrategy;
///
/// let (_writer, reader) = dbuf_core::arc(1, 1, EpochStrategy::new());
/// let shared = reader.shared();
/// let guard: Guard<SharedLease<'_, _>> = shared.read(); // `SharedReadGuard<'_, _>`
/// assert_eq!(*guard, 1);
/// ```
pub struct SharedLease<'s, P: BufferPtr>
where
    Reader<P>: Send,
{
    owned: ManuallyDrop<OwnedLease<P>>,
    shared: &'s SharedReader<P>,
}

#[allow(private_interfaces, reason = "nobody outside can name the trait")]
impl<P: BufferPtr> Sealed for SharedLease<'_, P>
where
    Reader<P>: Send,
{
    type T = P::T;
    type X = P::X;

    #[inline]
    fn cell(&self) -> NonNull<Versioned<P::T>> {
        self.owned.cell()
    }

    #[inline]
    fn extras(&self) -> &P::X {
        self.owned.extras()
    }
}

impl<P: BufferPtr> Drop for SharedLease<'_, P>
where
    Reader<P>: Send,
{
    #[inline]
    fn drop(&mut self) {
        // SAFETY: taken out here and nowhere else, and `self` is not used again.
        let owned = unsafe { ManuallyDrop::take(&mut self.owned) };
        self.shared.leave(owned);
    }
}

/// Says that a reader was lost, if it is dropped.
struct Lost<'s, P: BufferPtr>(&'s SharedReader<P>)
where
    Reader<P>: Send;

impl<P: BufferPtr> Drop for Lost<'_, P>
where
    Reader<P>: Send,
{
    fn drop(&mut self) {
        self.0.lost();
    }
}

impl<P: BufferPtr> fmt::Debug for SharedLease<'_, P>
where
    Reader<P>: Send,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedLease").finish_non_exhaustive()
    }
}
