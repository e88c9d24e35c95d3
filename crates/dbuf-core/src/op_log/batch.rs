use core::fmt;
use core::ops::{Deref, DerefMut};

use super::OpWriter;
use super::owner::{BatchOwner, ExtrasOf, OpOf, PtrOf, ValueOf};
use super::state::Ending;
use crate::pointer::BufferPtr;
use crate::strategy::BlockingStrategy;

/// Changes that become visible together.
///
/// **A batch publishes when it is dropped**, also by `?` and with a cancelled task;
/// [`OpWriter::transact`] publishes all or nothing. There are two exceptions. A batch is rolled
/// back if a change panicked halfway, also if that panic was caught. And it is rolled back if it
/// is dropped while its thread unwinds, unless it was made and changed only by unwinding threads:
/// a destructor may make a batch, change it and drop it. The second exception needs the `std`
/// feature.
///
/// Dereferences to the back, so reads see the batch's own changes.
///
/// `W` is whatever leads to the [`OpWriter`]: `&mut OpWriter`, or a lock guard.
///
/// # Examples
///
/// ```
/// use dbuf_core::OpWriter;
/// use dbuf_strategies::LockStrategy;
///
/// type Add = fn(&mut u32, &());
///
/// let (writer, reader) = dbuf_core::arc(0, 0, LockStrategy::new());
/// let mut writer = OpWriter::<_, Add>::new(writer);
/// let mut batch = writer.write();
/// batch.apply(|n, _| *n += 1);
/// assert_eq!((*batch, *batch.published()), (1, 0));
/// batch.publish();
/// assert_eq!(*reader.read(), 1);
/// ```
#[must_use = "a batch that is dropped at once publishes nothing new"]
pub struct Batch<W: DerefMut<Target: BatchOwner>> {
    /// Empty only while a batch is being ended.
    owner: Option<W>,
    when_dropped: WhenDropped,
}

/// How a batch that is dropped ends.
// One byte: a batch is copied where it is made, and a load of two bytes that were stored one by
// one waits for both stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WhenDropped {
    /// Published, or rolled back if the thread unwinds.
    Publish,
    /// Published. Only unwinding threads have made and changed the batch.
    PublishInDestructor,
    /// Deferred, or rolled back if the thread unwinds.
    Defer,
    /// Kept, or rolled back if the thread unwinds.
    Keep,
    Rollback,
}

#[cfg(feature = "std")]
use std::thread::panicking;

#[cfg(not(feature = "std"))]
fn panicking() -> bool {
    false
}

const OWNED: &str = "a batch gives its owner away only when it ends";

impl<W: DerefMut<Target: BatchOwner>> Batch<W> {
    /// Begins a batch that owns its access to the writer, such as a lock guard. See
    /// [`OpWriter::write`].
    ///
    /// The owner must dereference to the same writer every time; otherwise the batch panics.
    ///
    /// # Panics
    ///
    /// See [`OpWriter::write`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Mutex;
    ///
    /// use dbuf_core::{Batch, OpWriter};
    /// use dbuf_strategies::LockStrategy;
    ///
    /// let (writer, reader) = dbuf_core::arc(0, 0, LockStrategy::new());
    /// let writer = Mutex::new(OpWriter::new(writer));
    /// let mut batch = Batch::begin(writer.lock().unwrap()); // others wait from here ...
    /// batch.apply(|n: &mut u32, _: &()| *n += 1);
    /// drop(batch.publish()); // ... to here
    /// assert_eq!(*reader.read(), 1);
    /// ```
    // Always inlined, like `try_begin` and `open`: a batch is too large for registers, and copying
    // it costs more than all the rest.
    #[inline(always)]
    pub fn begin(mut owner: W) -> Self
    where
        PtrOf<W>: BufferPtr<Strategy: BlockingStrategy>,
    {
        owner.op_writer_mut().make_way();
        Self::open(owner)
    }

