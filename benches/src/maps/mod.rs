//! Maps: one adapter trait, and the adapters.
//!
//! To add a contender, implement `Handle` for it and give it a line in [`list::all`].

mod buffers;
mod handle;
mod list;
mod shared;

pub(crate) use handle::Handle;
pub(crate) use list::{Entry, all, fences};
