//! The suite that every `dbuf` strategy and pointer passes, including your own.
//!
//! # The parts
//!
//! * [`suite!`] makes a module of tests of the [suite](mod@suite) for one strategy and pointer.
//! * [`models!`] makes a module of loom tests for one strategy, under `--cfg dbuf_loom`.
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
// Hidden: it serves the tests of the other crates.
#[doc(hidden)]
pub mod failing;
pub mod inputs;
#[cfg(dbuf_loom)]
pub mod models;
mod models_macro;
mod run;
pub mod soak;
#[cfg(not(dbuf_loom))]
pub mod suite;
mod tracked;
#[cfg(not(any(dbuf_loom, miri)))]
mod watchdog;

/// Compiles the README's examples.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

pub use counting::Counting;
pub use dbuf_core as core;
pub use dbuf_strategies as strategies;
#[doc(hidden)]
pub use run::run;
pub use tracked::Tracked;
