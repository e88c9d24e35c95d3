//! Tests of the modes, with a script in place of the policy, and of single steps.

#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests always have std"
)]

use alloc::sync::Arc;
use alloc::task::Wake;
use alloc::vec::Vec;
use core::task::{Context, Waker};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread;

use dbuf_core::{ArcWriter, Side, Strategy, arc};

use super::EpochStrategy;
use super::fence::Fence;
use super::note::Note;
use super::reader::{EpochGuard, EpochReader};
use super::state::EpochWriter;
use super::word::{Epoch, Word};

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// What decides the mode: 0 the policy, 1 no fences, 2 fences.
pub(super) type Script = AtomicUsize;

pub(super) fn scripted(strategy: &EpochStrategy) -> Option<bool> {
    match strategy.scripted.load(Relaxed) {
        0 => None,
        script => Some(script == 2),
    }
}

type Writer = ArcWriter<[usize; 2], EpochStrategy>;

/// Sets the mode of the next swap.
fn fences(writer: &Writer, fenced: bool) {
    let strategy = writer.strategy();
    strategy.scripted.store(1 + usize::from(fenced), Relaxed);
}

fn mode(fenced: bool) -> Fence {
    if fenced {
        Fence::Symmetric
    } else {
        Fence::Asymmetric
    }
}

/// Takes every way from mode to mode, under readers that check what they see: plain, nested
/// and overlapping.
#[test]
fn modes_change_under_readers() {
    let swaps = if cfg!(miri) { 30 } else { 20_000 };
    let (mut writer, reader) = arc([0_usize; 2], [0; 2], EpochStrategy::new());
    let adapts = writer.strategy().fence() == Fence::Asymmetric;
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for nests in [false, true] {
            let (reader, stop) = (reader.clone(), &stop);
            scope.spawn(move || {
                let mut last = 0;
                let mut guard = reader.read();
                while !stop.load(Relaxed) {
                    if !nests {
                        drop(guard);
                    }
                    let next = reader.read();
                    assert_eq!(next[0], next[1], "written under a guard");
                    assert!(next[0] >= last);
                    last = next[0];
                    guard = next;
                }
                drop(guard);
            });
        }
        for swap in 1..=swaps {
            // 0, 0, 1, 1, 0, 1: all four ways, some in a row.
            let fenced = [false, false, true, true, false, true][swap % 6];
            *writer.back_mut() = [swap; 2];
            fences(&writer, fenced);
            writer.start_swap();
            if adapts {
                assert_eq!(writer.strategy().fence(), mode(fenced));
            }
        }
        writer.finish();
        stop.store(true, Relaxed);
    });
}

/// The mode changes with a swap, but a forced one never does.
#[test]
fn forced_fences_do_not_follow_the_policy() {
    for forced in [Fence::Symmetric, Fence::Asymmetric] {
        let (mut writer, _reader) = arc([0; 2], [0; 2], EpochStrategy::with_fence(forced));
        let before = writer.strategy().fence();
        for fenced in [true, true, false] {
            fences(&writer, fenced);
            writer.swap();
            assert_eq!(writer.strategy().fence(), before);
        }
    }
}

/// The writer waits for guards of each mode, and of both at once.
#[test]
fn straggler_of_any_mode_is_waited_for() {
    for (first, second) in [(false, false), (false, true), (true, false), (true, true)] {
        let (mut writer, reader) = arc([0; 2], [0; 2], EpochStrategy::new());
        let other = reader.clone();
        fences(&writer, first);
        writer.store([1; 2]);
        writer.finish();
        let straggler = reader.read();
        fences(&writer, second);
        writer.store([2; 2]);
        let newer = other.read();
        assert_eq!((straggler[0], newer[0], writer.stragglers()), (1, 2, 1));
        let nested = reader.read();
        assert!(!writer.try_finish());
        drop(straggler);
        assert!(writer.try_finish());
        assert_eq!((nested[0], newer[0]), (2, 2));
    }
}

/// Starts a swap while a reader is between E1 and E3, and checks for stragglers while it is
/// between E3 and E4. The reader is a straggler, although its guard will be on the new side.
/// Returns that guard.
fn slip_in(
    strategy: &EpochStrategy,
    token: &mut EpochWriter,
    reader: &EpochReader,
    marked_before_e3: bool,
    check: impl Fn(&EpochStrategy, &mut EpochWriter) -> bool,
) -> EpochGuard {
    let (front, slot) = (&strategy.front, &reader.slot);
    let epoch = slot.epoch.load(Relaxed) + 1;
    let loaded = strategy.writer.with_mut(token, |writer| {
        strategy.flip(writer, front.load(Relaxed), true);
        slot.epoch.store(epoch, Relaxed); // E1
        let loaded = front.load(Relaxed); // E3
        strategy.scan(strategy.shared(), writer);
        loaded
    });
    assert!(!check(strategy, token));
    let loaded = if marked_before_e3 {
        front.load(Relaxed)
    } else {
        loaded
    };
    slot.note.store(Note::one(loaded, epoch).0, Relaxed); // E4
    EpochGuard(loaded.without_stragglers())
}

