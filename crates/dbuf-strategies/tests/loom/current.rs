//! A model of a reader that keeps a guard on a side that was set aside, and refreshes another.

use std::sync::Arc;
use std::task::{Context, Wake, Waker};

use dbuf_core::BlockingStrategy;
use dbuf_core::sync::atomic::{AtomicBool, Ordering};

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        // Relaxed: loaded after the threads were joined.
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A swap that was checked does not wait for a guard that is current.
fn checked_swap_does_not_wait_for_a_current_guard<S: BlockingStrategy + 'static>(new: fn() -> S) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(Some(2));
    builder.check(move || {
        let strategy = Arc::new(new());
        let mut writer = strategy.try_claim_writer().unwrap();
        let reader = strategy.new_reader();
        let woken = Arc::new(Flag(AtomicBool::new(false)));
        // SAFETY: C1, C3, C4 and C6 by the names; C2 and C7 as asserted; there is no data (C5).
        unsafe {
            let kept = strategy.acquire(&reader);
            strategy.start_swap(&mut writer);
            assert!(!strategy.try_finish(&mut writer));
            assert!(strategy.try_free_spare(&mut writer));
            strategy.set_aside(&mut writer);
            core::mem::forget(kept);
        }
        let enters = {
            let strategy = Arc::clone(&strategy);
            loom::thread::spawn(move || {
                // SAFETY: C1 and C4, by the names.
                let guard = unsafe { strategy.acquire(&reader) };
                (reader, guard)
            })
        };
        let waits = {
            let strategy = Arc::clone(&strategy);
            let waker = Waker::from(Arc::clone(&woken));
            loom::thread::spawn(move || {
                // SAFETY: C1 and C2: finished by `set_aside`.
                unsafe { strategy.start_swap(&mut writer) };
                // SAFETY: C1 and C4, by the names.
                let poll =
                    unsafe { strategy.poll_finish(&mut writer, &mut Context::from_waker(&waker)) };
                (writer, poll.is_pending())
            })
        };
        let (reader, mut guard) = enters.join().unwrap();
        let (mut writer, sleeps) = waits.join().unwrap();
        // Refresh until the guard is current.
        for _ in 0..3 {
            // SAFETY: C1 and C4, by the names.
            unsafe {
                if strategy.is_current(&reader, &guard) {
                    break;
                }
                let newer = strategy.acquire(&reader);
                strategy.release(&reader, core::mem::replace(&mut guard, newer));
            }
        }
        assert_eq!(S::side(&guard), strategy.front());
        // Relaxed: all threads were joined.
        assert!(
            !sleeps || woken.0.load(Ordering::Relaxed),
            "the writer sleeps for a guard that is current"
        );
        // SAFETY: C1, by the names.
        assert!(
            unsafe { strategy.try_finish(&mut writer) },
            "the swap waits for a side without a guard"
        );
        core::mem::forget((reader, guard, writer));
    });
}

#[test]
fn epoch() {
    checked_swap_does_not_wait_for_a_current_guard(dbuf_strategies::EpochStrategy::new);
}

#[test]
fn flash() {
    checked_swap_does_not_wait_for_a_current_guard(dbuf_strategies::FlashStrategy::new);
}

#[test]
fn count() {
    checked_swap_does_not_wait_for_a_current_guard(dbuf_strategies::CountStrategy::new);
}
