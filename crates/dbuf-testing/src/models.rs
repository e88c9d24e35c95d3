//! Bodies of the loom models, for any strategy. They are built with `--cfg dbuf_loom`.
//!
//! Every body asserts at its end that swaps happened and that some execution had a straggler:
//! a model without stragglers proves nothing. The writer runs on a thread of its own, since loom
//! reports an `unpark` of a thread that is blocked in `join` as an error.

mod guards;
mod harness;
mod slots;
mod spare;
mod wakes;

pub use guards::*;
pub use harness::Modelled;
pub use slots::*;
pub use spare::*;
pub use wakes::*;
