//! Both copies equal: every change is logged, and replayed on the other copy
//! once readers have left it.
//!
//! ```text
//!              write + op                publish              next write
//!  Settled ───────────────▶ Unpublished ─────────▶ Published ────────────▶ Settled
//!     ▲                        │                       │      (replay)
//!     │                        │ rollback, panic,      │ panic in replay
//!     │        resync          ▼ forgotten batch       ▼
//!     └───────────────────── Torn ◀────────────────────┘
//! ```

mod batch;
mod operation;

use alloc::vec::Vec;
use core::fmt;
use core::task::{Context, Poll, ready};

use crate::writer::Parts;
use crate::{BlockingStrategy, BufferPtr, Reader, Writer};

use batch::Ending;
pub use batch::{Batch, BatchOwner};
pub use operation::Operation;

/// What the back is, seen from the front.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Equal. The log is empty.
    Settled,
    /// The front and the changes of the log.
    Unpublished,
    /// The front and changes of which the log does not know all.
    Modified,
    /// Owes the changes of the log; the last swap may be unfinished.
    Published,
    /// Unknown: user code unwound halfway, or a batch was rolled back or never
    /// ended. Of the log only what was kept is of use.
    Torn,
}

/// A [`Writer`] that keeps both copies equal.
///
/// Changes are made in [batches](Batch): applied to the back at once, logged,
/// published as a whole, and replayed on the other copy at the start of the next
/// batch, when its readers have normally left. Each operation reaches each copy
/// exactly once.
///
/// If user code panics while it changes the back, or a batch is rolled back or
/// forgotten, the writer returns to the last publish by one
/// `back.clone_from(front)` at the start of the next batch. The same resync
/// starts every `OpWriter`, so the two values need not be equal at first.
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
    /// So many entries at the front of the log stand for changes that were
    /// [kept](Batch::keep): giving up a batch does not take them back. Not more
    /// than there are, and none in Settled and Published.
    kept: usize,
    state: State,
    /// A batch began and has not ended.
    open: bool,
}

/// Below this many entries the log keeps its memory for ever.
const KEPT: usize = 1024;

impl<P: BufferPtr<T: Clone>, O: Operation<P::T, P::X>> OpWriter<P, O> {
    /// Starts a log. Nothing is copied or waited for before the first batch.
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
    /// assert_eq!(*reader.read(), 1);
    /// ```
    pub fn new(writer: Writer<P>) -> Self {
        Self {
            writer,
            log: Vec::new(),
            kept: 0,
            state: State::Torn,
            open: false,
        }
    }

    /// Begins a batch if that needs no waiting: `None` while a guard is still on
    /// the old side of the last publish. Nothing changed then.
    ///
    /// To look without publishing what earlier batches deferred, end it by
    /// [`Batch::defer`].
    ///
    /// # Panics
    ///
    /// If a replayed operation or the value's `clone_from` panics; the next
    /// batch starts from the last publish.
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
    /// assert!(writer.try_write().is_none()); // `guard` looks at the copy that comes next
    /// assert_eq!((*guard, *reader.read()), (0, 1));
    /// ```
    pub fn try_write(&mut self) -> Option<Batch<&mut Self>> {
        Batch::try_begin(self).ok()
    }

    /// Begins a batch, or registers the task to be woken when it is worth asking
    /// again.
    ///
    /// # Panics
    ///
    /// As [`try_write`](Self::try_write).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::task::{Context, Waker};
    ///
    /// use dbuf_core::OpWriter;
    /// use dbuf_strategies::LockStrategy;
    ///
    /// type Add = fn(&mut u32, &());
    ///
    /// let (writer, reader) = dbuf_core::arc(0, 0, LockStrategy::new());
    /// let mut writer = OpWriter::<_, Add>::new(writer);
    /// let guard = reader.read();
    /// writer.write().apply(|n, _| *n += 1);
    /// let mut cx = Context::from_waker(Waker::noop()); // an executor has a better one
    /// assert!(writer.poll_write(&mut cx).is_pending());
    /// drop(guard);
    /// assert!(writer.poll_write(&mut cx).is_ready());
    /// ```
    pub fn poll_write<'w>(&'w mut self, cx: &mut Context<'_>) -> Poll<Batch<&'w mut Self>> {
        ready!(self.writer.poll_finish(cx));
        Poll::Ready(Batch::open(self))
    }

