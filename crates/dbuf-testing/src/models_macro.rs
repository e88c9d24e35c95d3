/// Makes a module of loom tests for one strategy.
///
/// Without `--cfg dbuf_loom` it makes nothing. Under it, loom must see every atomic and lock of
/// the strategy.
///
/// `any` is for every [`BlockingStrategy`](dbuf_core::BlockingStrategy); `spare` for one with
/// a spare side; `slots` for one whose readers have slots of their own, so that the drop of a
/// reader ends its forgotten guards. A failure begins with the clauses that the model checks.
///
/// # Examples
///
/// In `Cargo.toml` of a strategy of your own:
///
/// ```toml
/// [target.'cfg(dbuf_loom)'.dependencies]
/// loom = "0.7"
///
/// [lints.rust]
/// unexpected_cfgs = { level = "warn", check-cfg = ["cfg(dbuf_loom)"] }
/// ```
///
/// In its source:
///
/// ```
/// # #![allow(unused_imports, unexpected_cfgs)]
/// #[cfg(not(dbuf_loom))]
/// use std::sync::{Mutex, atomic::AtomicUsize};
/// #[cfg(dbuf_loom)]
/// use loom::sync::{Mutex, atomic::AtomicUsize};
/// ```
///
/// In `tests/loom.rs`, which `RUSTFLAGS="--cfg dbuf_loom" cargo test --release --test loom` runs:
///
/// ```
/// use dbuf_testing::models;
/// # use dbuf_testing::strategies::LockStrategy as Mine;
///
/// models!(mine: any => Mine::new);
/// ```
#[cfg(not(dbuf_loom))]
#[macro_export]
macro_rules! models {
    ($name:ident: $($part:ident),+ => $new:expr) => {};
}

/// Makes a module of loom tests for one strategy.
#[cfg(dbuf_loom)]
#[macro_export]
macro_rules! models {
    ($name:ident: $($part:ident),+ => $new:expr) => {
        mod $name {
            #[allow(unused_imports, reason = "the constructor may need its surroundings")]
            use super::*;
            $($crate::models!(@$part tests $new);)+
        }
    };
    (@any $make:ident $new:expr) => {
        $crate::models! { @$make $new;
            S2 S3 S4: guarded_side_is_never_written,
            S3: leave_is_learned_from_a_later_enter,
            S2 S4: guard_is_held_across_a_swap,
            S12: overlapping_guards_do_not_hold_the_writer_up,
            S2 S4: reader_is_cloned_during_a_swap,
            S5 S10: claim_continues_an_unfinished_swap,
            S6: last_leave_wakes_the_writer,
            S6: wake_is_not_lost_after_a_check,
            S2 S3 S6: cancelled_wait_is_taken_up_again,
            S6: check_takes_no_wake_away,
            S6: newer_waker_is_woken,
            S6 S10: claim_takes_no_wake_away,
            S2 S10: nested_guards_outlive_a_claim,
            S12: later_guard_does_not_hold_the_writer_up,
            S2: overlapping_guards_keep_their_values,
            S2 S9: reader_is_registered_during_a_start,
            S9: numbered,
            S2 is_current: refreshed_guard_is_never_written,
            S6 is_current: refreshes_free_the_writer,
        }
    };
    (@spare $make:ident $new:expr) => {
        $crate::models! { @$make $new;
            S2 S13: nested_guard_beside_two_swaps,
            S3 S13: kept_guard_goes_before_a_nested_one,
            S6 S13: leave_of_either_side_wakes,
            S6 S13: leave_of_either_side_wakes_a_thread,
            S6 S13: stragglers_go_one_by_one,
            S2 S13: front_comes_round_beside_a_kept_guard,
        }
    };
    (@slots $make:ident $new:expr) => {
        $crate::models! { @$make $new;
            S3 S11: forgotten_guard_ends_with_its_reader,
            S2 S11: slot_is_taken_while_it_is_given_back,
            S6 S11: dropped_reader_wakes_the_writer,
            S3 S11: slot_is_reused_during_a_swap,
            S3 S11: freed_slot_is_reused_during_a_swap,
            S11 S13: slot_is_reused_beside_a_side_set_aside,
        }
    };
    (@tests $new:expr; $($($clause:ident)+: $model:ident),+ $(,)?) => {
        $(
            #[test]
            fn $model() {
                $crate::run(stringify!($($clause)+), stringify!($model), || {
                    $crate::models::$model($new);
                });
            }
        )+
    };
    // For tests of the models: clauses, name, and the model itself.
    (@list $new:expr; $($($clause:ident)+: $model:ident),+ $(,)?) => {
        [$((
            stringify!($($clause)+),
            stringify!($model),
            (|| $crate::models::$model($new)) as fn(),
        )),+]
    };
}