/// A guard that slipped in is on the new side and no longer current. A refresh replaces it,
/// and the leave of the old guard wakes a writer that sleeps.
#[test]
fn guard_that_slipped_in_is_released() {
    for marked_before_e3 in [false, true] {
        let strategy = EpochStrategy::with_fence(Fence::Symmetric);
        let mut token = strategy.try_claim_writer().unwrap();
        let reader = strategy.new_reader();
        let front = &strategy.front;
        for _ in 0..3 {
            let wakes = Arc::new(Wakes::default());
            let waker = Waker::from(Arc::clone(&wakes));
            let guard = slip_in(
                &strategy,
                &mut token,
                &reader,
                marked_before_e3,
                // SAFETY: this strategy's token.
                |strategy, token| unsafe {
                    let mut cx = Context::from_waker(&waker);
                    strategy.poll_finish(token, &mut cx).is_ready()
                },
            );
            assert_eq!(guard.side(), strategy.front());
            assert!(!guard.is_current(front));
            let new = reader.enter(front);
            assert_eq!(wakes.0.load(Relaxed), 0);
            reader.leave(guard);
            assert_eq!(wakes.0.load(Relaxed), 1);
            assert!(new.is_current(front) && strategy.poll_waiting(&mut token));
            assert!(new.is_current(front));
            reader.leave(new);
        }
    }
}

/// Counting stragglers is a check: a guard that slipped in is not current after it.
#[test]
fn counting_stragglers_releases_a_guard_that_slipped_in() {
    let strategy = EpochStrategy::with_fence(Fence::Symmetric);
    let mut token = strategy.try_claim_writer().unwrap();
    let reader = strategy.new_reader();
    // SAFETY: this strategy's token.
    let count =
        |strategy: &EpochStrategy, token: &mut EpochWriter| unsafe { strategy.stragglers(token) };
    let guard = slip_in(&strategy, &mut token, &reader, false, |strategy, token| {
        count(strategy, token) == 0
    });
    assert!(!guard.is_current(&strategy.front));
    assert_eq!(count(&strategy, &mut token), 0);
    reader.leave(guard);
}

/// A note says nothing in another epoch, nor once an epoch has outgrown it.
#[test]
fn note_belongs_to_one_epoch() {
    let word = Word::FRESH.next(Side::B, true);
    let sides = [Side::A, Side::B, Side::C];
    let held = |note: Note, epoch| sides.map(|side| note.may_hold(side, epoch));
    for epoch in [1, 3, Epoch::MAX >> 6] {
        assert_eq!(held(Note::one(word, epoch), epoch), [false, true, false]);
        assert_eq!(held(Note::one(word, epoch), epoch + 2), [true; 3]);
        assert_eq!(
            held(Note::one(word, epoch).into_many().with(Side::A), epoch),
            [true, true, false]
        );
        assert_eq!(
            held(Note::one(word, epoch).into_many().with(Side::A), epoch + 2),
            [true; 3]
        );
    }
    if Epoch::BITS == 64 {
        let outgrown = (Epoch::MAX >> 5) + 2;
        for side in sides {
            let note = Note::one(Word::FRESH.next(side, false), outgrown);
            assert_eq!(held(note, outgrown), [true; 3]);
        }
        assert_eq!(
            held(Note::one(word, outgrown).into_many(), outgrown),
            [true; 3]
        );
    }
}

/// The sum of the epochs grows by 2 for each read, while readers come and go and reuse
/// slots.
#[test]
fn reads_are_counted_while_readers_come_and_go() {
    let strategy = EpochStrategy::with_fence(Fence::Symmetric);
    let mut token = strategy.try_claim_writer().unwrap();
    let mut readers = Vec::new();
    let mut reads = 0;
    let mut random = 1_usize;
    for _ in 0..if cfg!(miri) { 50 } else { 2_000 } {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let pick = random >> 8;
        match random % 8 {
            0..3 => readers.push(strategy.new_reader()),
            3 if pick % 40 == 0 => readers.clear(),
            3..5 if !readers.is_empty() => drop(readers.swap_remove(pick % readers.len())),
            // SAFETY: finished, this strategy's token, and there is no data.
            5 => unsafe {
                strategy.start_swap(&mut token);
                let counted = strategy.writer.with(&token, |writer| writer.epochs);
                assert_eq!(counted, 2 * reads);
            },
            _ if !readers.is_empty() => {
                let reader = &readers[pick % readers.len()];
                reader.leave(reader.enter(&strategy.front));
                reads += 1;
            }
            _ => {}
        }
    }
}
