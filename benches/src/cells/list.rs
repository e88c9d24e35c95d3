//! Every cell that is compared.

use crossbeam_utils::sync::ShardedLock;
use dbuf_strategies::{CountStrategy, EpochStrategy, FlashStrategy, LockStrategy};

use super::adapters;
use super::parts::{Parts, Payload};
use crate::contender::Contender;

/// A contender's line in the list.
pub(crate) struct Entry {
    pub(crate) contender: Contender,
    /// Makes one with a number of readers; `None` if it cannot have them.
    pub(crate) build: fn(usize) -> Option<Parts>,
}

const fn ours(name: &'static str, about: &'static str, build: fn(usize) -> Option<Parts>) -> Entry {
    let contender = Contender::ours(name, about);
    Entry { contender, build }
}

const fn theirs(
    name: &'static str,
    about: &'static str,
    build: fn(usize) -> Option<Parts>,
) -> Entry {
    let contender = Contender::theirs(name, about);
    Entry { contender, build }
}

/// Every contender, in the order of the tables.
pub(crate) const ALL: &[Entry] = &[
    ours("epoch", "dbuf", adapters::dbuf::<EpochStrategy>),
    ours("flash", "dbuf", adapters::dbuf::<FlashStrategy>),
    ours("count", "dbuf", adapters::dbuf::<CountStrategy>),
    ours("lock", "dbuf", adapters::dbuf::<LockStrategy>),
    ours("local", "dbuf, one thread", adapters::local),
    ours("concurrent", "dbuf's ConcurrentCell", adapters::concurrent),
    ours(
        "epoch-refresh",
        "dbuf, a guard that is kept",
        adapters::refreshed::<EpochStrategy>,
    ),
    theirs("left-right", "left-right 0.11, enter", adapters::left_right),
    theirs("arc-swap", "arc-swap 1, load", adapters::arc_swap),
    theirs(
        "arc-swap-cache",
        "arc-swap 1, Cache",
        adapters::arc_swap_cache,
    ),
    theirs("smr-swap", "smr-swap 0.10", adapters::smr_swap),
    theirs(
        "smr-swap-reads",
        "smr-swap 0.10, new_read_preferred",
        adapters::smr_swap_reads_first,
    ),
    theirs("arcshift", "arcshift 0.4, get", adapters::arcshift),
    theirs(
        "rwlock-std",
        "std's RwLock",
        adapters::locked::<std::sync::RwLock<Payload>>,
    ),
    theirs(
        "rwlock-parking",
        "parking_lot's RwLock",
        adapters::locked::<parking_lot::RwLock<Payload>>,
    ),
    theirs(
        "sharded-lock",
        "crossbeam's ShardedLock",
        adapters::locked::<ShardedLock<Payload>>,
    ),
    theirs(
        "triple-buffer",
        "triple_buffer 8, one reader",
        adapters::triple_buffer,
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_gives_what_was_stored() {
        for entry in ALL {
            let name = entry.contender.name;
            let parts = (entry.build)(1).expect("all can have one reader");
            if let Parts::Shared {
                mut readers,
                mut writer,
            } = parts
            {
                for number in 0..5 {
                    readers[0].run(3, name);
                    writer.store(Payload::new(number));
                }
                let mut held = false;
                readers[0].hold(&mut || held = true);
                assert!(held, "{name}");
                readers[0].run(3, name);
            }
        }
    }
}
