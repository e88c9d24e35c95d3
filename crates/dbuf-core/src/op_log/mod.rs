//! Keeps both copies equal: every change is logged, and replayed on the other copy once readers
//! have left it (design.md, section 8).
//!
//! # The states
//!
//! ```text
//!              write + op               publish               next write
//!  Settled ───────────────▶ Unpublished ────────▶ Published ─────────────▶ Settled
//!                            │       ▲  ▲                      (replay)
//!                       lend │  seal │  │
//!                            ▼       │  │
//!                           Lent ────┘  └─────────── Settled or, with kept changes,
//!                                                    Unpublished
//!  rollback, forgotten batch:                           ▲            ▲
//!     Unpublished, Lent ─────────────────▶ Abandoned ───┘ restore    │
//!                                              │ cannot              │
//!     Modified, any change that panicked ──▶ Torn ───────────────────┘ resync
//! ```
//!
//! | state | what the back is | the next batch begins with | an open batch |
//! |---|---|---|---|
//! | Settled | the front | nothing | may change |
//! | Unpublished | the front and the log | nothing | may change |
//! | Lent | the same, and changes to lent parts | (ends with the batch) | may change |
//! | Modified | the front, and changes that the log does not have | nothing | may change |
//! | Published | behind the front by the log | a replay | (none is open) |
//! | Abandoned | the front, and changes that the log and the lent parts name | a restore | is torn |
//! | Torn | not trusted | a resync | is torn |
//!
//! There are two more facts.
//!
//! * `open`: a batch began and has not ended. It implies that the swap is finished. If a
//!   batch begins on an open writer, the one before was forgotten, and its changes are given up.
//! * `kept`: this many entries at the front of the log survive when changes are given
//!   up. Entries are joined and dropped behind them only. It is 0 in Settled and
//!   Published, where no change is pending.
//!
//! **Lent.** The user changes a lent part after the call that lent it, so it cannot be logged
//! there. The back marks the part, and [`Operation::seal`] logs it once, in the call that ends the
//! batch. If that panics, the batch is abandoned and the caller that ended it gets the panic.
//!
//! **Giving up.** A rollback changes nothing but the state: it may run in a destructor while the
//! thread unwinds, and undoing runs user code, whose panic would end the process. So the next
//! batch begins with it. [`Operation::restore`] copies what the log and the lent parts name from
//! the front, and makes kept changes of them again. Where it cannot, or where it panics, a resync
//! follows.
//!
//! **Set aside.** [`OpWriter::set_aside`] exchanges the back of an unfinished swap for the spare
//! side with a clone of the front in it. That is Settled: it has all that was published, so the
//! log is dropped, and a side that was set aside is never replayed. No change is pending then,
//! because changes are made on a finished back only.
//!
//! **Torn** is set before any user code runs on the back, and left when it has returned. Only
//! while user code holds nothing but a lent part is it Abandoned instead.

mod batch;
mod operation;
mod spare;
mod state;

use alloc::vec::Vec;
use core::fmt;
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::task::{Context, Poll, ready};

use spare::Aside;
use state::State;

use crate::error::Torn;
use crate::pointer::BufferPtr;
use crate::reader::Reader;
use crate::straggler::OnStraggler;
use crate::strategy::BlockingStrategy;
use crate::writer::Writer;

pub use batch::{Batch, BatchOwner};
pub use operation::Operation;