    /// Looks whether the next batch could begin now; as [`Writer::try_finish`].
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
    /// writer.write().apply(|n, _| *n += 1);
    /// assert!(!writer.try_finish());
    /// drop(guard);
    /// assert!(writer.try_finish());
    /// ```
    #[inline]
    pub fn try_finish(&mut self) -> bool {
        self.writer.try_finish()
    }

    /// As [`try_finish`](Self::try_finish), and wakes the task when it is worth
    /// asking again; as [`Writer::poll_finish`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::task::{Context, Waker};
    ///
    /// use dbuf_core::OpWriter;
    /// use dbuf_strategies::LockStrategy;
    ///
    /// type Add = fn(&mut u32, &());
    ///
    /// let (writer, reader) = dbuf_core::arc(0, 0, LockStrategy::new());
    /// let mut writer = OpWriter::<_, Add>::new(writer);
    /// let guard = reader.read();
    /// writer.write().apply(|n, _| *n += 1);
    /// let mut cx = Context::from_waker(Waker::noop());
    /// assert!(writer.poll_finish(&mut cx).is_pending());
    /// drop(guard);
    /// assert!(writer.poll_finish(&mut cx).is_ready());
    /// ```
    pub fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.writer.poll_finish(cx)
    }

    /// Publishes what was deferred. Never waits. Whether there was anything: an
    /// empty log swaps nothing.
    ///
    /// After a batch that was forgotten or torn it publishes nothing and rolls
    /// back; what was [kept](Batch::keep) before it waits for the next batch.
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
    /// assert!(writer.publish());
    /// assert!(!writer.publish());
    /// assert_eq!(*reader.read(), 1);
    /// ```
    pub fn publish(&mut self) -> bool {
        self.close_forgotten();
        self.publish_pending()
    }

    /// A batch that was forgotten is one that failed.
    fn close_forgotten(&mut self) {
        if self.open {
            self.open = false;
            self.abandon();
        }
    }

    /// Makes the back equal to the front, or to the front and what is deferred.
    /// The swap must be finished.
    #[inline(never)]
    fn settle(&mut self) {
        self.close_forgotten();
        if self.state == State::Published {
            self.replay();
        }
        if self.state == State::Torn {
            self.resync();
        }
    }

    fn replay(&mut self) {
        // Until all is done: whatever unwinds below leaves a resync behind.
        self.state = State::Torn;
        let used = self.log.len();
        let Parts { back, extras, .. } = finished(&mut self.writer);
        // Unwinding drops the operations that are left; one whose destructor
        // panics as well ends the process, as in any collection.
        for op in self.log.drain(..) {
            op.apply_once(back, extras);
        }
        self.state = State::Settled;
        if self.log.capacity() > KEPT && self.log.capacity() / 4 > used {
            self.log.shrink_to(used.max(KEPT));
        }
    }

    /// Back to the last publish, and what was kept once more: the copy on which
    /// it was made is gone. Torn until all is done, so that nothing kept is lost
    /// if user code unwinds here.
    fn resync(&mut self) {
        let Parts {
            front,
            back,
            extras,
        } = finished(&mut self.writer);
        for op in self.log.drain(self.kept..) {
            op.discard(back, extras);
        }
        back.clone_from(front);
        for op in &mut self.log {
            op.apply(back, extras);
        }
        self.state = match self.kept {
            0 => State::Settled,
            _ => State::Unpublished,
        };
    }

    /// Runs user code on the back. The batch is torn unless it returns.
    #[inline]
    fn change<R>(
        &mut self,
        f: impl FnOnce(&mut P::T, &P::X, &mut Vec<O>) -> (R, Option<State>),
    ) -> R {
        let before = self.open_state();
        self.state = State::Torn;
        let Parts { back, extras, .. } = finished(&mut self.writer);
        let (result, after) = f(back, extras, &mut self.log);
        self.state = match (before, after) {
            (State::Modified, _) | (_, None) => before,
            (_, Some(after)) => after,
        };
        result
    }

    /// The state of an open batch that may go on.
    #[inline]
    fn open_state(&self) -> State {
        assert!(
            self.open,
            "no batch is open on this writer: the owner of a batch must always \
             dereference to the same writer"
        );
        assert!(
            self.state != State::Torn,
            "the batch is torn: an earlier change panicked halfway"
        );
        self.state
    }

    /// Publishes, without waiting. Whether there was anything to publish.
    fn publish_pending(&mut self) -> bool {
        let next = match self.state {
            State::Unpublished => State::Published,
            // The log knows only part of it: the other copy catches up by resync.
            State::Modified => State::Torn,
            State::Settled | State::Published | State::Torn => return false,
        };
        // A strategy may run user code (wakers) once it has flipped: if that
        // unwinds, a resync from the new front is right, and nothing is kept that
        // it does not have.
        self.state = State::Torn;
        self.kept = 0;
        let started = self.writer.start_swap();
        debug_assert!(started, "unpublished changes stand on a finished back");
        self.state = next;
        true
    }

    /// Gives up what is unpublished and not kept. The log drops it with the resync:
    /// destructors are user code, and may want more than to be run here, perhaps while
    /// the thread unwinds.
    fn abandon(&mut self) {
        let untouched = match self.state {
            State::Settled => true,
            State::Unpublished => self.log.len() == self.kept,
            State::Modified | State::Published | State::Torn => false,
        };
        if !untouched {
            self.state = State::Torn;
        }
    }

    /// Ends the open batch. Whether it was torn.
    #[inline]
    fn end(&mut self, ending: Ending) -> bool {
        if !self.open {
            return false;
        }
        self.open = false;
        let torn = self.state == State::Torn;
        match ending {
            Ending::Publish if !torn => {
                self.publish_pending();
            }
            Ending::Keep if self.state == State::Unpublished => self.kept = self.log.len(),
            // The log does not know all of it, so it could not be made again.
            Ending::Keep if self.state == State::Modified => {
                self.publish_pending();
            }
            Ending::Publish | Ending::Rollback => self.abandon(),
            Ending::Keep | Ending::Defer => {}
        }
        torn
    }
}

