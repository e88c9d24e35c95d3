//! Tests that share a process.
#![cfg(not(dbuf_loom))]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests always have std"
)]

mod cancel;
mod cell;
#[path = "../common/mod.rs"]
mod common;
mod executors;
mod send;
mod watch;
mod watch_value;
