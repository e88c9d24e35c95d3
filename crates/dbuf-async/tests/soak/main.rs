//! A value under load with each strategy: threads and tasks write, read and watch, and handles of
//! every kind are made and dropped. Every read is checked against the history.
//!
//! It takes two seconds, or `DBUF_SOAK_SECONDS`; `.ci/soak` sets more. It is one test, so that no
//! other test allocates meanwhile.
#![cfg(not(any(dbuf_loom, miri)))]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests always have std"
)]

#[path = "../common/mod.rs"]
mod common;
mod ledger;
mod local;
mod shared;

use dbuf_async::strategies::{
    CountStrategy, EpochStrategy, Fence, FlashStrategy, LocalStrategy, LockStrategy, Watched,
};
use dbuf_testing::{Counting, soak};
use local::{no_local_watchers, with_local_watchers};
use shared::{no_watchers, with_watchers};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn reads_agree_with_the_history_and_memory_stays_flat() {
    let part = soak::time() / 12;
    let epoch = |fence| move || EpochStrategy::with_fence(fence);
    shared::run("Epoch", part, EpochStrategy::new, no_watchers);
    shared::run(
        "Epoch, asymmetric",
        part,
        epoch(Fence::Asymmetric),
        no_watchers,
    );
    shared::run("Epoch, fenced", part, epoch(Fence::Symmetric), no_watchers);
    shared::run("Flash", part, FlashStrategy::new, no_watchers);
    shared::run("Count", part, CountStrategy::new, no_watchers);
    shared::run("Lock", part, LockStrategy::new, no_watchers);
    let watched = || Watched::new(EpochStrategy::new());
    shared::run("Watched<Epoch>", part, watched, with_watchers);
    let watched = || Watched::new(FlashStrategy::new());
    shared::run("Watched<Flash>", part, watched, with_watchers);
    let watched = || Watched::new(CountStrategy::new());
    shared::run("Watched<Count>", part, watched, with_watchers);
    let watched = || Watched::new(LockStrategy::new());
    shared::run("Watched<Lock>", part, watched, with_watchers);
    local::run("Local", part, LocalStrategy::new, no_local_watchers);
    let watched = || Watched::new(LocalStrategy::new());
    local::run("Watched<Local>", part, watched, with_local_watchers);
}
