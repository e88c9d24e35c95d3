//! The modes, driven by hand: what the policy would decide is written down.

#![allow(clippy::std_instead_of_core, reason = "tests always have std")]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread;

use dbuf_core::{ArcWriter, arc};

use super::*;

/// 0 for the policy, 1 for no fences, 2 for fences.
pub(super) type Script = AtomicUsize;

pub(super) fn scripted(strategy: &EpochStrategy) -> Option<bool> {
    match strategy.scripted.load(Relaxed) {
        0 => None,
        script => Some(script == 2),
    }
}

type Writer = ArcWriter<[usize; 2], EpochStrategy>;

/// The mode of the next swap.
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

/// Every way from mode to mode, under readers that check what they see: plain, nested
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

/// The word changes with the swap, and a forced one never.
#[test]
fn forced_fences_do_not_follow_the_policy() {
    for forced in [Fence::Symmetric, Fence::Asymmetric] {
        let (mut writer, _reader) = arc([0; 2], [0; 2], EpochStrategy::with_fence(forced));
        let before = writer.strategy().fence();
        for fenced in [true, false, true] {
            fences(&writer, fenced);
            writer.swap();
            assert_eq!(writer.strategy().fence(), before);
        }
    }
}

/// Guards of each mode, and of both at once, hold the writer up until they go.
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

/// A guard on the new side that the scan takes for a straggler is not current any more once
/// a check has found it, and the guard that takes its place holds nobody up. Its enter may
/// end before the scan, or begin before it and end after the check.
#[test]
fn guard_that_slipped_in_is_let_go_of() {
    for ends_after_the_check in [false, true] {
        let strategy = EpochStrategy::with_fence(Fence::Symmetric);
        let mut token = strategy.try_claim_writer().unwrap();
        let reader = strategy.new_reader();
        let (front, epoch) = (&strategy.front, &reader.slot.epoch);
        for _ in 0..3 {
            let before = epoch.load(Relaxed);
            let early = strategy.writer.with_mut(&mut token, |writer| {
                strategy.flip(writer, front.load(Relaxed), true);
                let early = (!ends_after_the_check).then(|| reader.enter(front));
                // E1, of the enter that ends later.
                epoch.store(before + 1, Relaxed);
                strategy.scan(strategy.shared(), writer);
                early
            });
            assert!(early.as_ref().is_none_or(|guard| guard.is_current(front)));
            assert!(!strategy.poll_waiting(&mut token));
            let guard = early.unwrap_or_else(|| {
                epoch.store(before, Relaxed);
                reader.enter(front)
            });
            assert_eq!(guard.side(), strategy.front());
            assert!(!guard.is_current(front) && !strategy.poll_waiting(&mut token));
            let new = reader.enter(front);
            reader.leave(guard);
            assert!(new.is_current(front) && strategy.poll_waiting(&mut token));
            assert!(new.is_current(front));
            reader.leave(new);
        }
    }
}

/// What a swap saw names one epoch, and none that the reader comes to later.
#[test]
#[cfg(target_has_atomic = "64")]
fn seen_by_swap_does_not_wrap() {
    let strategy = EpochStrategy::new();
    let reader = strategy.new_reader();
    let left = seen_by_swap(1, Side::A);
    for (epoch, steps) in [(0, true), (1 << 31, false), (1 << 32, false)] {
        reader.slot.epoch.store(epoch, Relaxed);
        let outer = reader.enter(&strategy.front);
        let inner = reader.enter(&strategy.front);
        reader.slot.seen_by_swap.store(left, Relaxed);
        reader.leave(inner);
        let moved = reader.slot.epoch.load(Relaxed) - (epoch + 1);
        assert_eq!(moved == 2, steps, "{epoch}");
        reader.leave(outer);
    }
}

/// The sum of the epochs grows by 2 for each read, whichever readers come and go and take
/// each other's slots.
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

#[test]
fn stragglers_alone_lets_go_of_a_guard_that_slipped_in() {
    let strategy = EpochStrategy::with_fence(Fence::Symmetric);
    let mut token = strategy.try_claim_writer().unwrap();
    let reader = strategy.new_reader();
    let front = &strategy.front;
    let mut guard = strategy.writer.with_mut(&mut token, |writer| {
        strategy.flip(writer, front.load(Relaxed), true);
        let guard = reader.enter(front);
        strategy.scan(strategy.shared(), writer);
        guard
    });
    for _ in 0..1000 {
        // SAFETY: this strategy's token.
        if unsafe { strategy.stragglers(&token) } == 0 {
            reader.leave(guard);
            return;
        }
        if !guard.is_current(front) {
            let new = reader.enter(front);
            reader.leave(std::mem::replace(&mut guard, new));
        }
    }
    panic!("refreshed 1000 times, still a straggler");
}
