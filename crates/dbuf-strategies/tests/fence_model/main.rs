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

use machine::{
    Bounds, DEEP, DEEP_HOLD, FRESH, HOLD, HOLD_OUTER, IDLE, INNER, KEEPS, KEPT, KEPT_AMONG,
    KEPT_BESIDE, Machine, Mutant, NESTED, Op, PLAIN, READ, REFRESHED, TWO_OF_THREE,
};
use stateright::{Checker, HasDiscoveries, Model};

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

/// Runs a mutant, and asserts that a property notices it.
fn fails(mutant: Mutant, scripts: Scripts, bounds: Bounds, property: &'static str) {
    let noticed = [false, true].into_iter().any(|fenced| {
        let machine = Machine {
            scripts,
            bounds,
            fenced,
            mutant: Some(mutant),
        };
        let checker = machine
            .checker()
            .threads(2)
            .finish_when(HasDiscoveries::AnyOf([property].into()))
            .spawn_dfs()
            .join();
        println!("{mutant:?}: {} states", checker.unique_state_count());
        checker.discoveries().contains_key(property)
    });
    assert!(noticed, "nothing noticed {mutant:?}");
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

#[test]
fn way_up_needs_a_barrier() {
    fails(Mutant::NoBarrierUp, [READ, IDLE], TWO, GUARDED);
}

#[test]
fn fenced_readers_must_fence() {
    fails(Mutant::NoReaderFence, [READ, IDLE], TWO, GUARDED);
}

#[test]
fn fenced_nested_readers_must_fence() {
    fails(Mutant::NoNestedFence, [HOLD_OUTER, IDLE], ROUND, GUARDED);
}

#[test]
fn unfenced_mode_needs_a_barrier() {
    fails(Mutant::NoBarrierUnfenced, [READ, IDLE], TWO, GUARDED);
}

#[test]
fn wait_needs_a_barrier_in_fenced_mode() {
    fails(Mutant::WaitFences, [READ, IDLE], TWO, WOKEN);
}

#[test]
fn compiler_must_not_load_before_the_epoch() {
    fails(Mutant::LoadBeforeEpoch, [READ, IDLE], ONE, GUARDED);
}

#[test]
fn compiler_must_not_load_asked_before_a_leave() {
    fails(Mutant::AskedBeforeLeave, [READ, IDLE], ONE, WOKEN);
}

#[test]
fn note_belongs_to_one_epoch() {
    fails(Mutant::OldNoteCounts, [PLAIN, IDLE], TWO, GUARDED);
}

#[test]
fn nested_enter_must_note() {
    fails(Mutant::NoNote, [HOLD_OUTER, IDLE], ROUND, GUARDED);
}

#[test]
fn nested_enter_must_load_again() {
    fails(Mutant::NoSecondLoad, [HOLD_OUTER, IDLE], ROUND, GUARDED);
}

#[test]
fn nested_enter_must_note_before_it_loads_again() {
    fails(Mutant::NoteAfterLoad, [HOLD_OUTER, IDLE], ROUND, GUARDED);
}

#[test]
fn nested_enter_must_take_back_what_it_noted() {
    fails(Mutant::NoteStays, [HOLD_OUTER, IDLE], ROUND, CHECKED);
}

#[test]
fn nested_leave_must_note() {
    fails(Mutant::NoNestedNote, [HOLD, IDLE], ASIDE, CHECKED);
}

#[test]
fn nested_leave_must_wake() {
    fails(Mutant::NoNestedWake, [HOLD, IDLE], ONE, WOKEN);
}

#[test]
fn nested_leave_wakes_for_its_side_only() {
    fails(Mutant::AnswersForAll, [TWO_OF_THREE, IDLE], ASIDE, WOKEN);
}

#[test]
fn check_reads_the_note() {
    fails(Mutant::LeftByEpoch, [HOLD, IDLE], ONE, CHECKED);
}

#[test]
fn reader_is_asked_for_both_sides() {
    fails(Mutant::AskedForOne, [HOLD_OUTER, IDLE], ASIDE, WOKEN);
}

#[test]
fn spare_side_is_asked() {
    fails(Mutant::SpareNotAsked, [KEEPS, READ], ASIDE, WOKEN_SPARE);
}

#[test]
fn poll_checks_the_spare_side() {
    fails(Mutant::SpareNotPolled, [KEEPS, READ], ASIDE, WOKEN_SPARE);
}

#[test]
fn spare_side_must_be_free() {
    fails(Mutant::SpareNotFree, [HOLD_OUTER, IDLE], ROUND, GUARDED);
}

#[test]
fn side_that_is_set_aside_keeps_its_stragglers() {
    fails(Mutant::SetAsideForgets, [KEEPS, IDLE], ROUND, GUARDED);
}

#[test]
fn only_the_flip_sets_the_mode() {
    fails(Mutant::ModeAfterScan, [PLAIN, IDLE], TWO, GUARDED);
}

#[test]
fn start_that_unwound_needs_a_second_scan() {
    fails(Mutant::NoSecondScan, [READ, IDLE], UNWINDS, GUARDED);
}

#[test]
fn second_scan_uses_the_mode_before_the_flip() {
    fails(Mutant::SecondScanByNewMode, [READ, IDLE], UNWINDS, GUARDED);
}

#[test]
fn view_is_checked_after_the_order() {
    fails(Mutant::ViewBeforeOrder, [FRESH, IDLE], ONE, GUARDED);
}

#[test]
fn another_straggler_is_asked() {
    fails(Mutant::AskOnce, [READ, READ], ONE, WOKEN);
}

#[test]
fn check_that_finds_stragglers_must_mark_the_word() {
    fails(Mutant::NoMark, [KEPT, IDLE], ONE, WOKEN);
}

#[test]
fn guard_that_enters_after_the_check_may_be_a_straggler() {
    fails(Mutant::MarkEntered, [KEPT, IDLE], ONE, WOKEN);
}

#[test]
fn nested_guard_with_an_earlier_note_may_be_a_straggler() {
    fails(Mutant::MarkAnnounced, [KEPT_BESIDE, IDLE], ASIDE, WOKEN);
}
