//! The suite refuses strategies and pointers that break a clause, each with that clause's
//! name. `tests/loom` has the mutants that take an interleaving.
//!
//! Not under Miri: what breaks S2 lets the suite have a `&mut` beside a guard.
#![cfg(not(any(dbuf_loom, miri)))]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests always have std"
)]

mod pointer;
#[allow(dead_code, reason = "some mutants are for the models")]
mod strategy;
mod watchdog;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use dbuf_testing::suite;
use dbuf_testing::suite::buffer;

use strategy::Mutant::{self, *};
use strategy::ThreeCounts;

suite!(unbroken: any, blocking, threads, owning, owning_threads => || {
    Arc::new(buffer(ThreeCounts::new(Unbroken)))
});

/// A test of the suite: its clauses, its name, and itself.
pub(crate) type Case = (&'static str, &'static str, Box<dyn Fn()>);

/// The messages of the tests that fail.
pub(crate) fn failures(cases: impl IntoIterator<Item = Case>) -> Vec<String> {
    let run = |(clauses, name, test): Case| {
        let run = AssertUnwindSafe(|| dbuf_testing::run(clauses, name, test));
        let message = *catch_unwind(run).err()?.downcast::<String>().unwrap();
        Some(message)
    };
    cases.into_iter().filter_map(run).collect()
}

/// Whether a message names a clause before it names a test, or the two sides.
pub(crate) fn names(message: &str, clause: &str) -> bool {
    let message = message
        .strip_prefix("behaves_as_the_oracle: ")
        .unwrap_or(message);
    let (clauses, _) = message.split_once(':').unwrap();
    clauses.split([' ', ',']).any(|named| named == clause)
}

fn refuses(mutant: Mutant, clause: &str, test: &str) {
    let new = move || Arc::new(buffer(ThreeCounts::new(mutant)));
    let failures = failures(suite!(@any list new));
    println!("{mutant:?} is refused by:\n{}", failures.join("\n"));
    let by_name = |message: &&String| names(message, clause);
    assert!(
        failures.iter().any(|message| by_name(&message)),
        "{clause} is not named"
    );
    let test = format!("{test}: ");
    assert!(
        failures
            .iter()
            .filter(by_name)
            .any(|message| message.contains(&test)),
        "{test}did not refuse it with {clause}"
    );
}

macro_rules! refuses {
    ($($clause:ident: $name:ident, $mutant:ident by $test:ident;)+) => {
        $(
            #[test]
            fn $name() {
                refuses($mutant, stringify!($clause), stringify!($test));
            }
        )+
    };
}

refuses! {
    S1: claim_is_shared, ClaimIsShared by claim_is_exclusive;
    S1: dropped_token_ends_the_claim, DroppedTokenEndsTheClaim by dropped_token_keeps_the_claim;
    S2: every_check_finishes, EveryCheckFinishes by unfinished_swap_gives_no_back;
    S5: asking_checks, AskingChecks by asking_is_no_check;
    S5: fresh_is_unfinished, FreshIsUnfinished by fresh_strategy_is_finished_and_shows_a;
    S5: claim_forgets_the_swap, ClaimForgetsTheSwap by claim_after_a_drop_continues_the_swap;
    S5: no_latch, NoLatch by queries_change_nothing;
    S6: nobody_is_woken, NobodyIsWoken by waker_is_called_by_the_last_leave;
    S6: first_waker_stays, FirstWakerStays by newest_waker_replaces_the_others;
    S7: wakes_before_the_leave, WakesBeforeTheLeave by waker_may_poll;
    S7: poll_unwinds, PollUnwinds by newest_waker_replaces_the_others;
    S8: tenth_check_finishes, TenthCheckFinishes by forgotten_guard_is_never_given_up;
    S9: front_begins_at_b, FrontBeginsAtB by fresh_strategy_is_finished_and_shows_a;
    S11: token_reaches_back, TokenReachesBack by tokens_outlive_the_strategy;
    S12: every_side_counts, EverySideCounts by overlapping_guards_do_not_hold_the_writer_up;
    S13: aside_is_free, AsideIsFree by kept_guard_stops_no_publish;
    S13: aside_is_unfinished, AsideIsUnfinished by side_that_is_set_aside_finishes_the_swap;
    S13: aside_turns_the_front, AsideTurnsTheFront by kept_guard_stops_no_publish;
    S13: spare_wakes_nobody, SpareWakesNobody by waker_is_called_by_the_last_leave_of_either_side;
    is_current: always_current, AlwaysCurrent by refresh_shows_the_newest;
}

/// S2: the oracle's message shows both sides, and the steps that led there.
#[test]
fn oracle_shows_both_sides() {
    let new = || Arc::new(buffer(ThreeCounts::new(EveryCheckFinishes)));
    let cases: [Case; 1] = [(
        "",
        "behaves_as_the_oracle",
        Box::new(move || suite::behaves_as_the_oracle(new)),
    )];
    let failure = failures(cases).pop().unwrap();
    assert!(names(&failure, "S2"), "{failure}");
    for part in [
        "S2, S8: yours Finished(true), oracle Finished(false); seed ",
        "; steps: ",
    ] {
        assert!(failure.contains(part), "{failure}");
    }
}
