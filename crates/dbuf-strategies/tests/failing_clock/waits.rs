//! Waits with a limit, and the fence's cost, by a clock that fails, jumps or stands still.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use dbuf_strategies::EpochStrategy;
use dbuf_strategies::core::{
    BlockingStrategy, ConcurrentCell, DoubleBuffer, OnStraggler, OpWriter, Operation, Strategy,
    Writer, arc,
};

use crate::common::with_every_strategy;
use crate::failing_clock::{Clock, unwinds_after, with_clock};
use crate::process::passes;

const SHORT: Duration = Duration::from_millis(1);
const LONG: Duration = Duration::from_secs(3600);
/// A wait reads the clock less often before it sleeps.
const READS: usize = 6;

/// A clock that jumps at each of the first reads, and one that stands still.
fn odd_clocks() -> impl Iterator<Item = Clock> {
    let jumps = (0..READS).map(Clock::Jumps);
    jumps.chain([Clock::StandsStill(None)])
}

/// Runs a wait that unwinds at the first read of the clock, at the second, and so on until one
/// does not. Returns how many unwound.
fn unwound(mut wait: impl FnMut(usize) -> bool) -> usize {
    let unwound = (0..100).find(|&works| !wait(works));
    unwound.expect("a short wait reads the clock without end")
}

with_every_strategy! { each:
    wait_without_a_clock_keeps_the_swap
    wait_by_an_odd_clock_ends_when_the_reader_leaves
    store_without_a_clock_keeps_the_cell
    write_by_an_odd_clock_is_made
}

struct Add(u64);

impl Operation<u64> for Add {
    fn apply(&mut self, target: &mut u64, (): &()) {
        *target += self.0;
    }
}

mod each {
    use super::*;

    pub(super) fn wait_without_a_clock_keeps_the_swap<S: BlockingStrategy>(new: fn() -> S) {
        let unwound = unwound(|works| {
            let (mut writer, reader) = arc(0, 0, new());
            let guard = reader.read();
            *writer.back_mut() = 1;
            writer.start_swap();
            let mut finished = false;
            let unwound = unwinds_after(works, || finished = writer.finish_timeout(SHORT));
            assert!(!finished && writer.is_swapping());
            assert!(writer.try_back_mut().is_none(), "&mut under a guard");
            assert_eq!((*guard, *reader.read()), (0, 1));
            drop(guard);
            assert!(writer.finish_timeout(LONG));
            writer.store(2);
            assert_eq!(*reader.read(), 2);
            unwound
        });
        assert!(unwound >= 2, "the wait does not use the clock");
    }

    pub(super) fn wait_by_an_odd_clock_ends_when_the_reader_leaves<S>(new: fn() -> S)
    where
        S: BlockingStrategy + Strategy<ReaderToken: Send>,
    {
        for clock in odd_clocks() {
            let (mut writer, reader) = arc(0, 0, new());
            let newest = reader.clone();
            let [held, started] = [(); 2].map(|()| Barrier::new(2));
            thread::scope(|scope| {
                scope.spawn(|| {
                    let reader = reader;
                    let guard = reader.read();
                    held.wait();
                    started.wait();
                    assert_eq!(*guard, 0);
                });
                held.wait();
                *writer.back_mut() = 1;
                writer.start_swap();
                assert!(writer.try_back_mut().is_none());
                started.wait();
                // A clock that jumps may end it earlier.
                let finished = with_clock(clock, || writer.finish_timeout(LONG));
                assert!(finished || matches!(clock, Clock::Jumps(_)));
                writer.finish();
            });
            *writer.back_mut() = 2;
            assert_eq!(*newest.read(), 1);
        }
    }

