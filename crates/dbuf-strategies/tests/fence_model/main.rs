//! A model of Epoch's protocol with its asymmetric, adaptive fence, in every order that store
//! buffers allow: epochs, notes and nested guards, the writer's sleep, and the spare side.
//!
//! loom has no barrier, so this is a model and not the code: two readers and a writer, each
//! with a buffer of stores that memory has not seen yet, and a barrier that empties the
//! writer's and then each reader's, one at a time. `machine` has the steps of `epoch`, with the
//! same names. It is as weak as x86 and no weaker: loom checks Release and Acquire.
//!
//! A model that finds nothing proves little, so mutants leave out each part of the protocol in
//! turn, and the model must notice. The release build visits more swaps and more orders, and
//! still more if it is built with `DBUF_DEEP` in the environment (minutes).
#![cfg(not(any(dbuf_loom, miri)))]
#![forbid(unsafe_code)]

mod machine;
mod mutants;
mod script;

use machine::{Bounds, Machine};
use script::{
    DEEP, DEEP_HOLD, FRESH, HOLD, HOLD_OUTER, IDLE, INNER, KEEPS, KEPT, KEPT_AMONG, KEPT_BESIDE,
    NESTED, Op, PLAIN, READ, REFRESHED, TWO_OF_THREE,
};
use stateright::{Checker, Model};

const GUARDED: &str = "S2: no guard is on the writer's side, or on a spare one that is free";
const WOKEN: &str = "S6, S12: the writer sleeps only for readers that it must await";
const WOKEN_SPARE: &str = "S13: the same for the spare side";
const CHECKED: &str = "S12: a check finds the readers that have left";
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
/// Two swaps, each into either mode.
const TWO: Bounds = Bounds { swaps: 2, ..ONE };
/// Two swaps in one mode. A side may be set aside after the first.
const ASIDE: Bounds = Bounds {
    swaps: 2,
    sets_aside: 1,
    unwinds: false,
    changes_mode: false,
};
/// Three swaps. The front may return to its first side, by way of the other two.
const ROUND: Bounds = Bounds {
    swaps: 3,
    sets_aside: 2,
    ..ASIDE
};

/// Two swaps. The start of one may unwind.
const UNWINDS: Bounds = Bounds {
    unwinds: true,
    ..TWO
};

/// Visits every state; each kind of step must have been made in one.
fn holds(scripts: Scripts, bounds: Bounds) {
    for fenced in [false, true] {
        let machine = Machine {
            scripts,
            bounds,
            fenced,
            mutant: None,
        };
        let checker = machine.checker().threads(2).spawn_bfs().join();
        println!("{} states", checker.unique_state_count());
        checker.assert_properties();
    }
}

#[test]
fn plain_reads() {
    holds([PLAIN, IDLE], TWO);
    if !DEBUG {
        holds([READ, READ], ONE);
    }
    if DEEPER {
        holds([PLAIN, READ], ONE);
        holds([PLAIN, PLAIN], TWO);
    }
}

#[test]
fn nested_reads() {
    holds([INNER, IDLE], TWO);
    if !DEBUG {
        holds([NESTED, IDLE], TWO);
    }
    if DEEPER {
        holds([INNER, READ], ONE);
        holds([NESTED, READ], TWO);
    }
}

#[test]
fn guard_that_is_kept() {
    holds([HOLD, IDLE], TWO);
    if !DEBUG {
        holds([HOLD_OUTER, IDLE], TWO);
        holds([KEEPS, READ], ONE);
    }
    if DEEPER {
        holds([KEEPS, READ], TWO);
        holds([HOLD, READ], TWO);
        holds([HOLD_OUTER, READ], TWO);
    }
}

#[test]
fn side_that_is_set_aside() {
    holds([INNER, IDLE], ASIDE);
    holds([KEEPS, IDLE], ROUND);
    if !DEBUG {
        holds([PLAIN, IDLE], ROUND);
        holds([KEEPS, READ], ASIDE);
        holds([TWO_OF_THREE, IDLE], ASIDE);
        holds([HOLD, IDLE], ROUND);
        holds([HOLD_OUTER, IDLE], ROUND);
    }
    if DEEPER {
        holds([INNER, READ], ASIDE);
        holds([NESTED, IDLE], ROUND);
        holds([HOLD_OUTER, KEEPS], ROUND);
    }
}

#[test]
fn guards_on_three_sides() {
    let orders = if DEBUG { 1 } else { DEEP.len() };
    for script in &DEEP[..orders] {
        holds([script, IDLE], ASIDE);
    }
    if !DEBUG {
        for script in DEEP_HOLD {
            holds([script, IDLE], ASIDE);
        }
    }
    if DEEPER {
        for script in DEEP.iter().chain(&DEEP_HOLD) {
            holds([script, IDLE], ROUND);
        }
    }
}

#[test]
fn guard_that_is_refreshed() {
    holds([KEPT, IDLE], ASIDE);
    if !DEBUG {
        holds([KEPT, IDLE], TWO);
        holds([REFRESHED, IDLE], ROUND);
        holds([KEPT_BESIDE, IDLE], ASIDE);
        for script in KEPT_AMONG {
            holds([script, IDLE], ASIDE);
        }
    }
    if DEEPER {
        holds([KEPT, READ], TWO);
        holds([REFRESHED, PLAIN], TWO);
    }
}

#[test]
fn reader_that_registers() {
    holds([FRESH, IDLE], TWO);
    if DEEPER {
        holds([FRESH, READ], ONE);
    }
}

#[test]
fn start_that_unwinds() {
    holds([READ, IDLE], UNWINDS);
    holds([FRESH, IDLE], UNWINDS);
    if !DEBUG {
        holds([INNER, IDLE], UNWINDS);
    }
}