/// What can be seen from outside.
impl<P: BufferPtr, O> OpWriter<P, O> {
    /// Whether there are changes that readers cannot see yet, and that the next
    /// batch goes on with.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_core::OpWriter;
    /// use dbuf_strategies::LockStrategy;
    ///
    /// type Add = fn(&mut u32, &());
    ///
    /// let (writer, _reader) = dbuf_core::arc(0, 0, LockStrategy::new());
    /// let mut writer = OpWriter::<_, Add>::new(writer);
    /// let mut batch = writer.write();
    /// batch.apply(|n, _| *n += 1);
    /// batch.defer();
    /// assert!(writer.has_pending());
    /// writer.publish();
    /// assert!(!writer.has_pending());
    /// ```
    pub fn has_pending(&self) -> bool {
        let whole = !self.open && matches!(self.state, State::Unpublished | State::Modified);
        whole || self.kept > 0
    }

    /// How many logged changes readers cannot see yet.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_core::OpWriter;
    /// use dbuf_strategies::LockStrategy;
    ///
    /// type Add = fn(&mut u32, &());
    ///
    /// let (writer, _reader) = dbuf_core::arc(0, 0, LockStrategy::new());
    /// let mut writer = OpWriter::<_, Add>::new(writer);
    /// let mut batch = writer.write();
    /// batch.apply(|n, _| *n += 1);
    /// batch.defer();
    /// assert_eq!(writer.pending(), 1);
    /// ```
    pub fn pending(&self) -> usize {
        match self.state {
            State::Unpublished => self.log.len(),
            State::Modified | State::Torn => self.kept,
            State::Settled | State::Published => 0,
        }
    }

    /// What readers see.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_core::OpWriter;
    /// use dbuf_strategies::LockStrategy;
    ///
    /// type Add = fn(&mut u32, &());
    ///
    /// let (writer, _reader) = dbuf_core::arc(0, 0, LockStrategy::new());
    /// let mut writer = OpWriter::<_, Add>::new(writer);
    /// let mut batch = writer.write();
    /// batch.apply(|n, _| *n += 1);
    /// batch.defer();
    /// assert_eq!(*writer.front(), 0);
    /// writer.publish();
    /// assert_eq!(*writer.front(), 1);
    /// ```
    pub fn front(&self) -> &P::T {
        self.writer.front()
    }

