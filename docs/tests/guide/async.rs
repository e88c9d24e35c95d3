//! What goes wrong in chapter 11.
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests always have std"
)]

use std::sync::Arc;

use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::sync::{Condvar, Mutex};
use loom::thread;

/// Lets one task sleep. A wake that comes first is remembered.
struct Sleeper {
    woken: Mutex<bool>,
    changed: Condvar,
}

impl Sleeper {
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

/// The number of publishes, and the task that waits for the next one.
struct Watched {
    version: AtomicUsize,
    waiter: Mutex<Option<Arc<Sleeper>>>,
}

impl Watched {
    fn is_newer(&self) -> bool {
        self.version.load(Ordering::Acquire) > 0
    }

    fn register(&self, sleeper: &Arc<Sleeper>) {
        *self.waiter.lock().unwrap() = Some(Arc::clone(sleeper));
    }

    fn publish(&self) {
        self.version.store(1, Ordering::Release);
        let waiter = self.waiter.lock().unwrap().take();
        if let Some(sleeper) = waiter {
            sleeper.wake();
        }
    }
}

/// Runs one publish, and one task that waits for it in this way.
fn sees_the_publish(wait: fn(&Watched, &Arc<Sleeper>)) {
    loom::model(move || {
        let watched = Arc::new(Watched {
            version: AtomicUsize::new(0),
            waiter: Mutex::new(None),
        });
        let waits = {
            let watched = Arc::clone(&watched);
            thread::spawn(move || {
                wait(&watched, &Arc::new(Sleeper::new()));
                assert!(watched.is_newer());
            })
        };
        watched.publish();
        waits.join().unwrap();
    });
}

#[test]
#[should_panic(expected = "deadlock")]
fn check_then_register_loses_a_wake() {
    sees_the_publish(|watched, sleeper| {
        while !watched.is_newer() {
            watched.register(sleeper);
            sleeper.sleep();
        }
    });
}

#[test]
fn register_then_check_loses_none() {
    sees_the_publish(|watched, sleeper| {
        watched.register(sleeper);
        while !watched.is_newer() {
            sleeper.sleep();
            watched.register(sleeper);
        }
    });
}
