use core::task::{Context, Poll};

use crate::side::Side;

/// How the writer learns that no reader uses the side that it wants.
///
/// A strategy holds the state of one double buffer and none of its data: which side is the front,
/// which guards are on which side, whether the last swap is finished, and which waker to call when
/// it is. [`DoubleBuffer`](crate::DoubleBuffer) owns the data, and its handles are the only
/// callers.
///
/// The shape (a small unsafe trait below one generic safe wrapper) follows `lock_api`.
///
/// # How a swap goes
///
/// ```text
///             try_claim_writer           start_swap               try_finish / poll_finish
/// unclaimed ───────────────────▶ finished ───────────▶ unfinished ─────────────────────▶ finished
///     ▲                             │                      │       the last straggler left
///     └───── release_writer ────────┴──────────────────────┘
/// ```
///
/// A swap is *started* by exchanging front and back; from then on new guards are on the new front.
/// It is *finished* once every guard on the old side is gone. If a claim ends between the two, the
/// next claim finds the swap unfinished and goes on with it.
///
/// # The spare side
///
/// A buffer has a third side, which is *spare*: neither the front nor the back. While a swap is
/// unfinished, the writer may exchange the back for the spare side
/// ([`set_aside`](Self::set_aside)) and write there. The side that it set aside keeps its guards,
/// and is *free* again when they are gone ([`try_free_spare`](Self::try_free_spare)). A strategy
/// need not have a spare side: the provided methods report that it is never free.
///
/// # Safety
///
/// An implementation promises:
///
/// - **S1** There is at most one claim at a time. Only
///   [`release_writer`](Self::release_writer) ends it, never the drop or the
///   forgetting of a token.
/// - **S2** Between the finish of a swap and the start of the next, no live
///   guard is on the writer's side and no acquire returns it.
/// - **S3** Every access made under a guard that was released happens-before
///   the finish of the swap that waited for it, also when the leave is learned
///   from a later value of the word that announces it.
/// - **S4** Every write to the back made before a swap is started
///   happens-before any acquire, nested ones included, that returns that side.
/// - **S5** *Finished* is latched, by a check and not by a leave, and reading it changes
///   nothing. A fresh strategy and a claim after a finished swap are finished; a claim
///   after an unfinished one is unfinished.
/// - **S6** A waker registered for a swap is woken when the last guard leaves that the swap
///   waits for, whichever of the two comes first. (After a check has returned `true`, the
///   wake may be omitted.) A new waker replaces the old one. A spurious
///   wake is allowed, and ends the registration as any wake does: a task that
///   is woken polls again. Taking back a count, dropping a reader token, and the
///   last guard of an older side are leaves, and wake like one.
/// - **S7** No method unwinds by itself. Acquire and release do not allocate,
///   lock or wait, unless the strategy's documentation says that it locks.
///   Waking runs user code and is therefore the last step of a leave: tokens
///   and words are final, no lock is held, and a panic of the waker passes
///   through with the guard released. A count that would overflow ends the
///   process before it can wrap.
/// - **S8** A forgotten guard, token or future may keep a swap from finishing.
///   Nothing makes one finish early.
/// - **S9** [`front`](Self::front) is the side that acquires have returned since the last start.
///   It is [`Side::A`] in a fresh strategy and only
///   [`start_swap`](Self::start_swap) changes it.
/// - **S10** Everything before `release_writer` happens-before everything after
///   the next claim.
/// - **S11** Tokens may be moved and forgotten at any time. A reader token may
///   be dropped on any thread (if it is `Send`), after the strategy, the writer
///   and all guards are gone. So a reader token is `'static`, and there is no
///   pointer between a token and the memory of the strategy value itself. Where
///   a reader has a slot of its own, the drop gives it back, fit for its next
///   owner, and releases the forgotten guards of that slot.
/// - **S12** A swap waits only for guards on its old side, or taken while it
///   was being started.
/// - **S13** [`set_aside`](Self::set_aside) exchanges the writer's side and the spare side,
///   and nothing else: the front stays, the swap is finished after it, and the spare side
///   is not free. From then on S2, S3, S5, S6, S8 and S12 hold for the spare side and the
///   guards on it, with "free" for "finished", whatever happens on the other two.
///   A waker that is registered for a swap is also woken when the last guard leaves a spare
///   side that is not known to be free; a caller that waits for
///   either calls [`try_free_spare`](Self::try_free_spare) after it has registered.
///
/// The caller promises, for each `unsafe` method here:
///
/// - **C1** Tokens go back to the strategy that made them.
/// - **C2** `start_swap` is called only when finished.
/// - **C3** Each guard token is released once, with the reader token that
///   acquired it, or forgotten.
/// - **C4** A reader token is used by one thread at a time.
/// - **C5** A `&mut` to the writer's side exists only when finished, and none
///   outlives `start_swap`.
/// - **C6** The strategy is neither replaced nor dropped while a handle can
///   reach it.
/// - **C7** `set_aside` is called only while a swap is unfinished and the spare side is
///   free: [`try_free_spare`](Self::try_free_spare) returned `true` since the last
///   `set_aside`. The value on the spare side is reached only while that side is free. A
///   strategy on which it was called is not put into a buffer afterwards, whose third side is
///   empty.
///
/// # Examples
///
/// The calls that a [`DoubleBuffer`](crate::DoubleBuffer) and its handles make:
///
/// ```
/// use dbuf_core::{Side, Strategy};
/// use dbuf_strategies::LockStrategy;
///
/// let strategy = LockStrategy::new();
/// let mut writer = strategy.try_claim_writer().unwrap();
/// let reader = strategy.new_reader();
/// assert!(strategy.is_writer_claimed());
///
/// // SAFETY: every token below is this strategy's (C1, C6) and stays on this
/// // thread (C4); there is no data, hence no `&mut` (C5).
/// unsafe {
///     let guard = strategy.acquire(&reader);
///     assert_eq!(LockStrategy::side(&guard), Side::A);
///
///     strategy.start_swap(&mut writer); // a fresh strategy is finished (C2)
///     assert_eq!(strategy.front(), Side::B);
///     assert!(!strategy.try_finish(&mut writer));
///     assert_eq!(strategy.stragglers(&writer), 1);
///
///     strategy.release(&reader, guard); // once, with its reader (C3)
///     assert!(strategy.try_finish(&mut writer));
///     strategy.release_writer(writer);
/// }
/// ```
pub unsafe trait Strategy {
    /// Proof of the claim. It holds no state of a swap (S5).
    type WriterToken;
    /// One reader's registration. It borrows nothing (S11).
    type ReaderToken: 'static;
    /// One guard. It knows its side.
    type GuardToken;

