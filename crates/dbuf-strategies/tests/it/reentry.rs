//! Wakers that use the buffer, readers that are dropped during a wait, and swaps that are
//! refused.
#![forbid(unsafe_code)]

use std::cell::RefCell;
use std::mem;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};

use dbuf_strategies::core::{
    ArcWriter, BlockingStrategy, BufferPtr, DoubleBuffer, OwnedReadGuard, ReadGuard, Strategy,
    TrySwapStrategy, arc, rc, split,
};
use dbuf_strategies::{CountStrategy, EpochStrategy, FlashStrategy, LocalStrategy, LockStrategy};

use crate::common::{Count, assert_no_guard, on_wake};

/// `try_swap` finishes the last swap first (kills "try_swap without try_finish"), and gives
/// its publish a number (kills "try_swap without a version").
fn try_swap_is_refused_by_either_side<P>(ptr: P)
where
    P: BufferPtr<Value = u32, Strategy: TrySwapStrategy>,
{
    let (mut writer, reader) = split(ptr).unwrap();
    let old = reader.read();
    assert!(!writer.try_swap(), "a guard is on the front");
    assert_eq!((writer.version(), *reader.read()), (0, 0));
    assert!(writer.start_swap());
    assert!(!writer.try_swap(), "a guard is on the old side");
    assert_eq!((*old, *reader.read(), writer.version()), (0, 1, 1));
    drop(old);
    assert!(writer.try_swap());
    assert_eq!((*reader.read(), writer.version()), (0, 2));
    assert!(!writer.is_swapping());
    *writer.try_back_mut().unwrap() = 5;
    assert!(writer.try_swap());
    let guard = reader.read();
    assert_eq!((*guard, ReadGuard::version(&guard)), (5, 3));
    assert!(
        writer.try_back_mut().is_some(),
        "the writer waits for a guard on the front"
    );
}

#[test]
fn try_swap_is_refused_by_either_side_of_each() {
    try_swap_is_refused_by_either_side(Arc::new(DoubleBuffer::new(0, 1, LockStrategy::new())));
    try_swap_is_refused_by_either_side(Rc::new(DoubleBuffer::new(0, 1, LocalStrategy::new())));
}

/// A waker that calls a closure when it is dropped. (A `Wake` does not see its clones.)
struct OnDrop<F: FnMut()>(F);

impl<F: FnMut() + Send + Sync> Wake for OnDrop<F> {
    fn wake(self: Arc<Self>) {}
}

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

thread_local! {
    static HELD: RefCell<Vec<Box<dyn std::any::Any>>> = const { RefCell::new(Vec::new()) };
}

/// The destructor of the replaced waker drops the last guard: the poll must see that, or the
/// new waker must be called. Returns whether the poll saw it.
fn replaced_waker_drops_the_last_guard<S: Strategy + 'static>(strategy: S) -> bool {
    let (mut writer, reader) = rc(0, 0, strategy);
    let guard = Box::new(reader.clone()).into_guard();
    HELD.with_borrow_mut(|held| held.push(Box::new(guard)));
    writer.start_swap();
    let first = Waker::from(Arc::new(OnDrop(|| drop(HELD.take()))));
    let polled = writer.poll_finish(&mut Context::from_waker(&first));
    assert!(polled.is_pending());
    drop(first);
    let (count, second) = Count::waker();
    let polled = writer.poll_finish(&mut Context::from_waker(&second));
    assert!(HELD.with_borrow(Vec::is_empty));
    assert!(polled.is_ready() || count.wakes() == 1, "a lost wake");
    assert!(writer.try_finish());
    polled.is_ready()
}

#[test]
fn replaced_waker_may_drop_the_last_guard() {
    let is_ready = replaced_waker_drops_the_last_guard(LocalStrategy::new());
    assert!(
        is_ready,
        "the poll that replaced the waker did not check again"
    );
    replaced_waker_drops_the_last_guard(LockStrategy::new());
    replaced_waker_drops_the_last_guard(CountStrategy::new());
    replaced_waker_drops_the_last_guard(EpochStrategy::new());
    replaced_waker_drops_the_last_guard(FlashStrategy::new());
}

