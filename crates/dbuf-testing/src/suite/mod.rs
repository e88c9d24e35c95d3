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
mod refresh;
mod spare;
mod spare_guards;
mod spare_log;
mod spare_wakes;
mod swaps;
mod threads;
mod wakers;

pub use handles::*;
pub use harness::{EXTRAS, SuitePtr, buffer};
pub use log::*;
pub use oracle::*;
pub use refresh::*;
pub use spare_guards::*;
pub use spare_log::*;
pub use spare_wakes::*;
pub use swaps::*;
pub use threads::*;
pub use wakers::*;

/// Makes a module of tests for one strategy behind one pointer.
///
/// `any` has the tests for every strategy, `blocking` those that wait, for a
/// [`BlockingStrategy`](dbuf_core::BlockingStrategy), and `threads` those that share the buffer
/// between threads.
///
/// # Examples
///
/// ```
/// # #![allow(dead_code, unused_imports)]
/// use std::sync::Arc;
/// use dbuf_strategies::LockStrategy;
/// use dbuf_testing::{suite, suite::buffer};
///
/// suite!(lock_in_an_arc: any, blocking, threads => || Arc::new(buffer(LockStrategy::new())));
/// ```
#[macro_export]
macro_rules! suite {
    ($name:ident: $($part:ident),+ => $new:expr) => {
        mod $name {
            #[allow(unused_imports, reason = "the constructor may need the items around it")]
            use super::*;
            $($crate::suite!(@$part $new);)+
        }
    };
    (@any $new:expr) => {
        $crate::suite!(@tests $new;
            fresh_strategy_is_finished_and_shows_a,
            claim_is_exclusive,
            claim_after_a_drop_continues_the_swap,
            start_is_refused_while_a_swap_is_unfinished,
            unfinished_swap_gives_no_back,
            queries_change_nothing,
            guard_keeps_its_value_and_version,
            nested_guards_go_in_any_order,
            overlapping_guards_do_not_hold_the_writer_up,
            reader_made_after_odd_swaps_sees_the_front,
            reader_made_during_a_swap_sees_the_front,
            extras_are_reachable_from_everywhere,
            guards_narrow_to_a_part,
            forgotten_guard_only_delays_the_writer,
            forgotten_writer_stays_claimed,
            swapped_handles_keep_their_buffers,
            behaves_as_the_oracle,
            waker_is_called_by_the_last_leave,
            poll_is_answered_by_one_leave_of_three,
            newest_waker_replaces_the_others,
            waker_that_panics_when_cloned_changes_nothing,
            waker_that_panics_leaves_the_guard_released,
            cancelled_wait_gives_no_back,
            refresh_shows_the_newest,
            refresh_wakes_the_writer,
            nested_guards_are_refreshed_in_any_order,
            waker_that_panics_leaves_the_guard_refreshed,
            forgotten_batch_is_rolled_back,
            log_without_waiting_keeps_the_copies_equal,
            kept_guard_stops_no_publish,
            guards_on_three_sides_go_in_any_order,
            claim_continues_with_a_side_set_aside,
            forgotten_guards_cost_a_side_each,
            readers_come_and_go_beside_a_kept_guard,
            waker_is_called_by_the_last_leave_of_either_side,
            leave_of_the_spare_side_wakes_a_waiting_writer,
            waker_that_panics_frees_the_spare_side,
            cancelled_wait_for_either_side_is_taken_up_again,
            refresh_leaves_a_side_that_was_set_aside,
            stragglers_of_each_side_are_counted,
            log_goes_on_beside_a_kept_guard,
        );
    };
    (@blocking $new:expr) => {
        $crate::suite!(@tests $new;
            swap_publishes_and_finishes,
            store_overwrites,
            finish_timeout_gives_up_and_changes_nothing,
            log_keeps_the_copies_equal,
            panicking_op_is_rolled_back,
            transact_is_all_or_nothing,
            write_goes_on_after_a_while,
        );
    };
    (@threads $new:expr) => {
        $crate::suite!(@tests $new;
            readers_never_see_a_torn_value,
            last_leave_on_another_thread_wakes_the_writer,
            readers_come_and_go_during_swaps,
            claim_passes_between_threads,
            write_waits_for_either_side,
            kept_guards_are_never_written,
        );
    };
    (@tests $new:expr; $($test:ident),+ $(,)?) => {
        $(
            #[test]
            fn $test() {
                $crate::suite::$test($new);
            }
        )+
    };
}
