//! The asymmetric, adaptive fence of `EpochStrategy`, in every order that store
//! buffers allow.
//!
//! loom has no barrier, so this is a model and not the code: two readers and a writer,
//! each with a buffer of stores that memory has not seen yet, and a barrier that
//! empties the writer's and then each reader's, one at a time. `machine` is written
//! after the steps of `epoch` and names them alike. It is as weak as x86 and no
//! weaker: what Release and Acquire do is loom's to check.
//!
//! A model that finds nothing proves little, so each part of the protocol is left out
//! in turn and has to be missed. The release build visits more swaps and more orders,
//! and still more if it is built with `DBUF_DEEP` in the environment (minutes).
#![cfg(not(any(dbuf_loom, miri)))]
#![forbid(unsafe_code)]

mod machine;

use machine::{
    DEEP, DEEP_HOLD, FRESH, HOLD, IDLE, KEPT, KEPT_AMONG, Machine, Mutant, NESTED, Op, PLAIN, READ,
    REFRESHED,
};
use stateright::{Checker, HasDiscoveries, Model};

const GUARDED: &str = "S2: nobody is on the side that is written";
const SWAPS: u8 = if cfg!(debug_assertions) {
    1
} else if option_env!("DBUF_DEEP").is_some() {
    3
} else {
    2
};
const WOKEN: &str = "S6, S12: the writer sleeps for those only that it must await";
const NEWEST: &str = "a guard that is current shows the newest publish";

/// In how many orders three guards go.
const ORDERS: usize = if cfg!(debug_assertions) { 1 } else { 6 };

/// What the second reader does.
const OTHER: &[Op] = if cfg!(debug_assertions) { READ } else { PLAIN };

/// Visits every state; both kinds of guard must have got in the writer's way.
fn holds(scripts: [&'static [Op]; 2]) {
    explore(|fenced| Machine::new(scripts, SWAPS, fenced, None));
}

fn explore(machine: impl Fn(bool) -> Machine) {
    for fenced in [false, true] {
        let checker = machine(fenced).checker().threads(2).spawn_bfs().join();
        println!("{} states", checker.unique_state_count());
        checker.assert_properties();
    }
}

/// Leaves a part out, and asks which property notices.
fn fails(mutant: Mutant, scripts: [&'static [Op]; 2], property: &'static str) {
    fails_in(SWAPS, mutant, scripts, property);
}

fn fails_in(swaps: u8, mutant: Mutant, scripts: [&'static [Op]; 2], property: &'static str) {
    let noticed = [false, true].map(|fenced| {
        let checker = Machine::new(scripts, swaps, fenced, Some(mutant))
            .unwinding()
            .checker()
            .threads(2)
            .finish_when(HasDiscoveries::AnyFailures)
            .spawn_bfs()
            .join();
        println!("{mutant:?}: {} states", checker.unique_state_count());
        checker.discoveries().contains_key(property)
    });
    assert!(noticed.contains(&true), "nothing noticed {mutant:?}");
}

#[test]
fn plain_reads() {
    holds([PLAIN, OTHER]);
}

#[test]
fn nested_reads() {
    holds([NESTED, READ]);
}

#[test]
fn guard_that_stays() {
    holds([HOLD, READ]);
}

#[test]
fn deep_reads() {
    DEEP[..ORDERS]
        .iter()
        .for_each(|script| holds([script, READ]));
}

#[test]
fn guard_that_stays_of_three() {
    DEEP_HOLD[..ORDERS]
        .iter()
        .for_each(|script| holds([script, READ]));
}

#[test]
fn guard_that_is_refreshed() {
    holds([KEPT, READ]);
    if !cfg!(debug_assertions) {
        KEPT_AMONG.iter().for_each(|script| holds([script, READ]));
        holds([REFRESHED, OTHER]);
    }
}

#[test]
fn way_up_needs_a_barrier() {
    fails(Mutant::NoBarrierUp, [PLAIN, OTHER], GUARDED);
}

#[test]
fn fenced_readers_must_fence() {
    fails(Mutant::NoReaderFence, [PLAIN, OTHER], GUARDED);
}

#[test]
fn unfenced_mode_needs_a_barrier() {
    fails(Mutant::NoBarrierUnfenced, [PLAIN, OTHER], GUARDED);
}

#[test]
fn wait_needs_a_barrier_in_fenced_mode() {
    fails(Mutant::WaitFences, [PLAIN, OTHER], WOKEN);
}

#[test]
fn nested_reads_must_step() {
    fails(Mutant::NoStep, [HOLD, READ], WOKEN);
}

#[test]
fn first_trigger_of_the_step_is_needed() {
    fails(Mutant::NoStepOfOlder, [HOLD, READ], WOKEN);
}

#[test]
fn second_trigger_of_the_step_is_needed() {
    fails(Mutant::NoStepOfSeen, [HOLD, READ], WOKEN);
}

#[test]
fn reader_that_registers() {
    holds([FRESH, READ]);
    holds([READ, FRESH]);
}

#[test]
fn start_that_unwinds() {
    let swaps = if cfg!(debug_assertions) { 1 } else { 2 };
    explore(|fenced| Machine::new([OTHER, READ], swaps, fenced, None).unwinding());
    explore(|fenced| Machine::new([FRESH, READ], swaps, fenced, None).unwinding());
}

#[test]
fn mode_is_set_by_the_flip_alone() {
    fails_in(2, Mutant::ModeAfterScan, [PLAIN, READ], GUARDED);
}

#[test]
fn start_that_unwound_needs_a_second_scan() {
    fails(Mutant::NoSecondScan, [READ, READ], GUARDED);
}

#[test]
fn second_scan_goes_by_the_mode_before_the_flip() {
    fails(Mutant::SecondScanByNewMode, [READ, READ], GUARDED);
}

#[test]
fn view_is_checked_after_the_order() {
    fails(Mutant::ViewBeforeOrder, [FRESH, READ], GUARDED);
}

#[test]
fn another_straggler_is_asked() {
    fails(Mutant::AskOnce, [READ, READ], WOKEN);
}

#[test]
fn check_that_finds_stragglers_must_say_so() {
    fails(Mutant::NoMark, [KEPT, IDLE], WOKEN);
}

#[test]
fn stragglers_are_announced_after_the_scan() {
    fails(Mutant::MarkBeforeScan, [KEPT, IDLE], WOKEN);
}

#[test]
fn flip_takes_the_announcement_back() {
    fails_in(2, Mutant::MarkStays, [KEPT, IDLE], WOKEN);
}

#[test]
fn guard_may_be_a_straggler_that_enters_after_the_check() {
    fails(Mutant::MarkEntered, [KEPT, IDLE], WOKEN);
}
