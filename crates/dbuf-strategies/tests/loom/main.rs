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

macro_rules! strategy {
    ($name:ident, $new:expr) => {
        mod $name {
            use super::models;

            macro_rules! model {
                ($model:ident) => {
                    #[test]
                    fn $model() {
                        models::$model(|| $new);
                    }
                };
            }

            model!(guarded_side_is_never_written);
            model!(leave_is_learned_from_a_later_enter);
            model!(guard_is_held_across_a_swap);
            model!(overlapping_guards_do_not_hold_the_writer_up);
            model!(reader_is_cloned_during_a_swap);
            model!(claim_continues_an_unfinished_swap);
            model!(last_leave_wakes_the_writer);
            model!(wake_is_not_lost_after_a_check);
            model!(cancelled_wait_is_taken_up_again);
            model!(check_takes_no_wake_away);
            model!(newer_waker_is_woken);
            model!(claim_takes_no_wake_away);
            model!(nested_guards_outlive_a_claim);
            model!(later_guard_does_not_hold_the_writer_up);
            model!(overlapping_guards_keep_their_values);
            model!(reader_is_registered_during_a_start);
            model!(numbered);
            model!(refreshed_guard_is_never_written);
            model!(refreshes_free_the_writer);
            model!(nested_guard_beside_two_swaps);
            model!(kept_guard_goes_before_a_nested_one);
            model!(leave_of_either_side_wakes);
            model!(leave_of_either_side_wakes_a_thread);
            model!(stragglers_go_one_by_one);
            model!(front_comes_round_beside_a_kept_guard);
        }
    };
}

strategy!(lock, dbuf_strategies::LockStrategy::new());
strategy!(count, dbuf_strategies::CountStrategy::new());
strategy!(epoch, dbuf_strategies::EpochStrategy::new());
strategy!(flash, dbuf_strategies::FlashStrategy::new());
strategy!(
    watched_epoch,
    dbuf_strategies::Watched::new(dbuf_strategies::EpochStrategy::new())
);

/// Models of readers with a slot of their own, where a forgotten guard ends with its reader.
macro_rules! slots {
    ($name:ident, $strategy:ident) => {
        mod $name {
            use dbuf_strategies::$strategy;
            use dbuf_testing::models;

            #[test]
            fn forgotten_guard_ends_with_its_reader() {
                models::forgotten_guard_ends_with_its_reader($strategy::new);
            }

            #[test]
            fn slot_is_taken_while_it_is_given_back() {
                models::slot_is_taken_while_it_is_given_back($strategy::new);
            }

            #[test]
            fn dropped_reader_wakes_the_writer() {
                models::dropped_reader_wakes_the_writer($strategy::new);
            }

            #[test]
            fn slot_is_reused_during_a_swap() {
                models::slot_is_reused_during_a_swap($strategy::new);
            }

            #[test]
            fn freed_slot_is_reused_during_a_swap() {
                models::freed_slot_is_reused_during_a_swap($strategy::new);
            }

            #[test]
            fn slot_is_reused_beside_a_side_set_aside() {
                models::slot_is_reused_beside_a_side_set_aside($strategy::new);
            }
        }
    };
}

slots!(epoch_slots, EpochStrategy);
slots!(flash_slots, FlashStrategy);

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
