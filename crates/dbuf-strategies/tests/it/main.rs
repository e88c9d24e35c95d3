//! The tests that run in one process.
#![cfg(not(dbuf_loom))]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests always have std"
)]

mod cell;
mod churn;
#[path = "../common/mod.rs"]
mod common;
mod fragile;
mod hard_cases;
mod log;
mod own_guard;
mod pointers;
mod random_reads;
mod random_steps;
mod reentry;
mod refresh;
mod regressions;
mod shared;
mod spare;
mod successors;
mod suite;
mod unwinding_reads;
mod wakes;
mod watched;
