//! The tests that run in one process.
#![cfg(not(dbuf_loom))]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests always have std"
)]

mod cell;
mod cell_hostile;
mod churn;
mod fragile;
mod hard_cases;
mod instrumented;
mod log;
mod log_unwinds;
mod log_without_clone;
mod own_guard;
mod pointers;
mod random_reads;
mod random_steps;
mod reentry;
mod refresh;
mod regressions;
mod rollback;
mod shared;
mod spare;
mod successors;
mod suite;
mod threads;
mod unwinding_reads;
#[path = "../common/unwinds.rs"]
mod unwinds;
mod wakes;
mod watched;
