//! Compiles what the documentation shows. Nothing to use.
#![doc = include_str!("../../README.md")]

#[doc = include_str!("../migrating.md")]
pub mod migrating {}