    /// Begins a batch if that needs no waiting, for any strategy.
    ///
    /// To read only, end the batch by [`defer`](Self::defer): dropped, it publishes what earlier
    /// batches deferred.
    ///
    /// # Errors
    ///
    /// Returns the owner, and changes nothing, if a guard is still on the old side of the last
    /// publish.
    ///
    /// # Panics
    ///
    /// See [`OpWriter::write`].
    // Always inlined, like `begin`.
    #[inline(always)]
    pub fn try_begin(mut owner: W) -> Result<Self, W> {
        if owner.op_writer_mut().writer.try_finish() {
            Ok(Self::open(owner))
        } else {
            Err(owner)
        }
    }

    /// Makes the batch return to the last publish when dropped, unless it is ended by
    /// [`publish`](Self::publish) or [`defer`](Self::defer). It is [`OpWriter::transact`] for code
    /// that a closure does not fit.
    pub fn rollback_on_drop(&mut self) {
        self.when_dropped = WhenDropped::Rollback;
    }

    /// Makes the batch [defer](Self::defer) when dropped (also by `?`): nothing is published, and
    /// the next batch goes on from here. If the thread unwinds, the batch is rolled back.
    pub fn defer_on_drop(&mut self) {
        self.when_dropped = WhenDropped::Defer;
    }

    /// Makes the batch [keep](Self::keep) its changes when dropped. If the thread unwinds, the
    /// batch is rolled back.
    pub fn keep_on_drop(&mut self) {
        self.when_dropped = WhenDropped::Keep;
    }

    /// Opens a batch on a writer whose swap is finished.
    #[inline(always)]
    pub(super) fn open(mut owner: W) -> Self {
        let writer = owner.op_writer_mut();
        writer.settle();
        writer.open = true;
        Self {
            owner: Some(owner),
            when_dropped: if panicking() {
                WhenDropped::PublishInDestructor
            } else {
                WhenDropped::Publish
            },
        }
    }

    #[inline]
    fn writer(&self) -> &OpWriter<PtrOf<W>, OpOf<W>> {
        self.owner.as_ref().expect(OWNED).op_writer()
    }

    #[inline]
    fn writer_mut(&mut self) -> &mut OpWriter<PtrOf<W>, OpOf<W>> {
        self.owner.as_mut().expect(OWNED).op_writer_mut()
    }

    /// Returns the writer, for a change.
    #[inline]
    pub(super) fn changing(&mut self) -> &mut OpWriter<PtrOf<W>, OpOf<W>> {
        // The batch may have been moved out of the destructor, and the thread, that made it.
        if self.when_dropped == WhenDropped::PublishInDestructor && !panicking() {
            self.when_dropped = WhenDropped::Publish;
        }
        self.writer_mut()
    }

    #[inline(always)]
    fn end(mut self, ending: Ending) -> (W, bool) {
        // If it unwinds, `drop` finds a batch that has ended.
        let torn = self.writer_mut().end(ending);
        (self.owner.take().expect(OWNED), torn)
    }

    #[inline(always)]
    fn end_whole(self, ending: Ending) -> W {
        let (owner, torn) = self.end(ending);
        assert!(
            !torn,
            "the batch is torn and was rolled back: a change panicked halfway"
        );
        owner
    }

    /// Makes the changes visible and returns the owner. Never waits. A batch without changes
    /// starts no swap; otherwise it costs a [`start_swap`](crate::Writer::start_swap).
    ///
    /// # Panics
    ///
    /// If an earlier change panicked halfway and the panic was caught, or if
    /// [`Operation::seal`](crate::Operation::seal) panics after a part of the back was
    /// [lent](Self::lend): nothing is published and the batch is rolled back.
    #[doc(alias = "flush")]
    #[doc(alias = "refresh")]
    #[inline]
    pub fn publish(self) -> W {
        self.end_whole(Ending::Publish)
    }

