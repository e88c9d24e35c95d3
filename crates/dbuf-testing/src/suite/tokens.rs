//! Tokens that are kept, dropped and forgotten, without the handles.

use core::cell::RefCell;
use core::mem;
use core::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};

use dbuf_core::{Strategy, Writer, split};

use super::harness::SuitePtr;
use super::wakers::Count;

/// S1: the drop of a writer's token ends no claim.
pub fn dropped_token_keeps_the_claim<P: SuitePtr>(new: impl Fn() -> P) {
    let ptr = new();
    let strategy = ptr.strategy();
    assert!(!strategy.is_writer_claimed());
    drop(strategy.try_claim_writer().unwrap());
    assert!(strategy.is_writer_claimed());
    assert!(strategy.try_claim_writer().is_none());
    assert!(Writer::claim(ptr.clone()).is_err());
}

/// S5: the last guard left between two claims. The second claim is unfinished all the same,
/// until it checks.
pub fn claim_after_an_unfinished_swap_is_unfinished<P: SuitePtr>(new: impl Fn() -> P) {
    let ptr = new();
    let (mut writer, reader) = split(ptr.clone()).unwrap();
    let guard = reader.read();
    assert!(writer.start_swap());
    assert!(!writer.try_finish());
    drop(writer);
    drop(guard);
    let mut writer = Writer::claim(ptr.clone()).unwrap();
    assert!(writer.is_swapping(), "no check has been made");
    assert!(writer.try_finish());
    drop(writer);
    let writer = Writer::claim(ptr).unwrap();
    assert!(!writer.is_swapping(), "finished is latched");
}

/// S5: `is_finished` reads the latch. It makes no check, even if that would succeed.
pub fn asking_is_no_check<P: SuitePtr>(new: impl Fn() -> P) {
    let (mut writer, reader) = split(new()).unwrap();
    let guard = reader.read();
    assert!(writer.start_swap());
    assert!(!writer.try_finish());
    drop(guard);
    for _ in 0..2 {
        assert!(writer.is_swapping(), "`is_finished` made a check");
    }
    assert!(writer.try_finish());
    assert!(!writer.is_swapping());
}

/// S8: no number of checks, polls or claims ends the wait for a guard that was forgotten.
pub fn forgotten_guard_is_never_given_up<P: SuitePtr>(new: impl Fn() -> P) {
    let ptr = new();
    let (mut writer, reader) = split(ptr.clone()).unwrap();
    mem::forget(reader.read());
    assert!(writer.start_swap());
    for round in 0..50 {
        let (_, waker) = Count::waker();
        let polled = writer.poll_finish(&mut Context::from_waker(&waker));
        assert_eq!(polled, Poll::Pending);
        assert!(!writer.try_finish());
        assert!(writer.is_swapping() && writer.stragglers() > 0);
        if round % 10 == 0 {
            drop(writer);
            writer = Writer::claim(ptr.clone()).unwrap();
        }
    }
}

/// S11: a reader's token is moved, and dropped after the strategy.
pub fn tokens_outlive_the_strategy<P: SuitePtr>(new: impl Fn() -> P) {
    let ptr = new();
    let strategy = ptr.strategy();
    let (unused, used, forgetful) = (
        strategy.new_reader(),
        strategy.new_reader(),
        Box::new(strategy.new_reader()),
    );
    // SAFETY: the strategy's own token (C1, C6), on this thread (C4).
    let guard = unsafe { strategy.acquire(&used) };
    // SAFETY: acquired with this reader, once (C3).
    unsafe { strategy.release(&used, guard) };
    // SAFETY: C1, C4 and C6, as for the first.
    mem::forget(unsafe { strategy.acquire(&forgetful) });
    let tokens = vec![unused, used, *forgetful];
    drop(ptr);
    drop(tokens);
}

