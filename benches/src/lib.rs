//! Compares the strategies of dbuf, and what else there is.
//!
//! The program is `src/main.rs`, which calls [`program`]. Behind it stand concerns
//! that know little of each other:
//!
//! * `maps`, `cells`: what is compared. A contender is one file that implements
//!   an adapter trait, and one line in a list.
//! * `space`, `script`, `state`, `keys`, `trace`: what is asked of each, the same
//!   for all.
//! * `drive`, `memory`: how one of them is measured.
//! * `figures`, `plan`: which loads answer which question, and in how much time.
//! * `results`, `report`, `advise`: what is said about it.
//!
//! The criterion benches beside it use [`type@Hash`].

extern crate alloc;

mod advise;
mod cells;
mod choice;
mod cli;
mod drive;
mod figures;
mod interrupt;
mod keys;
mod machine;
mod maps;
mod memory;
mod metric;
mod noise;
mod plan;
mod progress;
mod report;
mod results;
mod script;
mod space;
mod state;
mod stats;
mod trace;

pub use cli::program;
pub(crate) use machine::Machine;
pub(crate) use stats::{Spread, median};

/// The hasher of every contender.
///
/// # Examples
///
/// ```
/// use std::hash::BuildHasher;
///
/// let (one, two) = (dbuf_bench::Hash::with_seed(0), dbuf_bench::Hash::with_seed(0));
/// assert_eq!(one.hash_one("a"), two.hash_one("a"));
/// ```
pub type Hash = foldhash::fast::FixedState;