/// A [`Writer`] that keeps both copies equal.
///
/// **A clone has to be a copy.** A derived `Clone` over an `Rc`, an `Arc` or a pointer to an
/// `UnsafeCell` shares the target. So every change of the target reaches it twice, and readers see
/// it before it is published. For such a type, use [`without_clone`](Self::without_clone).
///
/// Changes are made in [batches](Batch): applied to the back at once, logged, published together,
/// and replayed on the other copy at the start of the next batch, when its readers have normally
/// left. Each operation reaches each copy exactly once.
///
/// If a batch is rolled back or forgotten, or user code panics while it changes the back, the
/// writer returns to the last publish at the start of the next batch: by [`Operation::restore`],
/// which costs what the changes cost, or by a resync (`back.clone_from(front)`). A new `OpWriter`
/// starts with a resync, so the two values need not be equal at first.
///
/// Between batches the log keeps at most 256 KiB of memory for its entries, and what they own only
/// until they are replayed.
///
/// Dropping it drops what was [deferred](Batch::defer) and not published.
///
/// # Examples
///
/// ```
/// use dbuf_core::OpWriter;
/// use dbuf_strategies::LockStrategy;
///
/// type Op = Box<dyn FnMut(&mut Vec<u32>, &())>;
///
/// let (writer, reader) = dbuf_core::arc(vec![], vec![], LockStrategy::new());
/// let mut writer = OpWriter::<_, Op>::new(writer);
/// let mut batch = writer.write();
/// batch.apply(Box::new(|list, _| list.push(1)));
/// batch.apply(Box::new(|list, _| list.push(2)));
/// assert!(reader.read().is_empty());
/// batch.publish();
/// assert_eq!(*reader.read(), [1, 2]);
/// ```
pub struct OpWriter<P: BufferPtr, O> {
    writer: Writer<P>,
    log: Vec<O>,
    /// This many entries at the front of the log are changes that were [kept](Batch::keep), which
    /// no rollback takes back.
    kept: usize,
    state: State,
    /// A batch began and has not ended.
    open: bool,
    /// The spare side holds a value.
    aside: Option<Aside>,
    on_straggler: OnStraggler,
    /// How the value is cloned, if it may be.
    copies: Option<Copies<P::Value>>,
}

/// The two functions of `Clone`.
struct Copies<T> {
    clone: fn(&T) -> T,
    clone_from: fn(&mut T, &T),
}

impl<T: Clone> Copies<T> {
    fn new() -> Self {
        Self {
            clone: T::clone,
            clone_from: T::clone_from,
        }
    }
}

/// An empty log keeps at most this much memory, in bytes: enough that the batches of most programs
/// allocate nothing, and little compared with a map.
const KEPT_BYTES: usize = 256 << 10;

/// Frees what the log does not need.
#[inline]
fn trim<O>(log: &mut Vec<O>) {
    let kept = KEPT_BYTES / size_of::<O>().max(1);
    if log.capacity() > kept {
        log.shrink_to(kept);
    }
}

/// What [`OpWriter::publish`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Published {
    /// Changes were pending, and readers see them now.
    Now,
    /// No change was pending.
    Nothing,
    /// Nothing was published, because a batch failed: it was forgotten, rolled back, or one of its
    /// changes panicked.
    ///
    /// The call that finds a forgotten batch gives up its changes, and those that were
    /// [deferred](Batch::defer) before it. Changes that were [kept](Batch::keep) before a failed
    /// batch are still pending ([`OpWriter::has_pending`]), and this is the result until the next
    /// batch has made them again and publishes them. If none were kept, the result after a
    /// rollback is [`Nothing`](Self::Nothing).
    RolledBack,
}

impl Published {
    /// Returns whether readers see changes that they did not see before.
    pub fn is_published(self) -> bool {
        self == Self::Now
    }
}

impl<P: BufferPtr, O: Operation<P::Value, P::Extras>> OpWriter<P, O> {
    /// Makes a writer with a log. Copies nothing and waits for nothing before the first batch.
    pub fn new(writer: Writer<P>) -> Self
    where
        P::Value: Clone,
    {
        Self::start(writer, State::Torn, Some(Copies::new()))
    }

