//! What a property notices if a part of the protocol is left out.

use stateright::{Checker, HasDiscoveries, Model};

use crate::machine::{Bounds, Machine, Mutant};
use crate::script::{
    FRESH, HOLD, HOLD_OUTER, IDLE, KEEPS, KEPT, KEPT_BESIDE, PLAIN, READ, TWO_OF_THREE,
};
use crate::{ASIDE, CHECKED, GUARDED, ONE, ROUND, Scripts, TWO, UNWINDS, WOKEN, WOKEN_SPARE};

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
