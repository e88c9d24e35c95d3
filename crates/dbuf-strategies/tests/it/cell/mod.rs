//! `ConcurrentCell`: one value, any thread, every strategy.

mod drops;
mod guards;
mod late;
mod own_guards;
mod tasks;
mod types;
mod unwinds;
mod writes;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;

use dbuf_strategies::core::ConcurrentCell as AnyCell;

use crate::common::with_every_strategy;

with_every_strategy! { guards:
    a_guard_keeps_its_value
    a_kept_guard_stops_no_write
    guards_of_two_values_stop_writes
    a_forgotten_guard_only_delays
}

with_every_strategy! { own_guards:
    own_guards_are_refused
    a_write_within_a_write_is_refused
    guards_of_others_are_waited_for
}

with_every_strategy! { writes:
    no_write_is_lost
    a_cell_moves_between_uses
    a_panic_publishes_nothing
    writers_of_all_kinds
}

with_every_strategy! { tasks:
    a_cancelled_write_did_nothing
    tasks_are_woken_by_either_guard
}

with_every_strategy! { drops:
    values_are_dropped_once
    kept_values_are_dropped_once
    a_destructor_stores_again
    a_destructor_stores_again_after_its_guard
}

/// Not `Clone`.
#[derive(Debug, PartialEq)]
struct Plain(usize);

/// Counts its drops, and panics in them on request.
struct Bomb(Arc<AtomicUsize>, bool);

impl Drop for Bomb {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
        if self.1 && !thread::panicking() {
            panic!("dropped");
        }
    }
}