    /// Claims the writer's role. Returns `None` if it is claimed.
    fn try_claim_writer(&self) -> Option<Self::WriterToken>;

    /// Ends the claim, whether or not a swap is unfinished. Never waits.
    ///
    /// # Safety
    ///
    /// C1, and no `&mut` to a side may be live.
    unsafe fn release_writer(&self, writer: Self::WriterToken);

    /// Returns whether a writer is claimed at this moment.
    fn is_writer_claimed(&self) -> bool;

    /// Registers a reader. Never waits for a swap in progress.
    fn new_reader(&self) -> Self::ReaderToken;

    /// Takes a guard on the front.
    ///
    /// # Safety
    ///
    /// C1, C4 and C6.
    unsafe fn acquire(&self, reader: &Self::ReaderToken) -> Self::GuardToken;

    /// Returns the side of a guard, which never changes.
    fn side(guard: &Self::GuardToken) -> Side;

    /// Returns whether a guard is current: a new one would be on the same side, as far as the
    /// caller can know, and no swap that was checked ([`try_finish`](Self::try_finish),
    /// [`poll_finish`](Self::poll_finish)) waits for this one.
    ///
    /// For a guard that is kept and checked again and again
    /// ([`ReadGuard::refresh`](crate::ReadGuard::refresh)). It returns `false` once a publish
    /// happened before the call, some time after any other publish, and some time after a check
    /// that found a swap waiting for this guard. A wrong `false` costs a new guard; a wrong `true`
    /// shows an old value or delays the writer, and is never unsound. By default no guard is
    /// current.
    ///
    /// # Safety
    ///
    /// C1 and C4; the guard was acquired with this reader and is not released.
    #[inline]
    unsafe fn is_current(&self, _reader: &Self::ReaderToken, _guard: &Self::GuardToken) -> bool {
        false
    }

    /// Releases a guard, and wakes a writer that waits for it.
    ///
    /// # Safety
    ///
    /// C1, C3 and C4; nothing may be read through the guard any more.
    unsafe fn release(&self, reader: &Self::ReaderToken, guard: Self::GuardToken);

    /// Returns the side on which guards are taken. It is stable for the holder of the claim and
    /// the owner of the strategy, and a hint for everyone else.
    fn front(&self) -> Side;

    /// Exchanges front and back. Never waits.
    ///
    /// # Safety
    ///
    /// C1, C2 and C5.
    unsafe fn start_swap(&self, writer: &mut Self::WriterToken);

    /// Returns whether the last swap is known to be finished. Changes nothing.
    ///
    /// # Safety
    ///
    /// C1.
    unsafe fn is_finished(&self, writer: &Self::WriterToken) -> bool;

    /// Checks whether the last swap is finished, and latches it. Never waits.
    ///
    /// # Safety
    ///
    /// C1.
    unsafe fn try_finish(&self, writer: &mut Self::WriterToken) -> bool;