    /// Makes a writer with a log over two values that are already equal, and that are never
    /// cloned: for values without `Clone` (a `oneshot::Sender`, a `dyn` trait object), or whose
    /// `Clone` shares.
    ///
    /// Such a writer cannot resync a torn back. The next batch finds the back torn after a change
    /// or a replay panicked, and after changes were taken back that [`Operation::restore`] does
    /// not undo (by a rollback, an `Err` of [`transact`](Self::transact), or a forgotten batch).
    /// It panics then, and [`recover`](Self::recover) returns [`Torn`]. Readers still see the last
    /// publish; [`into_writer`](Self::into_writer) gives access to both values, to rebuild the
    /// back.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_core::{OpWriter, Torn};
    /// use dbuf_strategies::LockStrategy;
    ///
    /// #[derive(Default)]
    /// struct Log(Vec<Box<dyn Fn() -> u32 + Send + Sync>>); // not `Clone`
    ///
    /// type Add = fn(&mut Log, &());
    ///
    /// let (writer, reader) = dbuf_core::arc(Log::default(), Log::default(), LockStrategy::new());
    /// let mut writer = OpWriter::<_, Add>::without_clone(writer);
    /// writer.write().apply(|log, _| log.0.push(Box::new(|| 7)));
    /// assert_eq!(reader.read().0[0](), 7);
    /// assert_eq!(writer.write().0[0](), 7); // in the other copy by the same operation
    ///
    /// let mut batch = writer.write();
    /// batch.apply(|log, _| log.0.clear());
    /// batch.rollback(); // nothing can undo that
    /// assert_eq!(writer.recover(), Err(Torn));
    /// assert_eq!(reader.read().0.len(), 1);
    ///
    /// let mut writer = writer.into_writer();
    /// writer.back_mut().0.push(Box::new(|| 7)); // as the front has it
    /// let mut writer = OpWriter::<_, Add>::without_clone(writer);
    /// writer.write().apply(|log, _| log.0.clear());
    /// assert!(reader.read().0.is_empty());
    /// ```
    pub fn without_clone(writer: Writer<P>) -> Self {
        Self::start(writer, State::Settled, None)
    }

    fn start(writer: Writer<P>, state: State, copies: Option<Copies<P::Value>>) -> Self {
        Self {
            aside: writer.has_spare().then(Aside::now),
            writer,
            log: Vec::new(),
            kept: 0,
            state,
            open: false,
            on_straggler: OnStraggler::Wait,
            copies,
        }
    }

    /// Undoes what was taken back, if the operation can, for a writer that [has no
    /// clone](Self::without_clone). Never waits. A writer that can clone always recovers, at the
    /// start of the next batch.
    ///
    /// # Errors
    ///
    /// Returns [`Torn`] if the next batch would panic.
    ///
    /// # Panics
    ///
    /// If [`Operation::restore`] panics. The back is torn then.
    pub fn recover(&mut self) -> Result<(), Torn> {
        self.close_forgotten();
        let recovered = self.copies.is_some()
            || match self.state {
                // The batch that was given up began with a finished swap.
                State::Abandoned => self.restore(),
                state => state != State::Torn,
            };
        if recovered { Ok(()) } else { Err(Torn) }
    }

    /// Begins a batch if that needs no waiting. Returns `None`, and changes nothing, while a guard
    /// is still on the old side of the last publish.
    ///
    /// To read without publishing what earlier batches deferred, end it by [`Batch::defer`].
    ///
    /// # Panics
    ///
    /// If a replayed operation or the value's `clone_from` panics; the next batch starts from the
    /// last publish. If the writer [has no clone](Self::without_clone) and would need one.
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
    /// let guard = reader.read();
    /// writer.try_write().unwrap().apply(|n, _| *n += 1); // published as it is dropped
    /// assert!(writer.try_write().is_none()); // `guard` is on the back
    /// assert_eq!((*guard, *reader.read()), (0, 1));
    /// ```
    pub fn try_write(&mut self) -> Option<Batch<&mut Self>> {
        Batch::try_begin(self).ok()
    }

    /// Begins a batch, or registers the task to be woken when another poll is worthwhile.
    ///
    /// # Panics
    ///
    /// See [`try_write`](Self::try_write).
    pub fn poll_write<'w>(&'w mut self, cx: &mut Context<'_>) -> Poll<Batch<&'w mut Self>> {
        ready!(self.writer.poll_finish(cx));
        Poll::Ready(Batch::open(self))
    }

    /// Checks whether the next batch could begin now. See [`Writer::try_finish`].
    #[inline]
    pub fn try_finish(&mut self) -> bool {
        self.writer.try_finish()
    }

