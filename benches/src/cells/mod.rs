//! Raw cells: one value, readers, one writer. One adapter file for each family.

mod arc_swap;
mod dbuf;
mod left_right;
mod locks;
mod triple;
mod versions;

use crossbeam_utils::sync::ShardedLock;
use dbuf_strategies::{CountStrategy, EpochStrategy, FlashStrategy, LockStrategy};

/// What a cell holds. A half old, half new one is noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Payload {
    number: u64,
    inverse: u64,
}

impl Payload {
    pub(crate) const fn new(number: u64) -> Self {
        Self {
            number,
            inverse: !number,
        }
    }

    /// Panics if it was never stored.
    #[inline]
    fn check(self, contender: &str) {
        let Self { number, inverse } = self;
        assert!(
            number == !inverse,
            "{contender} is broken: it gave half of one value and half of another"
        );
    }
}

/// Reads a cell.
pub(crate) trait Load {
    /// Enters, takes a copy, leaves.
    fn load(&mut self) -> Payload;
}

/// Writes a cell.
pub(crate) trait Store {
    /// A load that starts later sees this.
    fn store(&mut self, payload: Payload);
}

/// A [`Load`], whatever its type is; one call for many loads.
pub(crate) trait Loads {
    /// Loads so often, and checks every time.
    ///
    /// # Panics
    ///
    /// If what is loaded was never stored.
    fn run(&mut self, count: usize, contender: &str);
}

impl<L: Load> Loads for L {
    fn run(&mut self, count: usize, contender: &str) {
        for _ in 0..count {
            self.load().check(contender);
        }
    }
}

/// A cell, taken apart.
pub(crate) enum Parts {
    /// For many threads.
    Shared {
        readers: Vec<Box<dyn Loads + Send>>,
        writer: Box<dyn Store + Send>,
    },
    /// For one thread only, which is all that it needs to be.
    Alone(Box<dyn Loads>),
}

/// A contender's line in the list.
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) is_ours: bool,
    /// With so many readers; `None` if it cannot have them.
    pub(crate) build: fn(usize) -> Option<Parts>,
}

/// The parts of a cell whose readers are clones of one.
fn cloned<R, W>(reader: R, writer: W, readers: usize) -> Option<Parts>
where
    R: Loads + Clone + Send + 'static,
    W: Store + Send + 'static,
{
    let another = |_| -> Box<dyn Loads + Send> { Box::new(reader.clone()) };
    Some(Parts::Shared {
        readers: (0..readers).map(another).collect(),
        writer: Box::new(writer),
    })
}

const fn entry(
    name: &'static str,
    about: &'static str,
    build: fn(usize) -> Option<Parts>,
) -> Entry {
    Entry {
        name,
        about,
        is_ours: false,
        build,
    }
}

const fn ours(name: &'static str, about: &'static str, build: fn(usize) -> Option<Parts>) -> Entry {
    Entry {
        is_ours: true,
        ..entry(name, about, build)
    }
}

/// Every contender, in the order of the tables.
pub(crate) const ALL: &[Entry] = &[
    ours("epoch", "dbuf", dbuf::shared::<EpochStrategy>),
    ours("flash", "dbuf", dbuf::shared::<FlashStrategy>),
    ours("count", "dbuf", dbuf::shared::<CountStrategy>),
    ours("lock", "dbuf", dbuf::shared::<LockStrategy>),
    ours("local", "dbuf, one thread", dbuf::local),
    ours(
        "epoch-refresh",
        "dbuf, a guard that is kept",
        dbuf::refreshed::<EpochStrategy>,
    ),
    entry("left-right", "left-right 0.11, enter", left_right::build),
    entry("arc-swap", "arc-swap 1, load", arc_swap::load),
    entry("arc-swap-cache", "arc-swap 1, Cache", arc_swap::cache),
    entry("smr-swap", "smr-swap 0.10", versions::smr_swap),
    entry(
        "smr-swap-reads",
        "smr-swap 0.10, new_read_preferred",
        versions::smr_swap_reads_first,
    ),
    entry("arcshift", "arcshift 0.4, get", versions::arcshift),
    entry(
        "rwlock-std",
        "std's RwLock",
        locks::build::<std::sync::RwLock<Payload>>,
    ),
    entry(
        "rwlock-parking",
        "parking_lot's RwLock",
        locks::build::<parking_lot::RwLock<Payload>>,
    ),
    entry(
        "sharded-lock",
        "crossbeam's ShardedLock",
        locks::build::<ShardedLock<Payload>>,
    ),
    entry(
        "triple-buffer",
        "triple_buffer 8, one reader",
        triple::build,
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_gives_what_was_stored() {
        for entry in ALL {
            let parts = (entry.build)(1).expect("all can have one reader");
            if let Parts::Shared {
                mut readers,
                mut writer,
            } = parts
            {
                for number in 0..5 {
                    readers[0].run(3, entry.name);
                    writer.store(Payload::new(number));
                }
                readers[0].run(3, entry.name);
            }
        }
    }

    struct Torn;

    impl Load for Torn {
        fn load(&mut self) -> Payload {
            Payload {
                number: 1,
                inverse: !2,
            }
        }
    }

    #[test]
    #[should_panic(expected = "it is broken")]
    fn a_torn_value_is_noticed() {
        Torn.run(1, "it");
    }
}
