//! What goes wrong in chapter 4.
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests always have std"
)]

use std::collections::BTreeSet;
use std::sync::Arc;

use loom::sync::atomic::AtomicUsize;
use loom::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use crate::orderings::{both, outcomes};

/// Two words that are written together. They are atomic, so that a mixture is a value and not
/// undefined behaviour. `Relaxed`: the counts order them. (A leave that does not release
/// shows in no value; the chapter's program tracks the accesses.)
struct Pair([AtomicUsize; 2]);

impl Pair {
    fn new() -> Self {
        Self([AtomicUsize::new(0), AtomicUsize::new(0)])
    }

    fn read(&self) -> (usize, usize) {
        (self.0[0].load(Relaxed), self.0[1].load(Relaxed))
    }

    fn write(&self, value: usize) {
        self.0[0].store(value, Relaxed);
        self.0[1].store(value, Relaxed);
    }
}

/// The chapter's buffer, with sides 0 and 1.
struct Counted {
    front: AtomicUsize,
    guards: [AtomicUsize; 2],
    sides: [Pair; 2],
}

impl Counted {
    fn new() -> Self {
        Self {
            front: AtomicUsize::new(0),
            guards: [AtomicUsize::new(0), AtomicUsize::new(0)],
            sides: [Pair::new(), Pair::new()],
        }
    }

    fn enter(&self, checks_again: bool) -> usize {
        loop {
            let side = self.front.load(Relaxed);
            self.guards[side].fetch_add(1, Acquire);
            if !checks_again || self.front.load(Acquire) == side {
                return side;
            }
            self.guards[side].fetch_sub(1, Release);
        }
    }

    fn read(&self, checks_again: bool) -> (usize, usize) {
        let side = self.enter(checks_again);
        let pair = self.sides[side].read();
        self.guards[side].fetch_sub(1, Release);
        pair
    }

    /// Publishes 1, and writes 2 to the old side if no reader is counted there.
    fn publish_and_write_again(&self) {
        self.sides[1].write(1);
        self.front.store(1, Release);
        if self.guards[0].fetch_add(0, AcqRel) == 0 {
            self.sides[0].write(2);
        }
    }
}

/// Everything that a reader may see while the writer publishes once and writes again.
fn seen(checks_again: bool) -> BTreeSet<(usize, usize)> {
    let seen = outcomes(move || {
        let buffer = Arc::new(Counted::new());
        let writers = Arc::clone(&buffer);
        both(
            move || buffer.read(checks_again),
            move || writers.publish_and_write_again(),
        )
    });
    seen.into_iter().map(|(pair, ())| pair).collect()
}

#[test]
fn reader_that_does_not_check_again_sees_a_mixture() {
    assert!(seen(false).contains(&(2, 0)));
}

#[test]
fn reader_that_checks_again_sees_whole_values() {
    assert_eq!(seen(true), BTreeSet::from([(0, 0), (1, 1)]));
}
