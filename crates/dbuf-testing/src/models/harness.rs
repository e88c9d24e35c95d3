//! The common parts of the models.

use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering::Relaxed;
use std::sync::Arc;

use dbuf_core::{ArcReader, ArcWriter, BlockingStrategy, ReadGuard, arc};
use loom::thread;

use crate::tracked::Tracked;

/// A strategy that a model can build and share between threads.
pub trait Modelled: BlockingStrategy + 'static {}

impl<S> Modelled for S where S: BlockingStrategy + 'static {}

/// Counts of all executions of a model, kept outside it.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) swaps: AtomicUsize,
    pub(super) stragglers: AtomicUsize,
}

pub(super) type Handles<S> = (ArcWriter<Tracked, S>, ArcReader<Tracked, S>);

/// Runs `body` in every interleaving with at most two preemptions.
pub(super) fn check(body: impl Fn(&Seen) + Send + Sync + 'static) {
    check_preempted(2, body);
}

/// Runs `body` in every interleaving with at most `preemptions` preemptions.
pub(super) fn check_preempted(preemptions: usize, body: impl Fn(&Seen) + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(Some(preemptions));
    let seen = Arc::new(Seen::default());
    let in_model = Arc::clone(&seen);
    builder.check(move || body(&in_model));
    assert!(seen.swaps.load(Relaxed) > 0, "no execution swapped");
    assert!(
        seen.stragglers.load(Relaxed) > 0,
        "no execution had a straggler"
    );
}

pub(super) fn handles<S: Modelled>(new: fn() -> S) -> Handles<S> {
    arc(Tracked::new(0), Tracked::new(0), new())
}

/// Publishes `value` without waiting, and counts the swap and its stragglers.
pub(super) fn publish<S: Modelled>(writer: &mut ArcWriter<Tracked, S>, value: usize, seen: &Seen) {
    writer.back_mut().set(value);
    assert!(writer.start_swap());
    seen.swaps.fetch_add(1, Relaxed);
    if writer.stragglers() > 0 {
        seen.stragglers.fetch_add(1, Relaxed);
    }
}

/// Reads once, and checks that the value and the version agree.
pub(super) fn read_value<S: Modelled>(reader: &ArcReader<Tracked, S>) -> usize {
    let guard = reader.read();
    let value = guard.get();
    assert_eq!(value as u64, ReadGuard::version(&guard));
    value
}

/// Starts a thread that reads twice and never sees an older value after a newer one.
pub(super) fn reads_twice<S: Modelled>(reader: ArcReader<Tracked, S>) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        let first = read_value(&reader);
        let second = read_value(&reader);
        assert!(first <= second, "read {second} after {first}");
    })
}

pub(super) fn seen_in(seen: &Seen) -> &'static Seen {
    // SAFETY: `check` keeps it alive until the model and each of its threads have ended.
    unsafe { &*core::ptr::from_ref(seen) }
}
