//! Epoch's protocol with its asymmetric, adaptive fence, in every order that store buffers
//! allow: epochs, notes and nested guards, the writer's sleep, and the spare side.
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
    Bounds, DEEP, DEEP_HOLD, FRESH, HOLD, HOLD_OUTER, IDLE, INNER, KEPT, KEPT_AMONG, Machine,
    Mutant, NESTED, Op, PLAIN, READ, REFRESHED, STAYS,
};
use stateright::{Checker, HasDiscoveries, Model};

const GUARDED: &str = "S2: nobody is on the writer's side, or on a spare one that is free";
const WOKEN: &str = "S6, S12: the writer sleeps for those only that it must await";
const WOKEN_SPARE: &str = "S13: and for those on the spare side";
const CHECKED: &str = "S12: a check finds who has left";
const NEWEST: &str = "a guard that is current shows the newest publish";

const DEBUG: bool = cfg!(debug_assertions);
const DEEPER: bool = option_env!("DBUF_DEEP").is_some();

type Scripts = [&'static [Op]; 2];

/// One swap into either mode.
const ONE: Bounds = Bounds {
    swaps: 1,
    sets_aside: 0,
    unwinds: false,
    changes_mode: true,
};
/// Two.
const TWO: Bounds = Bounds { swaps: 2, ..ONE };
/// Two in one mode, after the first of which a side may be set aside.
const ASIDE: Bounds = Bounds {
    swaps: 2,
    sets_aside: 1,
    unwinds: false,
    changes_mode: false,
};
/// The front comes round to its first side, if that is set aside, free and taken again.
const ROUND: Bounds = Bounds {
    swaps: 3,
    sets_aside: 2,
    ..ASIDE
};

/// Visits every state; each kind of step must have been made in one.
fn holds(scripts: Scripts, bounds: Bounds) {
    for fenced in [false, true] {
        let began = std::time::Instant::now();
        let machine = Machine {
            scripts,
            bounds,
            fenced,
            mutant: None,
        };
        let checker = machine.checker().threads(2).spawn_bfs().join();
        println!("{} states {:?}", checker.unique_state_count(), began.elapsed());
        checker.assert_properties();
    }
}

/// Leaves a part out, and asks which property notices.
fn fails(mutant: Mutant, scripts: Scripts, bounds: Bounds, property: &'static str) {
    let noticed = [false, true].map(|fenced| {
        let machine = Machine {
            scripts,
            bounds,
            fenced,
            mutant: Some(mutant),
        };
        let checker = machine
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
    holds([PLAIN, READ], ONE);
    holds([PLAIN, READ], TWO);
}

#[test]
fn nested_reads() {
    holds([INNER, IDLE], TWO);
    holds([NESTED, IDLE], TWO);
    holds([NESTED, READ], ONE);
}

#[test]
fn spare_alone() {
    holds([INNER, IDLE], ASIDE);
    holds([NESTED, IDLE], ASIDE);
    holds([DEEP[0], IDLE], ASIDE);
    holds([DEEP[0], IDLE], ROUND);
}

#[test]
fn spare_two() {
    holds([STAYS, READ], ASIDE);
    holds([INNER, READ], ASIDE);
}

#[test]
fn kept() {
    holds([KEPT, IDLE], TWO);
    holds([KEPT, READ], ONE);
    KEPT_AMONG.iter().for_each(|script| holds([script, IDLE], ASIDE));
}
