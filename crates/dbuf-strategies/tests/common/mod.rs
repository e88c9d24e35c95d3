//! Helpers that the tests share.
#![allow(
    dead_code,
    unused_imports,
    unused_macros,
    reason = "not every test needs all of them"
)]

pub(crate) mod hooked;

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use dbuf_strategies::core::{BufferPtr, Writer};

/// Runs `f`, which panics, and returns its message.
#[track_caller]
pub(crate) fn panics(f: impl FnOnce()) -> String {
    let payload: Box<dyn Any> = catch_unwind(AssertUnwindSafe(f)).expect_err("no panic");
    match payload.downcast::<String>() {
        Ok(message) => *message,
        Err(payload) => (*payload.downcast_ref::<&str>().unwrap()).to_owned(),
    }
}

/// Returns whether `f` unwinds, with any payload.
pub(crate) fn unwinds(f: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(f)).is_err()
}

/// Runs `f`, whose panic must have that in its message.
#[track_caller]
pub(crate) fn panics_with(f: impl FnOnce(), part: &str) {
    let message = panics(f);
    assert!(message.contains(part), "{message:?} has no {part:?}");
}

/// Checks that no guard keeps a swap waiting.
#[track_caller]
pub(crate) fn assert_no_guard<P: BufferPtr>(writer: &mut Writer<P>) {
    assert!(writer.try_finish(), "a guard is on the back");
    assert!(writer.start_swap(), "a finished writer starts a swap");
    assert!(writer.try_finish(), "a guard is on the front");
}

/// Runs `f` on another thread, and waits for it.
pub(crate) fn elsewhere(f: impl FnOnce() + Send) {
    thread::scope(|scope| scope.spawn(f).join().unwrap());
}

/// Runs a closure at the end of a thread.
struct AtEnd(Cell<Option<Box<dyn FnOnce()>>>);

impl Drop for AtEnd {
    fn drop(&mut self) {
        if let Some(f) = self.0.take() {
            f();
        }
    }
}

thread_local! {
    static AT_END: AtEnd = const { AtEnd(Cell::new(None)) };
}

/// A thread that runs a closure after its slots have ended.
#[must_use]
pub(crate) struct Late(thread::JoinHandle<()>, Receiver<thread::Result<()>>);

/// Runs `f` on a new thread, and what it returns when the thread's slots have ended.
pub(crate) fn late<F: FnOnce() + 'static>(f: impl FnOnce() -> F + Send + 'static) -> Late {
    let (ends, ended) = channel();
    let thread = thread::spawn(move || {
        // Registered before the slots' destructor, so it runs after it.
        AT_END.with(|_| ());
        let last = f();
        let last = move || {
            // A panic there would end the process.
            let result = catch_unwind(AssertUnwindSafe(last));
            ends.send(result).unwrap();
        };
        AT_END.with(|end| end.0.set(Some(Box::new(last))));
    });
    Late(thread, ended)
}

impl Late {
    /// Waits for the thread, and panics if its last closure did.
    #[track_caller]
    pub(crate) fn join(self) {
        self.0.join().unwrap();
        let result = self.1.recv().expect("the last closure was not run");
        result.unwrap_or_else(|payload| resume_unwind(payload));
    }
}

/// A waker that counts its wakes.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicUsize);

impl Count {
    pub(crate) fn waker() -> (Arc<Self>, Waker) {
        let count = Arc::new(Self::default());
        (Arc::clone(&count), Waker::from(count))
    }

    pub(crate) fn wakes(&self) -> usize {
        self.0.load(SeqCst)
    }
}

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// Calls a closure at its first wake.
struct OnWake<F>(Mutex<Option<F>>);

impl<F: FnOnce() + Send> Wake for OnWake<F> {
    fn wake(self: Arc<Self>) {
        let f = self.0.lock().unwrap().take();
        if let Some(f) = f {
            f();
        }
    }
}

pub(crate) fn on_wake(f: impl FnOnce() + Send + 'static) -> Waker {
    Arc::new(OnWake(Mutex::new(Some(f)))).into()
}

struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("from a waker");
    }
}

/// Returns a waker that panics at each wake.
pub(crate) fn panicking_wake() -> Waker {
    Arc::new(Panics).into()
}

/// Polls a future by hand.
pub(crate) fn poll<F: Future + ?Sized>(future: Pin<&mut F>, waker: &Waker) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(waker))
}

/// xorshift, which is good enough to choose steps.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % n
    }
}

/// Makes a test of each function of a module, with every strategy that threads may share. With
/// `local`, also with the one that they may not.
macro_rules! with_every_strategy {
    (local, $bodies:ident: $($test:ident)+) => {$(
        #[test]
        fn $test() {
            $bodies::$test(dbuf_strategies::LocalStrategy::new);
            with_every_strategy!(@$bodies::$test);
        }
    )+};
    ($bodies:ident: $($test:ident)+) => {$(
        #[test]
        fn $test() {
            with_every_strategy!(@$bodies::$test);
        }
    )+};
    (@$bodies:ident::$test:ident) => {
        $bodies::$test(dbuf_strategies::CountStrategy::new);
        $bodies::$test(dbuf_strategies::EpochStrategy::new);
        $bodies::$test(dbuf_strategies::FlashStrategy::new);
        $bodies::$test(dbuf_strategies::LockStrategy::new);
        $bodies::$test(dbuf_strategies::DefaultStrategy::new);
        $bodies::$test(|| dbuf_strategies::Watched::new(dbuf_strategies::EpochStrategy::new()));
        $bodies::$test(|| dbuf_strategies::Watched::new(dbuf_strategies::FlashStrategy::new()));
    };
}
pub(crate) use with_every_strategy;
