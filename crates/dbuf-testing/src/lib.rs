//! The suite that every `dbuf` strategy and pointer passes, ours and a
//! stranger's.
//!
//! * [`suite!`] makes tests of the [suite](mod@suite) for one strategy behind one
//!   pointer.
//! * `models` (under `--cfg dbuf_loom`) holds the bodies of the loom models.
//! * [`Tracked`] is a payload that notices when a reader and the writer meet.
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests always have std"
)]

#[cfg(dbuf_loom)]
pub mod models;
#[cfg(not(dbuf_loom))]
pub mod suite;
mod tracked;

pub use dbuf_core as core;
pub use dbuf_strategies as strategies;
pub use tracked::Tracked;
