//! A concurrent map under load, with each strategy: threads and tasks write, read and watch it,
//! while threads and handles start and end. Every read is checked against the history.
//!
//! Two seconds in all, or `DBUF_SOAK_SECONDS`; `.ci/soak` sets more. One test runs at a time, so
//! that no other test allocates in the meantime.
#![cfg(not(miri))]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests always have std"
)]

#[path = "../common/mod.rs"]
mod common;
mod contents;
#[path = "../common/futures.rs"]
mod futures;
mod kept;
mod wave;
mod world;

use std::sync::{Mutex, PoisonError};

use dbuf_hashmap::strategies::{
    CountStrategy, EpochStrategy, Fence, FlashStrategy, LockStrategy, Watched,
};
use dbuf_testing::{Counting, soak};
use wave::{no_watchers, run, with_watchers};
use world::Flips;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

static ALONE: Mutex<()> = Mutex::new(());

/// A quarter of the time.
#[test]
fn kept_guards_stop_no_writer() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let part = soak::time() / 16;
    kept::run("Epoch, kept guards", part, EpochStrategy::new);
    kept::run("Flash, kept guards", part, FlashStrategy::new);
    kept::run("Count, kept guards", part, CountStrategy::new);
    kept::run("Lock, kept guards", part, LockStrategy::new);
}

#[test]
fn reads_agree_with_the_history_and_memory_stays_flat() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let part = soak::time() / 12;
    let epoch = |fence| move || EpochStrategy::with_fence(fence);
    let once = Flips::AtOnce;
    run("Epoch", part, EpochStrategy::new, once, no_watchers);
    run(
        "Epoch, asymmetric",
        part,
        epoch(Fence::Asymmetric),
        once,
        no_watchers,
    );
    run(
        "Epoch, fenced",
        part,
        epoch(Fence::Symmetric),
        once,
        no_watchers,
    );
    run(
        "Flash",
        part,
        FlashStrategy::new,
        Flips::ReaderByReader,
        no_watchers,
    );
    run("Count", part, CountStrategy::new, once, no_watchers);
    run("Lock", part, LockStrategy::new, once, no_watchers);
    let watched = || Watched::new(EpochStrategy::new());
    run("Watched<Epoch>", part, watched, once, with_watchers);
    let watched = || Watched::new(FlashStrategy::new());
    run(
        "Watched<Flash>",
        part,
        watched,
        Flips::ReaderByReader,
        with_watchers,
    );
    let watched = || Watched::new(CountStrategy::new());
    run("Watched<Count>", part, watched, once, with_watchers);
}
