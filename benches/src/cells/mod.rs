//! Cells: one value, readers, one writer.
//!
//! To add a contender, implement `Load` and `Store` for it in `adapters`, and give it a line in
//! [`list::ALL`].

mod adapters;
pub(crate) mod list;
pub(crate) mod parts;
