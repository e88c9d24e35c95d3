//! `ConcurrentHashMap` under load: every strategy, every policy, several threads that write in
//! every way, and a check of all that they saw.
//!
//! Each test takes half a second. `DBUF_STRESS_SECONDS` sets another time, and `DBUF_STRESS_SEED`
//! the seed that a failed run has printed. The seed decides what the threads do, but not how they
//! interleave: it may take several runs to reproduce a failure.
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests always have std"
)]

#[path = "../common/mod.rs"]
mod common;
#[cfg(all(feature = "async", not(miri)))]
#[path = "../common/futures.rs"]
mod futures;
mod history;
#[cfg(all(feature = "async", not(miri)))]
mod kept;
mod load;
mod setup;
