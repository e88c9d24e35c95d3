//! Strategies for [`dbuf_core`].
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "std")]
extern crate std;

#[cfg(feature = "lock")]
mod lock;
mod primitive;

pub use dbuf_core as core;
#[cfg(feature = "lock")]
pub use lock::{LockReader, LockStrategy, LockWriter};
