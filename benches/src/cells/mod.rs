//! Cells: one value, readers, one writer.
//!
//! To add a contender, implement [`Load`] and [`Store`] for it in `adapters`, and give it a line
//! in [`all`].

mod adapters;
mod parts;

use crossbeam_utils::sync::ShardedLock;
use dbuf_strategies::{CountStrategy, EpochStrategy, FlashStrategy, LockStrategy};

use crate::contender::{Contender, Entry, entries};
use adapters::*;
pub use parts::{Load, Parts, Payload, Store};

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
        OURS "concurrent", "dbuf's ConcurrentCell", concurrent;
        OURS "epoch-refresh", "dbuf, a guard that is kept", refreshed::<EpochStrategy>;
        THEIRS "left-right", "left-right 0.11, enter", left_right;
        THEIRS "arc-swap", "arc-swap 1, load", arc_swap;
        THEIRS "arc-swap-cache", "arc-swap 1, Cache", arc_swap_cache;
        THEIRS "smr-swap", "smr-swap 0.10", smr_swap;
        THEIRS "smr-swap-reads", "smr-swap 0.10, new_read_preferred", smr_swap_reads_first;
        THEIRS "arcshift", "arcshift 0.4, get", arcshift;
        THEIRS "rwlock-std", "std's RwLock", locked::<std::sync::RwLock<Payload>>;
        THEIRS "rwlock-parking", "parking_lot's RwLock", locked::<parking_lot::RwLock<Payload>>;
        THEIRS "sharded-lock", "crossbeam's ShardedLock", locked::<ShardedLock<Payload>>;
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