    /// Does what [`try_finish`](Self::try_finish) does, and registers the task. See
    /// [`Writer::poll_finish`].
    pub fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.writer.poll_finish(cx)
    }

    /// Publishes what was deferred. Never waits. If the log is empty, it starts no swap.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_core::{OpWriter, Published};
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
    /// assert_eq!(writer.publish(), Published::Now);
    /// assert_eq!(writer.publish(), Published::Nothing);
    /// assert_eq!(*reader.read(), 1);
    /// ```
    #[doc(alias = "flush")]
    #[doc(alias = "refresh")]
    pub fn publish(&mut self) -> Published {
        let given_up = self.close_forgotten();
        if self.publish_pending() {
            Published::Now
        } else if given_up || self.kept > 0 {
            Published::RolledBack
        } else {
            Published::Nothing
        }
    }

    /// Replays the last publish now, if no guard is on the back, and returns the panic of user
    /// code instead of resuming it.
    ///
    /// A replay runs the operations of the last batch, so a panic in it is the fault of that
    /// batch. Without this call, the writer that begins the next batch gets the panic.
    /// `Ok(false)`: a guard is still on the old side of the last publish, and nothing changed.
    ///
    /// # Errors
    ///
    /// Returns the panic of a replayed operation or of the value's `clone_from`. The next batch,
    /// or the next call of this, starts with a resync: nothing that was published or
    /// [kept](Batch::keep) is lost.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_core::{OpWriter, Operation};
    /// use dbuf_strategies::LockStrategy;
    ///
    /// struct AddOnce(u32);
    /// impl Operation<u32> for AddOnce {
    ///     fn apply(&mut self, n: &mut u32, _: &()) {
    ///         *n += self.0;
    ///     }
    ///     fn apply_once(self, _: &mut u32, _: &()) {
    ///         panic!("not a second time");
    ///     }
    /// }
    ///
    /// let (writer, _reader) = dbuf_core::arc(0, 0, LockStrategy::new());
    /// let mut writer = OpWriter::new(writer);
    /// writer.write().apply(AddOnce(1));
    /// let payload = writer.try_catch_up().unwrap_err();
    /// assert_eq!(payload.downcast_ref(), Some(&"not a second time"));
    /// assert!(writer.try_catch_up().unwrap());
    /// assert_eq!(*writer.write(), 1);
    /// ```
    #[cfg(feature = "std")]
    pub fn try_catch_up(&mut self) -> std::thread::Result<bool> {
        if !self.writer.try_finish() {
            return Ok(false);
        }
        // The state says what to do after an unwind.
        std::panic::catch_unwind(core::panic::AssertUnwindSafe(|| self.settle())).map(|()| true)
    }
}

/// Getters.
impl<P: BufferPtr, O> OpWriter<P, O> {
    /// Returns whether there are changes that readers cannot see yet, and that the next batch goes
    /// on with.
    pub fn has_pending(&self) -> bool {
        let deferred = !self.open && matches!(self.state, State::Unpublished | State::Modified);
        deferred || self.kept > 0
    }

    /// Returns how many logged changes readers cannot see yet.
    pub fn pending(&self) -> usize {
        match self.state {
            State::Settled | State::Published => 0,
            State::Unpublished => self.log.len(),
            State::Lent | State::Modified | State::Abandoned | State::Torn => self.kept,
        }
    }

    /// Returns what readers see.
    pub fn front(&self) -> &P::Value {
        self.writer.front()
    }

    /// Returns the extras.
    pub fn extras(&self) -> &P::Extras {
        self.writer.extras()
    }

    /// Makes another reader. See [`Reader::new`].
    pub fn reader(&self) -> Reader<P> {
        self.writer.reader()
    }

    /// Returns how many guards or readers the last publish still waits for. See
    /// [`Writer::stragglers`].
    pub fn stragglers(&self) -> usize {
        self.writer.stragglers()
    }

    /// Returns the writer underneath.
    pub fn as_writer(&self) -> &Writer<P> {
        &self.writer
    }

