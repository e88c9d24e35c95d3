//! Cells: one value, readers, one writer.
//!
//! To add a contender, implement [`Load`] and [`Store`] for it in `adapters`, and give it a line
//! in [`all`].

mod adapters;

use alloc::sync::Arc;
use std::sync::RwLock;

use arc_swap::ArcSwap;
use arcshift::ArcShift;
use crossbeam_utils::sync::ShardedLock;
use dbuf_strategies::{ConcurrentCell, CountStrategy, EpochStrategy, FlashStrategy, LockStrategy};
use smr_swap::SmrSwap;

use crate::contender::{Contender, Entry, entries};
use adapters::*;
pub use adapters::{Load, Parts, Payload, Store};

/// Makes a cell with a number of readers; returns `None` if it cannot have them.
pub type Build = fn(usize) -> Option<Parts>;

/// Every contender, in the order of the tables.
pub fn all() -> Vec<Entry<Build>> {
    entries! { Build;
        OURS "epoch", "dbuf", dbuf::<EpochStrategy>;
        OURS "flash", "dbuf", dbuf::<FlashStrategy>;
        OURS "count", "dbuf", dbuf::<CountStrategy>;
        OURS "lock", "dbuf", dbuf::<LockStrategy>;
        OURS "local", "dbuf, one thread", local;
        OURS "concurrent", "dbuf's ConcurrentCell",
            |n| handle(Arc::new(ConcurrentCell::new(ZERO)), n);
        OURS "epoch-refresh", "dbuf, a guard that is kept", refreshed;
        THEIRS "left-right", "left-right 0.11, enter", left_right;
        THEIRS "arc-swap", "arc-swap 1, load",
            |n| handle(Swap::new(ArcSwap::from_pointee(ZERO)), n);
        THEIRS "arc-swap-cache", "arc-swap 1, Cache", arc_swap_cache;
        THEIRS "smr-swap", "smr-swap 0.10", |n| smr_swap(SmrSwap::new(ZERO), n);
        THEIRS "smr-swap-reads", "smr-swap 0.10, new_read_preferred",
            |n| smr_swap(SmrSwap::new_read_preferred(ZERO), n);
        THEIRS "arcshift", "arcshift 0.4, get", |n| handle(ArcShift::new(ZERO), n);
        THEIRS "rwlock-std", "std's RwLock", |n| handle(Arc::new(RwLock::new(ZERO)), n);
        THEIRS "rwlock-parking", "parking_lot's RwLock",
            |n| handle(Arc::new(parking_lot::RwLock::new(ZERO)), n);
        THEIRS "sharded-lock", "crossbeam's ShardedLock",
            |n| handle(Arc::new(ShardedLock::new(ZERO)), n);
        THEIRS "triple-buffer", "triple_buffer 8, one reader", triple_buffer;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_gives_what_was_stored() {
        for entry in all() {
            let name = entry.contender.name;
            let mut parts = (entry.build)(1).expect("all can have one reader");
            let Parts::Shared { readers, writer } = &mut parts else {
                continue;
            };
            for number in 0..5 {
                writer.store(Payload::new(number));
                assert_eq!(readers[0].load(), Payload::new(number), "{name}");
                readers[0].run(3, name);
            }
            let mut held = false;
            readers[0].hold(&mut || held = true);
            assert!(held, "{name}");
        }
    }
}
