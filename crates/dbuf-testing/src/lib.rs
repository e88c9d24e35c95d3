//! The suite that every `dbuf` strategy and pointer passes, including your own.
//!
//! # The parts
//!
//! * [`suite!`] makes a module of tests of the [suite](mod@suite) for one strategy and pointer.
//! * `models` (under `--cfg dbuf_loom`) has the bodies of the loom models.
//! * [`Tracked`] is a value that detects a read during a write.
//! * [`Counting`] is an allocator that counts bytes, and [`mod@soak`] runs load and checks them.
//! * [`inputs`] runs byte inputs for fuzz targets.
//!
//! # Examples
//!
//! The whole suite, as a module of tests:
//!
//! ```
//! # #![allow(dead_code, unused_imports)]
//! use std::sync::Arc;
//!
//! use dbuf_strategies::LockStrategy;
//! use dbuf_testing::{suite, suite::buffer};
//!
//! suite!(lock_in_an_arc: any, blocking, threads => || Arc::new(buffer(LockStrategy::new())));
//! ```
#![cfg_attr(docsrs, feature(doc_cfg))]
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

/// Compiles the README's examples.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

pub use counting::Counting;
pub use dbuf_core as core;
pub use dbuf_strategies as strategies;
pub use tracked::Tracked;
