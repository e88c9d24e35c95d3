//! Every model for every strategy. `.ci/loom` runs them.
#![cfg(dbuf_loom)]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests always have std"
)]

mod cell;
mod current;
mod handover;
mod waker;
mod watched;
mod writer_lock;

use dbuf_testing::models;

models!(lock: any, spare => dbuf_strategies::LockStrategy::new);
models!(count: any, spare => dbuf_strategies::CountStrategy::new);
models!(epoch: any, spare => dbuf_strategies::EpochStrategy::new);
models!(flash: any, spare => dbuf_strategies::FlashStrategy::new);
models!(watched_epoch: any, spare => || {
    dbuf_strategies::Watched::new(dbuf_strategies::EpochStrategy::new())
});

models!(epoch_slots: slots => dbuf_strategies::EpochStrategy::new);
models!(flash_slots: slots => dbuf_strategies::FlashStrategy::new);

/// Bugs of others that a model pins; `tests/it/regressions.rs` has the rest.
mod regressions {
    use dbuf_strategies::{CountStrategy, EpochStrategy, FlashStrategy};
    use dbuf_testing::models;

    #[test]
    fn bug_01_snapshot_is_taken_after_the_flip() {
        models::guarded_side_is_never_written(EpochStrategy::new);
    }

    #[test]
    fn bug_06_enter_acquires_the_writers_writes() {
        models::guarded_side_is_never_written(CountStrategy::new);
        models::guarded_side_is_never_written(FlashStrategy::new);
    }

    #[test]
    fn bug_07_last_look_acquires_the_readers_reads() {
        models::leave_is_learned_from_a_later_enter(CountStrategy::new);
        models::leave_is_learned_from_a_later_enter(EpochStrategy::new);
        models::leave_is_learned_from_a_later_enter(FlashStrategy::new);
    }

    #[test]
    fn bug_08_store_buffering_between_epoch_and_front() {
        models::guard_is_held_across_a_swap(EpochStrategy::new);
    }

    #[test]
    fn bug_25_leave_is_learned_from_the_next_enter() {
        models::freed_slot_is_reused_during_a_swap(EpochStrategy::new);
    }
}
