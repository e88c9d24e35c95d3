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
mod begin;
mod change;
mod operation;
mod owner;
mod spare;
mod state;

use alloc::vec::Vec;
use core::fmt;
use core::panic::{RefUnwindSafe, UnwindSafe};

use spare::Aside;
use state::State;

use crate::pointer::BufferPtr;
use crate::reader::Reader;
use crate::straggler::OnStraggler;
use crate::writer::Writer;

pub use batch::Batch;
pub use operation::Operation;
pub use owner::BatchOwner;

/// A [`Writer`] that keeps both copies equal.
///
/// **A clone has to be a copy.** A derived `Clone` over an `Rc`, an `Arc` or a pointer to an
/// `UnsafeCell` shares the target. So every change of the target reaches it twice, and readers see
/// it before it is published. For such a type, use [`without_clone`](Self::without_clone).
///
/// Changes are made in [batches](Batch): applied to the back at once, logged, published together,
/// and replayed on the other copy at the start of the next batch, when normally no reader uses it
/// any more. Each operation reaches each copy exactly once.
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
    /// or a replay panicked, and after changes were taken back that [`Operation::restore`] does not
    /// undo (by a rollback, an `Err` of [`transact`](Self::transact), or a forgotten batch). It
    /// panics then, and [`recover`](Self::recover) returns [`Torn`](crate::Torn). Readers still see
    /// the last publish; [`into_writer`](Self::into_writer) gives access to both values, to rebuild
    /// the back.
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
