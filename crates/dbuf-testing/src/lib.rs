//! The suite that every `dbuf` strategy and pointer passes, ours and a
//! stranger's.
//!
//! * [`suite!`] makes tests of the [suite](mod@suite) for one strategy behind one
//!   pointer.
//! * `models` (under `--cfg dbuf_loom`) holds the bodies of the loom models.
//! * [`Tracked`] is a payload that notices when a reader and the writer meet.
//! * [`Counting`] is an allocator that counts; [`mod@soak`] runs load in waves and
//!   watches it; [`inputs`] feeds a machine that is driven by bytes.
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests always have std"
)]

mod counting;
pub mod inputs;
#[cfg(dbuf_loom)]
pub mod models;
pub mod soak;
#[cfg(not(dbuf_loom))]
pub mod suite;
mod tracked;

pub use counting::Counting;
pub use tracked::Tracked;
