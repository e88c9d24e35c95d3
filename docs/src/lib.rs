//! Compiles what the documentation shows. Nothing to use.
#![doc = include_str!("../../README.md")]
