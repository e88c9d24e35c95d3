//! The models refuse strategies that break a clause in some interleaving alone, each with that
//! clause's name. Run by `.ci/loom`.
#![cfg(dbuf_loom)]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests always have std"
)]

#[allow(dead_code, reason = "some mutants are for the suite")]
#[path = "../mutants/strategy.rs"]
mod strategy;

use std::env;
use std::process::Command;

use dbuf_testing::models;

use strategy::Mutant::*;
use strategy::ThreeCounts;

models!(unbroken: any, spare, slots => || ThreeCounts::new(Unbroken));

/// A model: its clauses, its name, and itself.
type Case = (&'static str, &'static str, fn());

/// Set in the process that runs a model.
const RUNS: &str = "DBUF_MUTANT_RUNS";

/// Runs a model in a process of its own: what the model checker drops after a failure may
/// abort.
fn refuses(myself: &str, cases: impl IntoIterator<Item = Case>, clause: &str, model: &str) {
    let (clauses, name, body) = cases
        .into_iter()
        .find(|(_, name, _)| *name == model)
        .unwrap();
    assert!(clauses.split(' ').any(|named| named == clause));
    if env::var_os(RUNS).is_some() {
        dbuf_testing::run(clauses, name, body);
        return;
    }
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", myself])
        .env(RUNS, "1")
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    println!("{errors}");
    assert!(!output.status.success(), "{model} accepts it");
    assert!(errors.contains(&format!("{clauses}: {name} fails:")));
}

macro_rules! refuses {
    ($($clause:ident: $name:ident, $mutant:ident by $part:ident $model:ident;)+) => {
        $(
            #[test]
            fn $name() {
                let cases = models!(@$part list || ThreeCounts::new($mutant));
                refuses(stringify!($name), cases, stringify!($clause), stringify!($model));
            }
        )+
    };
}

refuses! {
    S2: no_second_load, NoSecondLoad by any guarded_side_is_never_written;
    S2: check_releases_nothing, CheckReleasesNothing by any guarded_side_is_never_written;
    S3: leave_is_relaxed, LeaveIsRelaxed by any guarded_side_is_never_written;
    S3: check_acquires_nothing, CheckAcquiresNothing by any guarded_side_is_never_written;
    S4: flip_is_relaxed, FlipIsRelaxed by any guarded_side_is_never_written;
    S4: second_load_is_relaxed, SecondLoadIsRelaxed by any guarded_side_is_never_written;
    S5: claim_forgets_the_swap, ClaimForgetsTheSwap by any claim_continues_an_unfinished_swap;
    S6: registers_after_the_check, RegistersAfterTheCheck by any last_leave_wakes_the_writer;
    S6: retry_wakes_nobody, RetryWakesNobody by any last_leave_wakes_the_writer;
    S10: claim_is_relaxed, ClaimIsRelaxed by any claim_continues_an_unfinished_swap;
    S11: drop_keeps_the_guards, DropKeepsTheGuards by slots dropped_reader_wakes_the_writer;
    S11: drop_wakes_nobody, DropWakesNobody by slots dropped_reader_wakes_the_writer;
    S11: drop_is_relaxed, DropIsRelaxed by slots forgotten_guard_ends_with_its_reader;
    S12: every_side_counts, EverySideCounts by any later_guard_does_not_hold_the_writer_up;
    S13: aside_is_free, AsideIsFree by spare nested_guard_beside_two_swaps;
    S13: spare_wakes_nobody, SpareWakesNobody by spare leave_of_either_side_wakes;
}
