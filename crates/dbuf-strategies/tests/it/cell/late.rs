//! Cells that destructors of thread locals use, when their thread's slots have ended.

use std::mem::forget;
use std::task::Waker;

use dbuf_strategies::{CellGuard, ConcurrentCell, EpochStrategy};

use super::AnyCell;
use crate::common::{elsewhere, late, on_wake, panics_with, poll};

/// Guards outlive their thread's slots, and ended threads keep nothing. The first use of a thread
/// may be in a destructor.
#[test]
fn a_static_cell_is_used_by_threads_that_end() {
    static CELL: ConcurrentCell<usize> = ConcurrentCell::new(0);
    for round in 0..if cfg!(miri) { 3 } else { 100 } {
        let thread = late(move || {
            let mut guards = Vec::new();
            if round % 2 == 0 {
                for _ in 0..2 {
                    guards.push(CELL.read());
                    CELL.update(|_| ());
                }
            }
            move || {
                if let Some(guard) = guards.pop() {
                    assert_eq!((*guard, *CELL.read()), (round, round));
                    panics_with(|| CELL.store(0), "holds a guard");
                    drop(guard);
                    CELL.update(|_| ());
                    drop(guards);
                }
                CELL.update(|n| *n += 1);
            }
        });
        thread.join();
        assert_eq!((CELL.load(), CELL.stragglers()), (round + 1, 0));
    }
}

/// Two guards are kept until the thread's end. One is refreshed there, and its release calls a
/// waker that uses the cell.
#[test]
fn guards_outlive_their_threads_slots() {
    static CELL: AnyCell<usize, EpochStrategy> = AnyCell::with_strategy(0, EpochStrategy::new());
    for forgets in [false, false, true] {
        let thread = late(move || {
            let first = CELL.read();
            elsewhere(|| CELL.update(|n| *n += 1));
            let mut last = CELL.read();
            move || {
                assert_eq!(CELL.try_store(9), Err(9));
                let now = CELL.load();
                CellGuard::refresh(&mut last);
                assert_eq!(*last, now);
                drop(first);
                if forgets {
                    forget(last);
                    CELL.store(now + 1);
                    forget(CELL.read());
                    CELL.store(now + 2);
                    panics_with(|| CELL.store(0), "holds a guard");
                    return;
                }
                // Two more swaps with a guard on each side, and a task that waits.
                elsewhere(|| CELL.store(now + 1));
                let second = CELL.read();
                elsewhere(|| CELL.store(now + 2));
                let waker = on_wake(move || {
                    assert_eq!(CELL.load(), now + 2);
                    CELL.store(now + 3);
                    let guard = CELL.read();
                    assert_eq!(CELL.try_store(9), Err(9));
                    assert_eq!(*guard, now + 3);
                });
                let mut task = Box::pin(CELL.store_async(now + 4));
                assert!(poll(task.as_mut(), &waker).is_pending());
                drop(last);
                assert_eq!((CELL.load(), *second), (now + 3, now + 1), "not woken");
                while poll(task.as_mut(), Waker::noop()).is_pending() {}
                assert_eq!(CELL.load(), now + 4);
            }
        });
        thread.join();
    }
}
