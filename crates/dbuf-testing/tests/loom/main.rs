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

use std::panic::catch_unwind;

use dbuf_testing::models;

use strategy::Mutant::*;
use strategy::ThreeCounts;

models!(unbroken: any, spare => || ThreeCounts::new(Unbroken));

/// A model: its clauses, its name, and itself.
type Case = (&'static str, &'static str, fn());

fn refuses(cases: impl IntoIterator<Item = Case>, clause: &str, model: &str) {
    let (clauses, name, body) = cases
        .into_iter()
        .find(|(_, name, _)| *name == model)
        .unwrap();
    let run = catch_unwind(|| dbuf_testing::run(clauses, name, body));
    let message = *run.unwrap_err().downcast::<String>().unwrap();
    let (named, _) = message.split_once(':').unwrap();
    assert!(named.split(' ').any(|named| named == clause), "{message}");
}

macro_rules! refuses {
    ($($clause:ident: $mutant:ident by $part:ident $model:ident as $name:ident;)+) => {
        $(
            #[test]
            fn $name() {
                let cases = models!(@$part list || ThreeCounts::new($mutant));
                refuses(cases, stringify!($clause), stringify!($model));
            }
        )+
    };
}

refuses! {
    S2: NoSecondLook by any guarded_side_is_never_written as no_second_look;
    S2: CheckReleasesNothing by any guarded_side_is_never_written as check_releases_nothing;
    S3: LeaveIsRelaxed by any guarded_side_is_never_written as leave_is_relaxed;
    S3: CheckAcquiresNothing by any guarded_side_is_never_written as check_acquires_nothing;
    S4: FlipIsRelaxed by any guarded_side_is_never_written as flip_is_relaxed;
    S4: SecondLookIsRelaxed by any guarded_side_is_never_written as second_look_is_relaxed;
    S6: RegistersAfterTheCheck by any last_leave_wakes_the_writer as registers_after_the_check;
    S6: RetryWakesNobody by any last_leave_wakes_the_writer as retry_wakes_nobody;
    S10: ClaimIsRelaxed by any claim_continues_an_unfinished_swap as claim_is_relaxed;
}
