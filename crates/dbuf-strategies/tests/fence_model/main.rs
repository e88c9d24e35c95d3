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
//! in turn and has to be missed. The release build looks at more swaps and more orders.
#![cfg(not(any(dbuf_loom, miri)))]
#![forbid(unsafe_code)]

mod machine;

use machine::{DEEP, DEEP_HOLD, HOLD, Machine, Mutant, NESTED, Op, PLAIN, READ};
use stateright::{Checker, HasDiscoveries, Model};

const GUARDED: &str = "S2: nobody is on the side that is written";
const SWAPS: u8 = if cfg!(debug_assertions) { 1 } else { 3 };
const WOKEN: &str = "S6, S12: the writer sleeps for those only whom it must await";

/// In how many orders three guards go.
const ORDERS: usize = if cfg!(debug_assertions) { 1 } else { 6 };

/// What the second reader does.
const OTHER: &[Op] = if cfg!(debug_assertions) { READ } else { PLAIN };

/// Looks at everything; both kinds of guard must have got in the writer's way.
fn holds(scripts: [&'static [Op]; 2]) {
    for fenced in [false, true] {
        let checker = Machine::new(scripts, SWAPS, fenced, None)
            .checker()
            .threads(2)
            .spawn_bfs()
            .join();
        println!("{} states", checker.unique_state_count());
        checker.assert_properties();
    }
}

/// Leaves a part out, and asks which property notices.
fn fails(mutant: Mutant, scripts: [&'static [Op]; 2], property: &'static str) {
    let noticed = [false, true].map(|fenced| {
        let checker = Machine::new(scripts, SWAPS, fenced, Some(mutant))
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
    fails(Mutant::NoStepOfFound, [HOLD, READ], WOKEN);
}
