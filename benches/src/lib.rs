//! Compares the strategies of dbuf with other maps, cells and locks.
//!
//! The program is `src/main.rs`, which calls [`program`]. Each module imports from those above it:
//!
//! * `stats`, `metric`, `interrupt`, `memory`, `machine`, `noise`, `progress`: numbers, and the
//!   machine that they come from.
//! * `workload`: what each contender is asked to do, the same for all.
//! * `locks`, `maps`, `cells`: the contenders. A contender is an adapter and a line in a list.
//! * `drive`: how one of them is measured.
//! * `figures`, `plan`: which loads answer which question, and in how much time.
//! * `results`, `report`: what is said about it.
//! * `selection`, `recommend`, `advise`, `cli`: the commands.
//!
//! The criterion benches beside it use [`type@Hash`].

extern crate alloc;

mod advise;
mod cells;
mod cli;
mod contender;
mod drive;
mod failure;
mod figures;
mod interrupt;
mod locks;
mod machine;
mod maps;
mod memory;
mod metric;
mod noise;
mod plan;
mod progress;
mod recommend;
mod report;
mod results;
mod selection;
mod stats;
mod workload;

pub use cli::program;

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
