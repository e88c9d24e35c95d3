//! What goes wrong in chapter 5. The litmus tests compare *all* possible results with those
//! that the chapter names.
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests always have std"
)]

use std::collections::BTreeSet;
use std::mem;
use std::sync::{Arc, Mutex};

use loom::sync::atomic::Ordering::{self, AcqRel, Acquire, Relaxed, Release, SeqCst};
use loom::sync::atomic::{AtomicUsize, fence};

/// The results of a program, over all its executions.
pub(crate) fn outcomes<T>(program: impl Fn() -> T + Send + Sync + 'static) -> BTreeSet<T>
where
    T: Ord + Send + 'static,
{
    let seen = Arc::new(Mutex::new(BTreeSet::new()));
    let in_model = Arc::clone(&seen);
    loom::model(move || {
        let outcome = program();
        in_model.lock().unwrap().insert(outcome);
    });
    mem::take(&mut *seen.lock().unwrap())
}

/// Runs one program in another thread, and the other one in this.
pub(crate) fn both<A: 'static, B>(
    one: impl FnOnce() -> A + 'static,
    other: impl FnOnce() -> B,
) -> (A, B) {
    let one = loom::thread::spawn(one);
    let other = other();
    (one.join().unwrap(), other)
}

/// Two words that begin at 0, and two threads.
fn litmus<A, B>(
    one: impl Fn(&AtomicUsize, &AtomicUsize) -> A + Copy + Send + Sync + 'static,
    other: impl Fn(&AtomicUsize, &AtomicUsize) -> B + Copy + Send + Sync + 'static,
) -> BTreeSet<(A, B)>
where
    A: Ord + Send + 'static,
    B: Ord + Send + 'static,
{
    outcomes(move || {
        let words = Arc::new((AtomicUsize::new(0), AtomicUsize::new(0)));
        let shared = Arc::clone(&words);
        both(
            move || one(&shared.0, &shared.1),
            || other(&words.0, &words.1),
        )
    })
}

/// Everything that the second thread may see, as (flag, data).
fn message_passing(store: Ordering, load: Ordering) -> BTreeSet<(usize, usize)> {
    let seen = litmus(
        move |data, flag| {
            data.store(1, Relaxed);
            flag.store(1, store);
        },
        move |data, flag| (flag.load(load), data.load(Relaxed)),
    );
    seen.into_iter().map(|((), seen)| seen).collect()
}

/// The second thread sees the flag, but not the message.
const FLAG_WITHOUT_DATA: (usize, usize) = (1, 0);

#[test]
fn relaxed_flag_may_come_without_its_message() {
    for (store, load) in [(Relaxed, Relaxed), (Release, Relaxed), (Relaxed, Acquire)] {
        assert_eq!(
            message_passing(store, load),
            BTreeSet::from([(0, 0), (0, 1), FLAG_WITHOUT_DATA, (1, 1)])
        );
    }
}

#[test]
fn released_flag_brings_its_message() {
    assert_eq!(
        message_passing(Release, Acquire),
        BTreeSet::from([(0, 0), (0, 1), (1, 1)])
    );
}

/// What the threads may load of each other's word, with these fences between store and load.
fn store_buffering(one: Option<Ordering>, other: Option<Ordering>) -> BTreeSet<(usize, usize)> {
    let step = |mine: &AtomicUsize, yours: &AtomicUsize, between: Option<Ordering>| {
        mine.store(1, Release);
        if let Some(ordering) = between {
            fence(ordering);
        }
        yours.load(Acquire)
    };
    litmus(move |x, y| step(x, y, one), move |x, y| step(y, x, other))
}

/// Both threads miss the other's store.
const BOTH_MISS: (usize, usize) = (0, 0);

#[test]
fn release_and_acquire_let_both_threads_miss_the_other() {
    let weaker = [
        (None, None),
        (Some(SeqCst), None),
        (None, Some(SeqCst)),
        (Some(AcqRel), Some(AcqRel)),
    ];
    for (one, other) in weaker {
        assert!(store_buffering(one, other).contains(&BOTH_MISS));
    }
}

#[test]
fn fence_on_each_side_lets_at_most_one_miss() {
    assert_eq!(
        store_buffering(Some(SeqCst), Some(SeqCst)),
        BTreeSet::from([(0, 1), (1, 0), (1, 1)])
    );
}

/// Everything that the second thread may see, as (word, data), when the first stores the data
/// and then changes the word twice.
fn second_change(
    change: impl Fn(&AtomicUsize) + Copy + Send + Sync + 'static,
) -> BTreeSet<(usize, usize)> {
    let seen = litmus(
        move |data, word| {
            data.store(1, Relaxed);
            word.store(1, Release);
            change(word);
        },
        |data, word| (word.load(Acquire), data.load(Relaxed)),
    );
    seen.into_iter().map(|((), seen)| seen).collect()
}

#[test]
fn relaxed_store_ends_the_release_sequence() {
    let seen = second_change(|word| word.store(2, Relaxed));
    assert!(seen.contains(&(2, 0)));
    assert!(!seen.contains(&(1, 0)));
}

#[test]
fn release_store_or_read_modify_write_goes_on_with_it() {
    let released = second_change(|word| word.store(2, Release));
    assert!(!released.contains(&(2, 0)));
    assert!(released.contains(&(2, 1)));
    let added = second_change(|word| {
        word.fetch_add(1, Relaxed);
    });
    assert_eq!(added, released);
}

/// Chapter 4's enter and check, as (front that the reader loads last, count that the writer
/// finds).
fn count_and_check(
    check: impl Fn(&AtomicUsize) -> usize + Copy + Send + Sync + 'static,
) -> BTreeSet<(usize, usize)> {
    litmus(
        |count, front| {
            count.fetch_add(1, Acquire);
            front.load(Acquire)
        },
        move |count, front| {
            front.store(1, Release);
            check(count)
        },
    )
}

#[test]
fn check_by_a_load_misses_the_count_that_misses_the_flip() {
    assert!(count_and_check(|count| count.load(Acquire)).contains(&BOTH_MISS));
    // The check must also release the flip.
    assert!(count_and_check(|count| count.fetch_add(0, Acquire)).contains(&BOTH_MISS));
}

#[test]
fn check_by_a_read_modify_write_comes_before_or_after_the_count() {
    assert_eq!(
        count_and_check(|count| count.fetch_add(0, AcqRel)),
        BTreeSet::from([(0, 1), (1, 0), (1, 1)])
    );
}
