//! Every model for every strategy. Run by `.ci/loom`.
#![cfg(dbuf_loom)]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests always have std"
)]

mod waker;

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
            model!(wake_is_not_lost_after_a_look);
            model!(cancelled_wait_is_taken_up_again);
            model!(nested_guards_outlive_a_claim);
        }
    };
}

strategy!(lock, dbuf_strategies::LockStrategy::new());
strategy!(count, dbuf_strategies::CountStrategy::new());
strategy!(epoch, dbuf_strategies::EpochStrategy::new());
strategy!(flash, dbuf_strategies::FlashStrategy::new());

/// Only where readers have a place of their own does a forgotten guard end with
/// its reader.
macro_rules! places {
    ($name:ident, $strategy:ident) => {
        mod $name {
            use dbuf_strategies::$strategy;
            use dbuf_testing::models;

            #[test]
            fn forgotten_guard_ends_with_its_reader() {
                models::forgotten_guard_ends_with_its_reader($strategy::new);
            }

            #[test]
            fn place_is_reused_during_a_swap() {
                models::place_is_reused_during_a_swap($strategy::new);
            }
        }
    };
}

places!(epoch_places, EpochStrategy);
places!(flash_places, FlashStrategy);
