//! What goes wrong in chapter 11, and how it shows.
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests always have std"
)]

use std::sync::Arc;

use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::sync::{Condvar, Mutex};
use loom::thread;

/// Where one task sleeps. A wake that comes first is remembered.
struct Bed {
    woken: Mutex<bool>,
    changed: Condvar,
}

impl Bed {
    fn new() -> Self {
        Self {
            woken: Mutex::new(false),
            changed: Condvar::new(),
        }
    }

    fn sleep(&self) {
        let mut woken = self.woken.lock().unwrap();
        while !*woken {
            woken = self.changed.wait(woken).unwrap();
        }
        *woken = false;
    }

    fn wake(&self) {
        *self.woken.lock().unwrap() = true;
        self.changed.notify_one();
    }
}

/// The number of publishes, and who waits for the next.
struct Board {
    version: AtomicUsize,
    waiter: Mutex<Option<Arc<Bed>>>,
}

impl Board {
    fn is_newer(&self) -> bool {
        self.version.load(Ordering::Acquire) > 0
    }

    fn register(&self, bed: &Arc<Bed>) {
        *self.waiter.lock().unwrap() = Some(Arc::clone(bed));
    }

    fn publish(&self) {
        self.version.store(1, Ordering::Release);
        let waiter = self.waiter.lock().unwrap().take();
        if let Some(bed) = waiter {
            bed.wake();
        }
    }
}

/// One publish, and one task that waits for it in this way.
fn is_told(wait: fn(&Board, &Arc<Bed>)) {
    loom::model(move || {
        let board = Arc::new(Board {
            version: AtomicUsize::new(0),
            waiter: Mutex::new(None),
        });
        let waits = {
            let board = Arc::clone(&board);
            thread::spawn(move || {
                wait(&board, &Arc::new(Bed::new()));
                assert!(board.is_newer());
            })
        };
        board.publish();
        waits.join().unwrap();
    });
}

#[test]
#[should_panic(expected = "deadlock")]
fn check_then_register_loses_a_wake() {
    is_told(|board, bed| {
        while !board.is_newer() {
            board.register(bed);
            bed.sleep();
        }
    });
}

#[test]
fn register_then_check_loses_none() {
    is_told(|board, bed| {
        board.register(bed);
        while !board.is_newer() {
            bed.sleep();
            board.register(bed);
        }
    });
}
