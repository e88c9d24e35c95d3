//! Pointers and wakers that panic at each call of theirs: no guard's side is written, and no claim,
//! guard or pointer is lost.

use std::cell::Cell;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use dbuf_strategies::Watched;
use dbuf_strategies::core::{
    BlockingStrategy, BufferPtr, ConcurrentCell, DoubleBuffer, OwnedReadGuard, Reader, ReaderPtr,
    SharedReader, Strategy, Writer, arc, split,
};

use crate::common::with_every_strategy;

thread_local! {
    /// The number of the next call of this thread that panics; with 0, none does.
    static FUSE: Cell<usize> = const { Cell::new(0) };
}

fn burn() {
    let left = FUSE.get();
    if left > 0 && !thread::panicking() {
        FUSE.set(left - 1);
        if left == 1 {
            resume_unwind(Box::new("burnt"));
        }
    }
}

/// Returns whether `f` panicked because of the fuse.
fn panics<R>(f: impl FnOnce() -> R) -> Result<R, ()> {
    catch_unwind(AssertUnwindSafe(f)).map_err(|payload| {
        if payload.downcast_ref() != Some(&"burnt") {
            resume_unwind(payload);
        }
    })
}

/// Runs `f` with each call that panics in turn, until none does. `f` returns whether one did.
fn each_panics(least: usize, f: impl Fn() -> bool) {
    let panicked = (1..1_000)
        .find(|&fuse| {
            FUSE.set(fuse);
            let panicked = f();
            FUSE.set(0);
            !panicked
        })
        .expect("calls without end");
    assert!(panicked > least, "only {} calls panicked", panicked - 1);
}

type Buffer<S> = DoubleBuffer<u64, S>;

struct Strong<S>(Arc<Buffer<S>>);

impl<S> Clone for Strong<S> {
    fn clone(&self) -> Self {
        burn();
        Self(Arc::clone(&self.0))
    }
}

impl<S> Drop for Strong<S> {
    fn drop(&mut self) {
        burn();
    }
}

impl<S> Deref for Strong<S> {
    type Target = Buffer<S>;

    fn deref(&self) -> &Buffer<S> {
        &self.0
    }
}

// SAFETY: the `Arc`'s, which nothing here gives away or unwraps (P1 to P6).
unsafe impl<S: Strategy> BufferPtr for Strong<S> {
    type Value = u64;
    type Strategy = S;
    type Extras = ();
}

struct Fading<S>(Weak<Buffer<S>>);

impl<S> Clone for Fading<S> {
    fn clone(&self) -> Self {
        burn();
        Self(Weak::clone(&self.0))
    }
}

// SAFETY: the `Weak`'s; a pin is the `Arc` (P1 to P6).
unsafe impl<S: Strategy> ReaderPtr for Fading<S> {
    type Value = u64;
    type Strategy = S;
    type Extras = ();
    type Error = ();
    type Pin = Strong<S>;

    fn pin(&self) -> Result<Strong<S>, ()> {
        burn();
        self.0.upgrade().map(Strong).ok_or(())
    }

    fn buffer<'a>(&'a self, pin: &'a Strong<S>) -> &'a Buffer<S> {
        pin
    }
}

struct Fragile;

impl Wake for Fragile {
    fn wake(self: Arc<Self>) {
        burn();
    }
}

impl Drop for Fragile {
    fn drop(&mut self) {
        burn();
    }
}

