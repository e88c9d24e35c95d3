//! Random schedules of the writers of a `ConcurrentHashMap`. `.ci/shuttle` runs them with
//! `--cfg dbuf_shuttle`; `docs/verification.md` says what the models do not cover.
//!
//! Each model runs `DBUF_SHUTTLE_ITERATIONS` times for each strategy and for each of
//! two schedulers. A task that sleeps forever is a deadlock, which shuttle reports.
#![cfg(dbuf_shuttle)]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests always have std"
)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/futures.rs"]
mod futures;
mod panics;
mod queues;
mod spare;
mod world;

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use dbuf_hashmap::strategies::{CountStrategy, EpochStrategy, FlashStrategy, LockStrategy};
use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use world::Seen;

fn iterations() -> usize {
    let name = "DBUF_SHUTTLE_ITERATIONS";
    std::env::var(name).map_or(100, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is a number of iterations, not {text:?}"))
    })
}

fn run(scheduler: impl Scheduler + 'static, model: fn(&Arc<Seen>), seen: &Arc<Seen>) {
    let mut config = shuttle::Config::new();
    config.stack_size = 0x4_0000;
    let seen = Arc::clone(seen);
    shuttle::Runner::new(scheduler, config).run(move || model(&seen));
}

/// Checks all strategies together, since the event of a model never happens with some of them.
fn check(models: [fn(&Arc<Seen>); 4]) {
    let seen = Arc::default();
    for model in models {
        run(RandomScheduler::new(iterations()), model, &seen);
        run(PctScheduler::new(3, iterations()), model, &seen);
    }
    let seen = seen.load(SeqCst);
    assert!(seen > 0, "the event of the model did not happen");
    println!(
        "{seen} of the model's events in {} executions",
        8 * iterations()
    );
}

macro_rules! models {
    ($($file:ident: $($model:ident)*;)*) => {$($(
        mod $model {
            use super::*;

            #[test]
            fn every_strategy() {
                check([
                    $file::$model::<CountStrategy>,
                    $file::$model::<EpochStrategy>,
                    $file::$model::<FlashStrategy>,
                    $file::$model::<LockStrategy>,
                ]);
            }
        }
    )*)*};
}

models! {
    queues:
        writes_are_seen_on_return
        failures_lose_nothing
        the_last_guard_wakes_all_writers
        a_batch_keeps_the_queue_waiting
        every_loses_nothing;
    spare:
        writers_go_on_without_a_guard
        second_copy_is_waited_for
        a_task_goes_on_at_its_poll
        a_writer_that_sets_aside_wakes_the_others;
    panics:
        writes_under_own_guards
        a_clone_that_panics_fails_one_write;
}
