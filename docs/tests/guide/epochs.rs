//! What goes wrong in chapter 6.
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests always have std"
)]

use std::collections::BTreeSet;
use std::sync::Arc;

use loom::cell::UnsafeCell;
use loom::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use loom::sync::atomic::{AtomicUsize, fence};

use crate::orderings::{both, outcomes};

/// The step that is missing.
#[derive(Clone, Copy, PartialEq)]
enum Missing {
    Nothing,
    ScanAfterTheFlip,
    ReadersFence,
    WritersFence,
    ReleaseOfTheEnter,
}

/// The chapter's buffer, with sides 0 and 1 and one reader.
struct Epochs {
    front: AtomicUsize,
    epoch: AtomicUsize,
    sides: [UnsafeCell<usize>; 2],
    missing: Missing,
}

// SAFETY: loom tracks the accesses to the sides, and panics before two of them meet.
unsafe impl Sync for Epochs {}

impl Epochs {
    fn new(missing: Missing) -> Self {
        Self {
            front: AtomicUsize::new(0),
            epoch: AtomicUsize::new(0),
            sides: [UnsafeCell::new(0), UnsafeCell::new(0)],
            missing,
        }
    }

    fn read(&self) -> usize {
        let epoch = self.epoch.load(Relaxed);
        let enter = if self.missing == Missing::ReleaseOfTheEnter {
            Relaxed
        } else {
            Release
        };
        self.epoch.store(epoch + 1, enter);
        if self.missing != Missing::ReadersFence {
            fence(SeqCst);
        }
        let side = self.front.load(Acquire);
        // SAFETY: as for `Sync`.
        let value = self.sides[side].with(|value| unsafe { *value });
        self.epoch.store(epoch + 2, Release);
        value
    }

    fn write(&self, side: usize, value: usize) {
        // SAFETY: as for `Sync`.
        self.sides[side].with_mut(|copy| unsafe { *copy = value });
    }

    fn scan(&self) -> usize {
        self.epoch.load(Acquire)
    }

    /// Publishes 1, and writes 2 to the old side if its reader has left. Returns whether it has.
    fn publish_and_write_again(&self) -> bool {
        self.write(1, 1);
        let early = (self.missing == Missing::ScanAfterTheFlip).then(|| self.scan());
        self.front.store(1, Release);
        if self.missing != Missing::WritersFence {
            fence(SeqCst);
        }
        let found = early.unwrap_or_else(|| self.scan());
        let has_left = found % 2 == 0 || self.scan() != found;
        if has_left {
            self.write(0, 2);
        }
        has_left
    }
}

/// What two reads see, and whether the writer wrote again, over all executions.
fn check(missing: Missing) -> BTreeSet<((usize, usize), bool)> {
    outcomes(move || {
        let buffer = Arc::new(Epochs::new(missing));
        let writers = Arc::clone(&buffer);
        both(
            move || (buffer.read(), buffer.read()),
            move || writers.publish_and_write_again(),
        )
    })
}

#[test]
fn epochs_keep_the_writer_away() {
    let seen = check(Missing::Nothing);
    let values: BTreeSet<_> = seen.iter().map(|(values, _)| *values).collect();
    assert_eq!(values, BTreeSet::from([(0, 0), (0, 1), (1, 1)]));
    for wrote_again in [false, true] {
        assert!(seen.iter().any(|(_, wrote)| *wrote == wrote_again));
    }
}

#[test]
#[should_panic(expected = "Causality violation")]
fn scan_before_the_flip_misses_a_reader() {
    check(Missing::ScanAfterTheFlip);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn reader_without_a_fence_is_missed() {
    check(Missing::ReadersFence);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn writer_without_a_fence_misses_one() {
    check(Missing::WritersFence);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn relaxed_enter_hides_that_the_reads_are_over() {
    check(Missing::ReleaseOfTheEnter);
}