    /// Does what [`try_finish`](Self::try_finish) does, and registers the waker if the swap is
    /// unfinished.
    ///
    /// # Safety
    ///
    /// C1.
    unsafe fn poll_finish(&self, writer: &mut Self::WriterToken, cx: &mut Context<'_>) -> Poll<()>;

    /// Returns how many guards the last swap still waits for, or how many readers if the strategy
    /// counts only those. Zero when finished. For diagnosis: it may have changed when it returns.
    ///
    /// # Safety
    ///
    /// C1.
    unsafe fn stragglers(&self, writer: &Self::WriterToken) -> usize;

    /// Returns the side that is neither the front nor the writer's: [`Side::C`] in a fresh
    /// strategy. Stable for the claim's holder and the owner of the strategy.
    #[inline]
    fn spare(&self) -> Side {
        Side::C
    }

    /// Returns the writer's side. Stable for the claim's holder and the owner of the strategy.
    #[inline]
    fn back(&self) -> Side {
        self.front().third(self.spare())
    }

    /// Checks whether no guard is on the spare side, and latches it. Never waits.
    ///
    /// # Safety
    ///
    /// C1.
    unsafe fn try_free_spare(&self, _writer: &mut Self::WriterToken) -> bool {
        false
    }

    /// Exchanges the writer's side, on which there are still guards, and the spare side. Never
    /// waits.
    ///
    /// # Safety
    ///
    /// C1, C7, and no `&mut` to a side may be live.
    unsafe fn set_aside(&self, _writer: &mut Self::WriterToken) {
        unreachable!("the spare side is never free (C7)");
    }

    /// Returns how many guards or readers keep the spare side from being free. See
    /// [`stragglers`](Self::stragglers).
    ///
    /// # Safety
    ///
    /// C1.
    unsafe fn spare_stragglers(&self, _writer: &Self::WriterToken) -> usize {
        0
    }

    /// Returns whether a reader has a guard on `side`, as far as the strategy can tell. A thread
    /// calls this before it waits for a side, so that it does not wait for itself.
    ///
    /// # Safety
    ///
    /// C1 and C4.
    unsafe fn holds(&self, _reader: &Self::ReaderToken, _side: Side) -> bool {
        false
    }

    /// Returns whether a reader has a guard on `side`, which is not the front, while the reader's
    /// thread may use the token. For diagnosis: it may have changed when it returns. A strategy
    /// that cannot tell returns `false`.
    ///
    /// # Safety
    ///
    /// C1, and the token is not dropped meanwhile. C4 does not bind this call.
    unsafe fn holds_elsewhere(&self, _reader: &Self::ReaderToken, _side: Side) -> bool {
        false
    }
}

/// A strategy on which a thread may sleep: readers can leave while the writer's thread is blocked.
///
/// [`Writer::finish`](crate::Writer::finish) and everything else that waits needs one. A
/// single-threaded strategy is not one.
///
/// `S: BlockingStrategy` implies that the strategy and its tokens can be shared and sent between
/// threads, so generic code needs no other bound.
///
/// The marker is safe to implement: a wrong one makes programs hang, and causes no undefined
/// behaviour.
#[diagnostic::on_unimplemented(
    message = "no thread may wait for readers of a buffer with strategy `{Self}`",
    label = "needs a strategy on which a thread may wait",
    note = "await the writes, or use the methods with `try_`",
    note = "or use a strategy for several threads, such as `DefaultStrategy`"
)]
pub trait BlockingStrategy: Strategy<ReaderToken: Send, WriterToken: Send> + Send + Sync {}

/// A strategy that can refuse a swap before it begins.
///
/// It has to check and flip in one step. Otherwise readers come in between, and the flip has
/// happened by the time the writer knows which guards are on the old side.
///
/// # Safety
///
/// The contract of [`Strategy`]; and a swap that [`try_swap`](Self::try_swap) made is finished.
///
/// # Examples
///
/// ```
/// use dbuf_core::{BufferPtr, TrySwapStrategy, Writer};
/// use dbuf_strategies::LocalStrategy;
///
/// fn publish_if_unread<P: BufferPtr<Strategy: TrySwapStrategy>>(writer: &mut Writer<P>) -> bool {
///     writer.try_swap()
/// }
///
/// let (mut writer, reader) = dbuf_core::rc(1, 2, LocalStrategy::new());
/// let guard = reader.read();
/// assert!(!publish_if_unread(&mut writer));
/// drop(guard);
/// assert!(publish_if_unread(&mut writer));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot refuse a swap before it begins",
    note = "start the swap, and check later whether it is finished: `start_swap`, `try_finish`"
)]
pub unsafe trait TrySwapStrategy: Strategy {
    /// Swaps and finishes if no guard is on the front. Otherwise it changes nothing.
    ///
    /// # Safety
    ///
    /// C1, C2 and C5.
    unsafe fn try_swap(&self, writer: &mut Self::WriterToken) -> bool;
}
