//! What a review tried to break, and what broke.
#![cfg(not(dbuf_loom))]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests always have std"
)]

use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Wake, Waker};

use dbuf_strategies::core::arc;
use dbuf_strategies::{CountStrategy, Waiter, Watched};

/// A panic payload that panics once more when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("the payload's drop");
        }
    }
}

struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic_any(Bomb);
    }
}

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

fn wait(waiter: &mut Waiter, waker: &Waker) {
    let polled = waiter.poll_newer(0, &mut Context::from_waker(waker));
    assert!(polled.is_pending());
}

/// Two wakers panic, and what the second panics with panics when it is dropped. Those
/// who wait behind them are woken all the same, and the first panic goes on.
#[test]
fn payload_that_panics_keeps_no_wake_from_others() {
    let (mut writer, reader) = arc(0, 0, Watched::new(CountStrategy::new()));
    let count = Arc::new(Count::default());
    let panics = Waker::from(Arc::new(Panics));
    let counts = Waker::from(Arc::clone(&count));
    let mut waiters: Vec<_> = (0..4).map(|_| reader.strategy().waiter()).collect();
    for (at, waiter) in waiters.iter_mut().enumerate() {
        wait(waiter, if at % 2 == 0 { &panics } else { &counts });
    }
    let payload = catch_unwind(AssertUnwindSafe(|| writer.store(1))).unwrap_err();
    assert!(payload.is::<Bomb>());
    std::mem::forget(payload);
    assert_eq!(count.0.load(SeqCst), 2);
}
