//! Compares the strategies of dbuf with other maps, cells and locks.
//!
//! The program is `src/main.rs`, which calls [`program`]. Each module imports from those above it:
//!
//! * `interrupt`, `metric`, `memory`, `machine`: numbers, and the machine that they come
//!   from.
//! * `workload`: what each contender is asked to do, the same for all.
//! * `contender`, `maps`, `cells`: a contender is an adapter and a line in a list. The criterion
//!   benches use them, too.
//! * `drive`: how one of them is measured.
//! * `results`: the numbers, and how they compare.
//! * `figures`, `plan`: which loads answer which question, and in how much time.
//! * `report`: what is said about it.
//! * `recommend`, `advise`, `cli`: the commands.
//! * `bench`: what the benches that do without criterion share.
#![allow(
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    reason = "it is used by the program and the benches beside it only"
)]

extern crate alloc;

mod advise;
pub mod bench;
pub mod cells;
mod cli;
pub mod contender;
mod drive;
mod figures;
mod interrupt;
mod machine;
pub mod maps;
mod memory;
mod metric;
mod plan;
mod recommend;
mod report;
mod results;
pub mod workload;

pub use cli::program;
pub use workload::keys::number_key;

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