    /// The extras.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_core::{DoubleBuffer, OpWriter, Writer};
    /// use dbuf_strategies::LockStrategy;
    ///
    /// type Add = fn(&mut u32, &u32);
    ///
    /// let buffer = DoubleBuffer::with_extras(0, 0, LockStrategy::new(), 10);
    /// let mut writer = OpWriter::<_, Add>::new(Writer::claim(&buffer).unwrap());
    /// writer.write().apply(|n, step| *n += step);
    /// assert_eq!((*writer.extras(), *writer.front()), (10, 10));
    /// ```
    pub fn extras(&self) -> &P::X {
        self.writer.extras()
    }

    /// A new reader; as [`Reader::new`].
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_core::OpWriter;
    /// use dbuf_strategies::LockStrategy;
    ///
    /// type Add = fn(&mut u32, &());
    ///
    /// let (writer, _reader) = dbuf_core::arc(0, 0, LockStrategy::new());
    /// let mut writer = OpWriter::<_, Add>::new(writer);
    /// writer.write().apply(|n, _| *n += 1);
    /// assert_eq!(*writer.reader().read(), 1);
    /// ```
    pub fn reader(&self) -> Reader<P> {
        self.writer.reader()
    }

    /// How many the last publish still waits for; see [`Writer::stragglers`].
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
    /// writer.write().apply(|n, _| *n += 1);
    /// assert_eq!(writer.stragglers(), 1);
    /// drop(guard);
    /// assert!(writer.try_finish());
    /// assert_eq!(writer.stragglers(), 0);
    /// ```
    pub fn stragglers(&self) -> usize {
        self.writer.stragglers()
    }

    /// The writer underneath, for looking.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_core::OpWriter;
    /// use dbuf_strategies::LockStrategy;
    ///
    /// type Add = fn(&mut u32, &());
    ///
    /// let (writer, _reader) = dbuf_core::arc(0, 0, LockStrategy::new());
    /// let mut writer = OpWriter::<_, Add>::new(writer);
    /// writer.write().apply(|n, _| *n += 1);
    /// assert_eq!(writer.as_writer().version(), 1);
    /// ```
    pub fn as_writer(&self) -> &Writer<P> {
        &self.writer
    }

    /// The writer underneath. Deferred changes are lost with the log, but may
    /// stand in its back.
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

/// Both sides, for a caller that has seen the swap finished.
fn finished<P: BufferPtr>(writer: &mut Writer<P>) -> Parts<'_, P::T, P::X> {
    match writer.try_parts() {
        Some(parts) => parts,
        None => unreachable!("finished is latched (S5), and an open batch starts no swap"),
    }
}

impl<P: BufferPtr<T: Clone, S: BlockingStrategy>, O: Operation<P::T, P::X>> OpWriter<P, O> {
    /// Begins a batch, or goes on with a deferred one. Waits for guards on the
    /// old side of the last publish (see [`Writer::finish`]), then replays the
    /// log: each operation of that publish once, or one `clone_from` after a batch
    /// that was rolled back or modified.
    ///
    /// # Panics
    ///
    /// If a replayed operation or the value's `clone_from` panics; the next
    /// batch starts from the last publish.
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

    /// Replays the last publish now instead of at the next batch. Waits as
    /// [`write`](Self::write) does.
    ///
    /// # Panics
    ///
    /// As [`write`](Self::write).
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
        self.writer.finish();
        self.settle();
    }

    /// All or nothing: publishes if `f` returns `Ok`; returns to the last
    /// publish if it returns `Err` or panics, deferred changes included.
    ///
    /// # Errors
    ///
    /// What `f` returned.
    ///
    /// # Panics
    ///
    /// As [`write`](Self::write), and with `f`.
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

impl<P: BufferPtr, O> fmt::Debug for OpWriter<P, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpWriter")
            .field("writer", &self.writer)
            .field("log", &self.log.len())
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}
