//! One test body for every strategy and every pointer.
//!
//! Each function takes a constructor of a new buffer behind a pointer, and panics if the strategy
//! or the pointer breaks its contract. [`suite!`] makes tests of them. S1 to S13 and C1 to C7 are
//! the clauses of [`Strategy`](dbuf_core::Strategy).
//!
//! # Examples
//!
//! One function by itself:
//!
//! ```
//! use std::sync::Arc;
//!
//! use dbuf_strategies::LockStrategy;
//! use dbuf_testing::suite::{buffer, nested_guards_go_in_any_order};
//!
//! nested_guards_go_in_any_order(|| Arc::new(buffer(LockStrategy::new())));
//! ```
//!
//! [`suite!`]: crate::suite!

mod handles;
mod harness;
mod log;
mod oracle;
mod owning;
mod refresh;
mod spare;
mod spare_guards;
mod spare_log;
mod spare_wakes;
mod swaps;
mod threads;
mod tokens;
mod wakers;

pub use handles::*;
pub use harness::{EXTRAS, SuitePtr, buffer};
pub use log::*;
pub use oracle::*;
pub use owning::*;
pub use refresh::*;
pub use spare_guards::*;
pub use spare_log::*;
pub use spare_wakes::*;
pub use swaps::*;
pub use threads::*;
pub use tokens::*;
pub use wakers::*;

/// Makes a module of tests for one strategy behind one pointer.
///
/// `any` has the tests for every strategy, `blocking` those that wait, for a
/// [`BlockingStrategy`](dbuf_core::BlockingStrategy), and `threads` those that share the buffer
/// between threads. `owning` and `owning_threads` have those for an
/// [`OwningPtr`](dbuf_core::OwningPtr).
///
/// A failure begins with the clauses that the test checks: S of
/// [`Strategy`](dbuf_core::Strategy), P of [`BufferPtr`](dbuf_core::BufferPtr), or the name of a
/// method. A test that hangs ends the process after 60 s, or `DBUF_SUITE_SECONDS`, and says the
/// same.
///
/// # Examples
///
/// ```
/// # #![allow(dead_code, unused_imports)]
/// use std::sync::Arc;
/// use dbuf_strategies::LockStrategy;
/// use dbuf_testing::{suite, suite::buffer};
///
/// suite!(lock_in_an_arc: any, blocking, threads, owning => || Arc::new(buffer(LockStrategy::new())));
/// ```
#[macro_export]
macro_rules! suite {
    ($name:ident: $($part:ident),+ => $new:expr) => {
        mod $name {
            #[allow(unused_imports, reason = "the constructor may need the items around it")]
            use super::*;
            $($crate::suite!(@$part tests $new);)+
        }
    };
    (@any $make:ident $new:expr) => {
        $crate::suite! { @$make $new;
            S5 S9: fresh_strategy_is_finished_and_shows_a,
            S1: claim_is_exclusive,
            S1: dropped_token_keeps_the_claim,
            S5 S10: claim_after_a_drop_continues_the_swap,
            S5: claim_after_an_unfinished_swap_is_unfinished,
            S2 S5 C2: start_is_refused_while_a_swap_is_unfinished,
            S2 C5: unfinished_swap_gives_no_back,
            S5: queries_change_nothing,
            S5: asking_is_no_check,
            S2 S4: guard_keeps_its_value_and_version,
            S2 S12: nested_guards_go_in_any_order,
            S12: overlapping_guards_do_not_hold_the_writer_up,
            S9: reader_made_after_odd_swaps_sees_the_front,
            S9 S12: reader_made_during_a_swap_sees_the_front,
            P2: extras_are_reachable_from_everywhere,
            S2: guards_narrow_to_a_part,
            S8: forgotten_guard_only_delays_the_writer,
            S8: forgotten_guard_is_never_given_up,
            S1: forgotten_writer_stays_claimed,
            P1 S11: swapped_handles_keep_their_buffers,
            S11: tokens_outlive_the_strategy,
            // It names the clause itself.
            : behaves_as_the_oracle,
            S6: waker_is_called_by_the_last_leave,
            S6: poll_is_answered_by_one_leave_of_three,
            S6 S7: newest_waker_replaces_the_others,
            S2 S7: waker_that_panics_when_cloned_changes_nothing,
            S7: waker_that_panics_leaves_the_guard_released,
            S7: waker_may_poll,
            S2 S8: cancelled_wait_gives_no_back,
            is_current: refresh_shows_the_newest,
            S6 is_current: refresh_wakes_the_writer,
            S12 is_current: nested_guards_are_refreshed_in_any_order,
            S7: waker_that_panics_leaves_the_guard_refreshed,
            S2 S4: forgotten_batch_is_rolled_back,
            S2 S4: log_without_waiting_keeps_the_copies_equal,
            S13: side_that_is_set_aside_finishes_the_swap,
            S13: kept_guard_stops_no_publish,
            S2 S12 S13: guards_on_three_sides_go_in_any_order,
            S1 S5 S13: claim_continues_with_a_side_set_aside,
            S8 S13: forgotten_guards_cost_a_side_each,
            S9 S13: readers_come_and_go_beside_a_kept_guard,
            S6 S13: waker_is_called_by_the_last_leave_of_either_side,
            S6 S13: leave_of_the_spare_side_wakes_a_waiting_writer,
            S7 S13: waker_that_panics_frees_the_spare_side,
            S6 S13: cancelled_wait_for_either_side_is_taken_up_again,
            S13 is_current: refresh_leaves_a_side_that_was_set_aside,
            S12 S13: stragglers_of_each_side_are_counted,
            S4 S13: log_goes_on_beside_a_kept_guard,
        }
    };
    (@blocking $make:ident $new:expr) => {
        $crate::suite! { @$make $new;
            S5 S9: swap_publishes_and_finishes,
            S2 S4: store_overwrites,
            S8: finish_timeout_gives_up_and_changes_nothing,
            S4: log_keeps_the_copies_equal,
            S4: panicking_op_is_rolled_back,
            S4: transact_is_all_or_nothing,
            S13: write_goes_on_after_a_while,
        }
    };
    (@threads $make:ident $new:expr) => {
        $crate::suite! { @$make $new;
            S2 S3 S4: readers_never_see_a_torn_value,
            S6: last_leave_on_another_thread_wakes_the_writer,
            S2 S9: readers_come_and_go_during_swaps,
            S1 S10: claim_passes_between_threads,
            S6 S13: write_waits_for_either_side,
            S2 S3 S4 S13: kept_guards_are_never_written,
        }
    };
    (@owning $make:ident $new:expr) => {
        $crate::suite! { @$make $new;
            P5: buffer_is_refused_while_a_pointer_lives,
            P5: buffer_comes_out_as_it_was,
            P5 S11: writer_comes_apart_when_it_is_the_last,
        }
    };
    (@owning_threads $make:ident $new:expr) => {
        $crate::suite! { @$make $new;
            P5: buffer_comes_out_after_the_drops,
        }
    };
    (@tests $new:expr; $($($clause:ident)*: $test:ident),+ $(,)?) => {
        $(
            #[test]
            fn $test() {
                $crate::run(stringify!($($clause)*), stringify!($test), || {
                    $crate::suite::$test($new)
                });
            }
        )+
    };
    // For tests of the suite: clauses, name, and the test itself.
    (@list $new:expr; $($($clause:ident)*: $test:ident),+ $(,)?) => {
        [$((
            stringify!($($clause)*),
            stringify!($test),
            Box::new(move || $crate::suite::$test($new)) as Box<dyn Fn()>,
        )),+]
    };
}
