//! The tests that share a process.
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests always have std"
)]

extern crate alloc;

mod api_batches;
mod api_calls;
mod api_iter;
// Not under Miri: rayon's queues make pointers of integers.
#[cfg(not(miri))]
mod api_rayon;
mod api_readers;
mod api_sets;
mod batches;
mod bounds;
#[path = "../common/mod.rs"]
mod common;
mod concurrent;
mod destructors;
#[path = "../common/futures.rs"]
mod futures;
mod hard_cases;
#[cfg(feature = "async")]
mod lock;
mod panics;
mod regressions;
// Not under Miri: it fills tables with many thousands of entries.
#[cfg(not(miri))]
mod room;
mod serde;
mod spare_drops;
#[cfg(feature = "async")]
mod tasks;
mod threads;
mod two_panics;
mod values;
mod values_that_write;
