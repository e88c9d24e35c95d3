//! What goes wrong in chapter 10.
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests always have std"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicIsize};

use loom::cell::UnsafeCell;
use loom::sync::atomic::{AtomicBool as Flag, AtomicUsize, Ordering};
use loom::thread;

const GUARD: usize = 2;

fn side(word: usize) -> usize {
    word % GUARD
}

/// Two copies, one reader and its word.
struct Flash {
    word: AtomicUsize,
    residue: AtomicUsize,
    copies: [UnsafeCell<u32>; 2],
}

// SAFETY: none of its own. The model checker tracks the cells, and reports a read during a
// write.
unsafe impl Sync for Flash {}

impl Flash {
    fn new() -> Self {
        Self {
            word: AtomicUsize::new(0),
            residue: AtomicUsize::new(0),
            copies: [UnsafeCell::new(0), UnsafeCell::new(0)],
        }
    }

    fn read(&self) -> u32 {
        let guard = side(self.word.fetch_add(GUARD, Ordering::Acquire));
        // SAFETY: what the model is about.
        let value = self.copies[guard].with(|value| unsafe { *value });
        let remove = |word| (side(word) == guard).then(|| word - GUARD);
        let left = self
            .word
            .fetch_update(Ordering::Release, Ordering::Relaxed, remove);
        if left.is_err() {
            self.residue.fetch_sub(1, Ordering::Release);
        }
        value
    }

    fn write(&self, copy: usize, value: u32) {
        // SAFETY: what the model is about.
        self.copies[copy].with_mut(|copy| unsafe { *copy = value });
    }

    /// Publishes the second copy, and writes the first one again if no guard is there.
    fn publish_and_write_again(&self, flip: fn(&AtomicUsize) -> usize) {
        self.write(1, 1);
        let guards = flip(&self.word) / GUARD;
        let residue = self.residue.fetch_add(guards, Ordering::Acquire);
        if residue.wrapping_add(guards) == 0 {
            self.write(0, 2);
        }
    }
}

fn reads_beside_a_publish(flip: fn(&AtomicUsize) -> usize) {
    loom::model(move || {
        let flash = Arc::new(Flash::new());
        let writes = {
            let flash = Arc::clone(&flash);
            thread::spawn(move || flash.publish_and_write_again(flip))
        };
        assert!(flash.read() <= 1);
        writes.join().unwrap();
    });
}

#[test]
#[should_panic(expected = "Causality violation")]
fn flip_in_two_steps_misses_a_guard() {
    reads_beside_a_publish(|word| {
        let before = word.load(Ordering::Acquire);
        word.store(1, Ordering::Release);
        before
    });
}

#[test]
fn flip_in_one_step_finds_every_guard() {
    reads_beside_a_publish(|word| word.swap(1, Ordering::AcqRel));
}

/// Returns whether in some interleaving Ann reads the new side and tells Bob, and Bob then reads
/// the old one. Each uses the word with that number.
fn bob_is_behind_ann(ann: usize, bob: usize) -> bool {
    let seen = Arc::new(AtomicBool::new(false));
    let in_model = Arc::clone(&seen);
    loom::model(move || {
        let words = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
        let told = Arc::new(Flag::new(false));
        let publishes = {
            let words = Arc::clone(&words);
            thread::spawn(move || {
                for word in words.iter() {
                    word.swap(1, Ordering::AcqRel);
                }
            })
        };
        let reads = {
            let (words, told) = (Arc::clone(&words), Arc::clone(&told));
            thread::spawn(move || {
                let first = side(words[ann].fetch_add(GUARD, Ordering::Acquire));
                let second = side(words[ann].fetch_add(GUARD, Ordering::Acquire));
                assert!(first <= second, "a reader never goes back");
                if second == 1 {
                    told.store(true, Ordering::Release);
                }
            })
        };
        if told.load(Ordering::Acquire) && side(words[bob].fetch_add(GUARD, Ordering::Acquire)) == 0
        {
            in_model.store(true, Ordering::Relaxed);
        }
        publishes.join().unwrap();
        reads.join().unwrap();
    });
    seen.load(Ordering::Relaxed)
}

#[test]
fn a_publish_is_not_one_point_for_all() {
    assert!(bob_is_behind_ann(0, 1), "each has a word of its own");
    assert!(!bob_is_behind_ann(0, 0), "they share one");
}

#[test]
fn marking_by_addition_is_undone_by_the_second_poll() {
    use std::sync::atomic::Ordering::Relaxed;

    let waits = |residue: &AtomicIsize| residue.load(Relaxed) < 0;
    let residue = AtomicIsize::new(1);
    residue.fetch_add(isize::MIN, Relaxed);
    assert!(waits(&residue));
    residue.fetch_add(isize::MIN, Relaxed);
    assert!(!waits(&residue), "the mark is gone, so no leave wakes");

    let residue = AtomicIsize::new(1);
    residue.fetch_or(isize::MIN, Relaxed);
    residue.fetch_or(isize::MIN, Relaxed);
    assert!(waits(&residue));
}