    /// Returns the writer underneath. Deferred changes are lost with the log, but its back may
    /// have them.
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
    /// writer.write().apply(|n, _| *n += 1);
    /// let mut writer = writer.into_writer();
    /// writer.store(7);
    /// assert_eq!(*reader.read(), 7);
    /// ```
    pub fn into_writer(self) -> Writer<P> {
        self.writer
    }
}

impl<P: BufferPtr<Strategy: BlockingStrategy>, O: Operation<P::Value, P::Extras>> OpWriter<P, O> {
    /// Begins a batch, or goes on with a deferred one. Waits for guards on the old side of the
    /// last publish (see [`Writer::finish`]), then replays the log. After a batch that was rolled
    /// back, it undoes what that batch changed; after one that was [modified](Batch::modify), it
    /// clones the whole value.
    ///
    /// # Panics
    ///
    /// If a replayed operation or the value's `clone_from` panics; the next batch starts from the
    /// last publish. If this thread's own guard is on the back and the spare side [may not be
    /// used](OnStraggler) or is not free (see [`Writer::finish`]).
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
    /// batch.apply(|n, _| *n *= 10);
    /// assert_eq!((*batch, *reader.read()), (10, 0));
    /// batch.publish();
    /// assert_eq!(*reader.read(), 10);
    /// ```
    #[inline]
    pub fn write(&mut self) -> Batch<&mut Self> {
        Batch::begin(self)
    }

    /// Replays the last publish now instead of at the next batch. Waits as [`write`](Self::write)
    /// does.
    ///
    /// # Panics
    ///
    /// See [`write`](Self::write).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use dbuf_core::OpWriter;
    /// use dbuf_strategies::LockStrategy;
    ///
    /// type Clear = fn(&mut Vec<Arc<u32>>, &());
    ///
    /// let value = Arc::new(1);
    /// let list = vec![Arc::clone(&value)];
    /// let (writer, _reader) = dbuf_core::arc(list, vec![], LockStrategy::new());
    /// let mut writer = OpWriter::<_, Clear>::new(writer);
    /// writer.write().apply(|list, _| list.clear());
    /// assert_eq!(Arc::strong_count(&value), 2); // in the copy that is behind
    /// writer.catch_up();
    /// assert_eq!(Arc::strong_count(&value), 1);
    /// ```
    pub fn catch_up(&mut self) {
        self.make_way();
        self.settle();
    }

    /// Publishes if `f` returns `Ok`. Returns to the last publish if it returns `Err` or panics,
    /// and gives up deferred changes too.
    ///
    /// # Errors
    ///
    /// Returns the error of `f`.
    ///
    /// # Panics
    ///
    /// See [`write`](Self::write); or if `f` panics.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_core::OpWriter;
    /// use dbuf_strategies::LockStrategy;
    ///
    /// let (writer, reader) = dbuf_core::arc(1_i32, 1, LockStrategy::new());
    /// let mut writer = OpWriter::new(writer);
    /// let refused = writer.transact(|batch| {
    ///     batch.apply(|n: &mut i32, _: &()| *n -= 2);
    ///     if **batch < 0 { Err("overdrawn") } else { Ok(()) }
    /// });
    /// assert_eq!(refused, Err("overdrawn"));
    /// assert_eq!(*reader.read(), 1);
    /// ```
    pub fn transact<R, E>(
        &mut self,
        f: impl FnOnce(&mut Batch<&mut Self>) -> Result<R, E>,
    ) -> Result<R, E> {
        let mut batch = self.write();
        batch.rollback_on_drop();
        let result = f(&mut batch)?;
        batch.publish();
        Ok(result)
    }
}

// A change that panicked is taken back before a reader sees it, so only the value's own cells can
// be seen half-changed.
impl<P: BufferPtr<Value: RefUnwindSafe, Extras: RefUnwindSafe>, O> UnwindSafe for OpWriter<P, O> {}
impl<P: BufferPtr<Value: RefUnwindSafe, Extras: RefUnwindSafe>, O> RefUnwindSafe
    for OpWriter<P, O>
{
}

impl<P: BufferPtr, O> fmt::Debug for OpWriter<P, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpWriter")
            .field("writer", &self.writer)
            .field("log", &self.log.len())
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}