/// S13: the swap is finished once its side is set aside, without a check; the front stays, and
/// the spare side is not free while a guard is on it.
pub fn side_that_is_set_aside_finishes_the_swap<P: SuitePtr>(new: impl Fn() -> P) {
    let ptr = new();
    let strategy = ptr.strategy();
    let mut writer = strategy.try_claim_writer().unwrap();
    let reader = strategy.new_reader();
    // SAFETY: all tokens below are this strategy's (C1, C6) and stay on this thread (C4).
    // Nobody reaches the values here or later (C5, C7).
    let guard = unsafe { strategy.acquire(&reader) };
    // SAFETY: a fresh strategy is finished (C2).
    unsafe { strategy.start_swap(&mut writer) };
    // SAFETY: C1.
    assert!(!unsafe { strategy.try_finish(&mut writer) });
    // SAFETY: C1.
    if unsafe { strategy.try_free_spare(&mut writer) } {
        let (front, back, spare) = (strategy.front(), strategy.back(), strategy.spare());
        // SAFETY: unfinished, and the spare side is free (C7).
        unsafe { strategy.set_aside(&mut writer) };
        let after = (strategy.front(), strategy.back(), strategy.spare());
        assert_eq!(after, (front, spare, back));
        // SAFETY: C1.
        assert!(unsafe { strategy.is_finished(&writer) });
        // SAFETY: C1.
        assert!(unsafe { strategy.spare_stragglers(&writer) } > 0);
        // SAFETY: C1.
        assert!(!unsafe { strategy.try_free_spare(&mut writer) });
    }
    // SAFETY: once, with its reader (C3).
    unsafe { strategy.release(&reader, guard) };
    // SAFETY: C1.
    unsafe { strategy.try_free_spare(&mut writer) };
    // SAFETY: C1.
    assert_eq!(unsafe { strategy.spare_stragglers(&writer) }, 0);
    // SAFETY: C1.
    unsafe { strategy.release_writer(writer) };
}

/// Polls its writer when it is woken.
struct Polls<P: SuitePtr> {
    writer: RefCell<Option<Writer<P>>>,
    polled: RefCell<Vec<Poll<()>>>,
}

impl<P: SuitePtr> Polls<P> {
    const VTABLE: &'static RawWakerVTable = &RawWakerVTable::new(
        |data| RawWaker::new(data, Self::VTABLE),
        |data| Self::wake(data),
        |data| Self::wake(data),
        |_| {},
    );

    fn wake(data: *const ()) {
        // SAFETY: the waker of `waker_may_poll`, whose `Polls` outlives its strategy's use.
        let this = unsafe { &*data.cast::<Self>() };
        let mut writer = this.writer.borrow_mut();
        let writer = writer.as_mut().unwrap();
        let poll = writer.poll_finish(&mut Context::from_waker(Waker::noop()));
        this.polled.borrow_mut().push(poll);
    }
}

/// S7: a waker that polls at once finds the end of the swap: the leave is complete, and no
/// lock is held.
pub fn waker_may_poll<P: SuitePtr>(new: impl Fn() -> P) {
    let (mut writer, reader) = split(new()).unwrap();
    let guard = reader.read();
    assert!(writer.start_swap());
    let polls = Polls {
        writer: RefCell::new(None),
        polled: RefCell::new(Vec::new()),
    };
    let data = core::ptr::from_ref(&polls).cast();
    // SAFETY: all is on this thread, and `polls` lives until the last wake, the guard's.
    let waker = unsafe { Waker::from_raw(RawWaker::new(data, Polls::<P>::VTABLE)) };
    assert_eq!(
        writer.poll_finish(&mut Context::from_waker(&waker)),
        Poll::Pending
    );
    *polls.writer.borrow_mut() = Some(writer);
    drop(guard);
    assert_eq!(*polls.polled.borrow(), [Poll::Ready(())]);
    assert!(!polls.writer.borrow().as_ref().unwrap().is_swapping());
}