/// A waker that a leave calls reads through the same reader, finishes the swap, writes, and
/// starts the next swap.
fn waker_writes_inline<S>(strategy: S)
where
    S: BlockingStrategy + 'static,
{
    let (mut writer, reader) = arc(0_u32, 0, strategy);
    let guard = reader.read();
    let nested = reader.read();
    writer.start_swap();
    let owner: Arc<Mutex<Option<_>>> = Arc::default();
    let inside = Arc::clone(&owner);
    let own = Box::new(reader.clone());
    let waker = on_wake(move || {
        let mut writer: ArcWriter<u32, S> = inside.lock().unwrap().take().unwrap();
        let held = own.into_guard();
        *writer
            .try_back_mut()
            .expect("the leave was not final before the wake") = 7;
        assert!(writer.start_swap());
        assert!(writer.try_back_mut().is_none());
        assert_eq!(*held, 0);
        drop(OwnedReadGuard::into_reader(held));
        *writer.try_back_mut().unwrap() = 8;
        *inside.lock().unwrap() = Some(writer);
    });
    let polled = writer.poll_finish(&mut Context::from_waker(&waker));
    assert!(polled.is_pending());
    *owner.lock().unwrap() = Some(writer);
    drop(guard);
    drop(nested);
    assert_eq!(*reader.read(), 7);
    let mut writer = owner.lock().unwrap().take().unwrap();
    assert_eq!(writer.split_mut(), (&7, &mut 8));
}

#[test]
fn waker_may_write_inline() {
    waker_writes_inline(LockStrategy::new());
    waker_writes_inline(CountStrategy::new());
    waker_writes_inline(EpochStrategy::new());
    waker_writes_inline(FlashStrategy::new());
}

/// A reader with a forgotten guard is dropped while the writer waits: this is a leave (S6).
fn dropped_reader_wakes<S: Strategy>(strategy: S) {
    let (mut writer, reader) = arc(0, 0, strategy);
    let reader = {
        let second = reader.clone();
        mem::forget(reader.read());
        // The leave of a nested guard does not end the forgotten one.
        let kept = reader.read();
        writer.start_swap();
        drop(kept);
        drop(second);
        reader
    };
    let (count, waker) = Count::waker();
    let polled = writer.poll_finish(&mut Context::from_waker(&waker));
    assert!(polled.is_pending());
    drop(reader);
    assert_eq!(count.wakes(), 1);
    let polled = writer.poll_finish(&mut Context::from_waker(&waker));
    assert!(polled.is_ready());
    // The slot is reused, without guards.
    let next = writer.reader();
    let guard = next.read();
    assert!(writer.start_swap());
    assert!(!writer.try_finish());
    drop(guard);
    assert!(writer.try_finish());
    drop(next);
    assert_no_guard(&mut writer);
}

#[test]
fn reader_dropped_with_a_forgotten_guard_wakes() {
    dropped_reader_wakes(EpochStrategy::new());
    dropped_reader_wakes(FlashStrategy::new());
}

/// A straggler leaves, and then its reader is dropped: no guard is subtracted twice.
#[test]
fn straggler_that_left_is_not_settled_again_by_its_readers_drop() {
    let (mut writer, reader) = arc(0, 0, FlashStrategy::new());
    let other = reader.clone();
    let (a, b) = (reader.read(), other.read());
    writer.start_swap();
    drop(a);
    drop(reader);
    assert!(writer.try_back_mut().is_none(), "`b` still has its guard");
    assert_eq!((*b, writer.stragglers()), (0, 1));
    drop(b);
    assert!(writer.try_finish());
    // A forgotten guard is subtracted once, although the slot changes its owner.
    let third = other.clone();
    mem::forget(third.read());
    let b = other.read();
    writer.start_swap();
    drop(third);
    drop(other.clone());
    assert!(writer.try_back_mut().is_none());
    assert_eq!(*b, 0);
    drop(b);
    assert!(writer.try_finish());
}
