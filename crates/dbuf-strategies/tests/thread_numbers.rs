//! The numbers of threads. In a process of its own, because the first one counts.
#![cfg(not(dbuf_loom))]
#![allow(clippy::std_instead_of_core, reason = "tests always have std")]

use std::thread;

use dbuf_core::sync::{NO_THREAD, thread_number};

/// A lock that is held by thread 0 looks free.
#[test]
fn every_thread_has_a_number_of_its_own() {
    let numbers = [(); 3].map(|()| thread::spawn(|| [thread_number(), thread_number()]));
    let mut numbers = numbers.map(|thread| thread.join().unwrap());
    assert!(numbers.iter().all(|[first, second]| first == second));
    numbers.sort_unstable();
    assert!(NO_THREAD < numbers[0][0], "{numbers:?}");
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
}