    /// Takes the changes back, with deferred ones of earlier batches (but not [kept](Self::keep)
    /// ones), and returns the owner. The next batch begins by undoing them.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_core::OpWriter;
    /// use dbuf_strategies::LockStrategy;
    ///
    /// type Add = fn(&mut u32, &());
    ///
    /// let (writer, reader) = dbuf_core::arc(0, 0, LockStrategy::new());
    /// let mut writer = OpWriter::<_, Add>::new(writer);
    /// let mut batch = writer.write();
    /// batch.apply(|n, _| *n += 1);
    /// batch.rollback();
    /// assert_eq!((*writer.write(), *reader.read()), (0, 0));
    /// ```
    pub fn rollback(self) -> W {
        self.end(Ending::Rollback).0
    }

    /// Ends the batch without publishing and returns the owner. The changes become visible with
    /// the next publish.
    ///
    /// # Panics
    ///
    /// If [`Operation::seal`](crate::Operation::seal) panics after a part of the back was
    /// [lent](Self::lend); the batch is rolled back then.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_core::OpWriter;
    /// use dbuf_strategies::LockStrategy;
    ///
    /// type Add = fn(&mut u32, &());
    ///
    /// let (writer, reader) = dbuf_core::arc(0, 0, LockStrategy::new());
    /// let mut writer = OpWriter::<_, Add>::new(writer);
    /// let mut batch = writer.write();
    /// batch.apply(|n, _| *n += 1);
    /// batch.defer();
    /// assert_eq!(*reader.read(), 0);
    /// writer.publish();
    /// assert_eq!(*reader.read(), 1);
    /// ```
    pub fn defer(self) -> W {
        self.end(Ending::Defer).0
    }

    /// Ends the batch without publishing, and protects its changes from later batches: one that is
    /// rolled back, panics or is forgotten returns to here. For a writer that is shared, where one
    /// user must not lose the changes of another.
    ///
    /// The changes become visible with the next publish. They may be applied again, to a fresh
    /// copy of the published value, if a later batch fails. A batch that was
    /// [modified](Self::modify) is published instead.
    ///
    /// # Panics
    ///
    /// See [`publish`](Self::publish).
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_core::OpWriter;
    /// use dbuf_strategies::LockStrategy;
    ///
    /// let (writer, reader) = dbuf_core::arc(0, 0, LockStrategy::new());
    /// let mut writer = OpWriter::<_, fn(&mut u32, &())>::new(writer);
    /// let mut batch = writer.write();
    /// batch.apply(|n, _| *n += 1);
    /// batch.keep();
    /// let mut batch = writer.write();
    /// batch.apply(|n, _| *n += 10);
    /// batch.rollback();
    /// writer.write().publish();
    /// assert_eq!(*reader.read(), 1);
    /// ```
    #[inline]
    pub fn keep(self) -> W {
        self.end_whole(Ending::Keep)
    }

    /// Returns what readers see, without a guard.
    pub fn published(&self) -> &ValueOf<W> {
        self.writer().front()
    }

    /// Returns the extras.
    pub fn extras(&self) -> &ExtrasOf<W> {
        self.writer().extras()
    }

    /// Returns whether a change panicked halfway, so that the batch can only be rolled back.
    pub fn is_torn(&self) -> bool {
        self.writer().is_torn()
    }
}

/// Returns the back: the published value with this batch's changes.
impl<W: DerefMut<Target: BatchOwner>> Deref for Batch<W> {
    type Target = ValueOf<W>;

    fn deref(&self) -> &ValueOf<W> {
        self.writer().writer.back()
    }
}

impl<W: DerefMut<Target: BatchOwner>> Drop for Batch<W> {
    #[inline]
    fn drop(&mut self) {
        let Some(owner) = &mut self.owner else {
            return;
        };
        let ending = match self.when_dropped {
            WhenDropped::Publish | WhenDropped::Defer | WhenDropped::Keep if panicking() => {
                Ending::Rollback
            }
            WhenDropped::Publish | WhenDropped::PublishInDestructor => Ending::Publish,
            WhenDropped::Defer => Ending::Defer,
            WhenDropped::Keep => Ending::Keep,
            WhenDropped::Rollback => Ending::Rollback,
        };
        owner.op_writer_mut().end(ending);
    }
}

impl<W: DerefMut<Target: BatchOwner>> fmt::Debug for Batch<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").finish_non_exhaustive()
    }
}
