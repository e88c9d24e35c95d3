//! Models of `AtomicWaker` alone, which is included from the crate since it is private.

#[path = "../../src/waker.rs"]
mod cell;

use std::sync::Arc;
use std::task::{Wake, Waker};

use cell::AtomicWaker;
use dbuf_core::sync::Sleeper;
use dbuf_core::sync::atomic::{AtomicBool, Ordering};
use loom::thread;

struct WakeThread(Sleeper);

impl Wake for WakeThread {
    fn wake(self: Arc<Self>) {
        self.0.wake();
    }
}

/// Readers leave (a Relaxed store) and take the waker. The writer registers and checks until
/// it has seen all leaves. A lost wake is a deadlock.
fn no_wake_is_lost(readers: usize) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(Some(3));
    builder.check(move || {
        let cell = Arc::new(AtomicWaker::new());
        let left: Vec<_> = (0..readers)
            .map(|_| Arc::new(AtomicBool::new(false)))
            .collect();
        let leaves: Vec<_> = left
            .iter()
            .map(|left| {
                let (cell, left) = (Arc::clone(&cell), Arc::clone(left));
                thread::spawn(move || {
                    // Relaxed: the `AtomicWaker` must order it.
                    left.store(true, Ordering::Relaxed);
                    if let Some(waker) = cell.take() {
                        waker.wake();
                    }
                })
            })
            .collect();
        let thread = Arc::new(WakeThread(Sleeper::new()));
        loop {
            // SAFETY: this is the only thread that registers.
            unsafe { cell.register(Waker::from(Arc::clone(&thread))) };
            if left.iter().all(|left| left.load(Ordering::Relaxed)) {
                break;
            }
            thread.0.sleep(None);
            // A registration that meets a take wakes itself until that is over.
            thread::yield_now();
        }
        for leave in leaves {
            leave.join().unwrap();
        }
    });
}

#[test]
fn no_wake_is_lost_with_one_reader() {
    no_wake_is_lost(1);
}

#[test]
fn no_wake_is_lost_with_two_readers() {
    no_wake_is_lost(2);
}