    /// Guards of two old values stop every store.
    pub(super) fn store_without_a_clock_keeps_the_cell<S: BlockingStrategy>(new: fn() -> S) {
        let unwound = unwound(|works| {
            let cell = ConcurrentCell::with_strategy(0, new());
            let (held, go) = (Barrier::new(2), Barrier::new(2));
            thread::scope(|scope| {
                // On another thread, or the store would refuse to wait for its own thread.
                scope.spawn(|| {
                    let first = cell.read();
                    cell.store(1);
                    let second = cell.read();
                    cell.store(2);
                    held.wait();
                    go.wait();
                    assert_eq!((*first, *second), (0, 1));
                });
                held.wait();
                let mut stored = Ok(());
                let unwound = unwinds_after(works, || stored = cell.store_timeout(3, SHORT));
                assert!(unwound || stored == Err(3));
                assert_eq!((cell.try_store(4), cell.load()), (Err(4), 2));
                go.wait();
                cell.store(5);
                assert_eq!(cell.load(), 5);
                unwound
            })
        });
        assert!(unwound >= 2, "the wait does not use the clock");
    }

    /// The writer waits for the reader, or sets its side aside because the time seems to be over.
    pub(super) fn write_by_an_odd_clock_is_made<S>(new: fn() -> S)
    where
        S: BlockingStrategy + Strategy<ReaderToken: Send>,
    {
        for clock in odd_clocks() {
            let (writer, reader) = arc(0, 0, new());
            let newest = reader.clone();
            let mut writer = OpWriter::<_, Add>::new(writer);
            writer.on_straggler(OnStraggler::Spare {
                after: LONG,
                up_to: 1,
            });
            let [held, started] = [(); 2].map(|()| Barrier::new(2));
            thread::scope(|scope| {
                scope.spawn(|| {
                    let reader = reader;
                    let guard = reader.read();
                    held.wait();
                    started.wait();
                    assert_eq!(*guard, 0);
                });
                held.wait();
                writer.write().apply(Add(1));
                started.wait();
                with_clock(clock, || writer.write().apply(Add(2)));
                assert_eq!(*newest.read(), 3);
            });
            writer.write().apply(Add(4));
            writer.catch_up();
            assert_eq!((*newest.read(), *writer.front()), (7, 7));
            assert_eq!(*writer.write(), 7, "the other copy");
        }
    }
}

/// Epoch compares what fences and barriers cost. A clock that is wrong costs speed only.
#[test]
fn publishes_by_an_odd_clock_give_no_back_under_a_guard() {
    for clock in odd_clocks() {
        with_clock(clock, || {
            publishes(&DoubleBuffer::new(0, 0, EpochStrategy::new()));
        });
    }
}

/// Publishes with and without reads in between, so that readers fence and stop to.
fn publishes(buffer: &DoubleBuffer<u64, EpochStrategy>) {
    let (mut writer, reader) = dbuf_strategies::core::split(buffer).unwrap();
    for value in 1..=300 {
        let old = reader.read();
        *writer.try_back_mut().unwrap() = value;
        writer.start_swap();
        assert!(writer.try_back_mut().is_none(), "&mut under a guard");
        assert_eq!((*old, *reader.read()), (value - 1, value));
        drop(old);
        if value > 100 && value < 200 {
            (0..50).for_each(|_| assert_eq!(*reader.read(), value));
        }
    }
}

/// The first claim of a process measures a fence. Each of its reads of the clock fails, or is
/// the first that is years ahead.
#[test]
fn first_claim_by_an_odd_clock_is_made_or_can_be_made_again() {
    let test = "first_claim_by_an_odd_clock_is_made_or_can_be_made_again";
    let test = format!("waits::{test}");
    // 32 reads, with the first few of the publishes.
    for number in 0..72 {
        passes(&test, number, |number| {
            let buffer = DoubleBuffer::new(0, 0, EpochStrategy::new());
            let claim = || drop(Writer::claim(&buffer).unwrap());
            if number % 2 == 0 {
                let _ = unwinds_after(number / 2, claim);
            } else {
                with_clock(Clock::Jumps(number / 2), claim);
            }
            publishes(&buffer);
        });
    }
}
