//! The suite that every `dbuf` strategy passes, ours and a stranger's.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(dbuf_loom)]
pub mod models;
mod tracked;

pub use tracked::Tracked;