/// Polls with a waker of its own, which lives on where it is registered.
fn poll_with<R>(poll: impl FnOnce(&mut Context<'_>) -> Poll<R>) -> Result<Poll<R>, ()> {
    panics(|| {
        let waker = Waker::from(Arc::new(Fragile));
        poll(&mut Context::from_waker(&waker))
    })
}

with_every_strategy! { each:
    pointer_that_panics_loses_no_claim_and_no_guard
    waker_that_panics_keeps_the_guard_and_the_swap
    waker_that_panics_keeps_the_cell
    waker_that_panics_keeps_the_watched_buffer
}

/// Uses a pointer in every handle, under a guard of another reader.
fn handles<S: BlockingStrategy>(buffer: &Arc<Buffer<S>>) {
    let (mut writer, reader) = split(Strong(Arc::clone(buffer))).unwrap();
    let other = reader.clone();
    let fading = Reader::new(Fading(Arc::downgrade(buffer)));
    let again = fading.clone();
    let guard = fading.try_read().unwrap();
    *writer.try_back_mut().unwrap() = *guard + 1;
    writer.start_swap();
    assert!(writer.try_back_mut().is_none(), "&mut under a guard");
    let shared = SharedReader::new(writer.ptr().clone());
    let shared_guard = shared.read();
    let owned = Box::new(other).into_guard();
    let newest = again.try_read().unwrap();
    assert_eq!([*shared_guard, *owned, *newest], [*guard + 1; 3]);
    drop(guard);
    writer.finish();
    drop(OwnedReadGuard::into_reader(owned));
    drop(writer.reader());
}

fn poll<S: Strategy>(writer: &mut Writer<Arc<Buffer<S>>>) -> Result<Poll<()>, ()> {
    poll_with(|cx| writer.poll_finish(cx))
}

mod each {
    use super::*;

    pub(super) fn pointer_that_panics_loses_no_claim_and_no_guard<S: BlockingStrategy>(
        new: fn() -> S,
    ) {
        each_panics(8, || {
            let buffer = Arc::new(DoubleBuffer::new(0, 0, new()));
            let fuse = FUSE.take();
            let panicked = thread::scope(|scope| {
                // Its destructors take the thread's own readers away.
                let thread = scope.spawn(|| {
                    FUSE.set(fuse);
                    let panicked = panics(|| handles(&buffer)).is_err();
                    FUSE.set(0);
                    panicked
                });
                thread.join().unwrap()
            });
            let (mut writer, reader) = split(&*buffer).expect("the claim is lost");
            assert!(writer.try_finish(), "a guard is lost");
            *writer.try_back_mut().unwrap() = 7;
            writer.start_swap();
            assert!(writer.try_finish(), "a guard is lost");
            assert_eq!(*reader.read(), 7);
            drop((writer, reader));
            assert_eq!(Arc::strong_count(&buffer), 1, "a pointer is lost");
            panicked
        });
    }

    /// One waker replaces another, the leave wakes it, and the buffer ends with a third.
    pub(super) fn waker_that_panics_keeps_the_guard_and_the_swap<S: Strategy>(new: fn() -> S) {
        each_panics(3, || {
            let (mut writer, reader) = arc(0, 0, new());
            let guard = reader.read();
            *writer.try_back_mut().unwrap() = 1;
            assert!(writer.start_swap());
            let mut panicked = false;
            for _ in 0..3 {
                match poll(&mut writer) {
                    Ok(polled) => assert!(polled.is_pending()),
                    Err(()) => panicked = true,
                }
                assert!(writer.try_back_mut().is_none(), "&mut under a guard");
                assert_eq!((*guard, *reader.read()), (0, 1));
            }
            panicked |= panics(|| drop(guard)).is_err();
            *writer.try_back_mut().expect("the guard is released") = 2;
            let guard = reader.read();
            assert!(writer.start_swap());
            panicked |= poll(&mut writer).is_err();
            assert!(writer.try_back_mut().is_none(), "&mut under a guard");
            assert_eq!((*guard, *reader.read()), (1, 2));
            panicked |= panics(|| drop(guard)).is_err();
            panicked |= panics(|| drop((reader, writer))).is_err();
            panicked
        });
    }

    /// A task waits for two guards, with one waker after the other, and gives up or is woken.
    pub(super) fn waker_that_panics_keeps_the_cell<S: BlockingStrategy>(new: fn() -> S) {
        for gives_up in [false, true] {
            each_panics(1, || {
                let cell = ConcurrentCell::with_strategy(0, new());
                let mut first = Some(cell.read());
                cell.store(1);
                let second = cell.read();
                cell.store(2);
                let mut panicked = false;
                let stored = {
                    let mut task = Box::pin(cell.store_async(3));
                    for _ in 0..3 {
                        match poll_with(|cx| task.as_mut().poll(cx)) {
                            Ok(polled) => assert!(polled.is_pending()),
                            // As std's: it is not polled again.
                            Err(()) => {
                                panicked = true;
                                break;
                            }
                        }
                    }
                    let over = gives_up || panicked;
                    if over {
                        panicked |= panics(|| drop(task)).is_err();
                    } else {
                        panicked |= panics(|| drop(first.take())).is_err();
                        let polled = poll_with(|cx| task.as_mut().poll(cx));
                        assert_ne!(polled, Ok(Poll::Pending));
                        if polled.is_ok() {
                            assert_eq!(cell.load(), 3);
                        }
                        panicked |= polled.is_err();
                        panicked |= panics(|| drop(task)).is_err();
                    }
                    !over
                };
                let value = cell.load();
                assert!(value == 2 || stored && value == 3);
                panicked |= panics(|| drop(second)).is_err();
                panicked |= panics(|| drop(first)).is_err();
                assert_eq!(cell.try_store(4), Ok(()));
                cell.store(5);
                assert_eq!(cell.load(), 5);
                panicked
            });
        }
    }

    /// A waiter's waker is replaced, dropped with the waiter, and woken.
    pub(super) fn waker_that_panics_keeps_the_watched_buffer<S: BlockingStrategy>(new: fn() -> S) {
        each_panics(2, || {
            let (mut writer, reader) = arc(0, 0, Watched::new(new()));
            let mut waiters = [(); 3].map(|()| reader.strategy().waiter());
            let mut panicked = false;
            for _ in 0..2 {
                for waiter in &mut waiters {
                    panicked |= poll_with(|cx| waiter.poll_changed(0, cx)).is_err();
                }
            }
            let [first, mut second, _third] = waiters;
            panicked |= panics(|| drop(first)).is_err();
            panicked |= panics(|| writer.store(1)).is_err();
            assert_eq!(*reader.read(), 1);
            writer.finish();
            let mut cx = Context::from_waker(Waker::noop());
            assert_eq!(second.poll_changed(0, &mut cx), Poll::Ready(Ok(1)));
            writer.store(2);
            assert_eq!(*reader.read(), 2);
            panicked
        });
    }
}
