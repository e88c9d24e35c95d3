//! Futures that are dropped after any poll, against a model: only completed calls have an effect.

mod model;

use dbuf_hashmap::strategies::{CountStrategy, EpochStrategy, FlashStrategy, LockStrategy};
use dbuf_hashmap::{SharedReader, Snapshot, Watched, Watcher};
use model::{Call, End, Entries, Model, Step, polls_of, step};
use proptest::prelude::*;

use super::{Map, MapStrategy, map};
use crate::futures::{Polled, poll_and_cancel, run_woken, yield_now};

type Watch<S> = Watcher<u32, u32, std::hash::RandomState, S>;
type Read<S> = SharedReader<u32, u32, std::hash::RandomState, Watched<S>>;
type Guard<'r, S> = Snapshot<'r, u32, u32, std::hash::RandomState, Watched<S>>;

async fn perform<S: MapStrategy>(map: &Map<S>, call: Call, value: u32) {
    match call {
        Call::Insert(key) => drop(map.insert_async(key, value).await),
        Call::Remove(key) => drop(map.remove_async(&key).await),
        Call::Update(key) => drop(map.update_async(&key, |now| *now = value).await),
        Call::Transact(key, fails) => {
            let result = map.transact_async(async |batch| {
                batch.insert(key, value);
                yield_now().await;
                batch.insert(key + 1, value);
                if fails { Err(value) } else { Ok(value) }
            });
            let expected = if fails { Err(value) } else { Ok(value) };
            assert_eq!(result.await, expected);
        }
        Call::Write(key, end) => {
            let mut batch = map.write_async().await;
            batch.insert(key, value);
            yield_now().await;
            batch.insert(key + 1, value);
            match end {
                End::Drop => drop(batch),
                End::Publish => batch.publish(),
                End::Defer => batch.defer(),
                End::Rollback => batch.rollback(),
            }
        }
    }
}

struct World<'r, S: MapStrategy> {
    map: Map<S>,
    watcher: Watch<S>,
    reader: &'r Read<S>,
    /// Guards, each with the contents that it must show while it lives.
    guards: Vec<(Guard<'r, S>, Entries)>,
    model: Model,
}

fn entries<S: MapStrategy>(guard: &Guard<'_, S>) -> Entries {
    guard.iter().map(|(key, value)| (*key, *value)).collect()
}

impl<'r, S: MapStrategy> World<'r, S> {
    fn new(map: Map<S>, reader: &'r Read<S>) -> Self {
        Self {
            watcher: map.watcher(),
            reader,
            map,
            guards: vec![],
            model: Model::default(),
        }
    }

    /// Returns whether a guard holds the side that the last publish replaced.
    fn has_straggler(&self) -> bool {
        let version = self.model.version;
        self.guards
            .iter()
            .any(|(guard, _)| guard.version() < version)
    }

    fn step(&mut self, step: &Step, value: u32) {
        match step {
            Step::Take => {
                let guard = self.reader.read();
                let shown = entries(&guard);
                self.guards.push((guard, shown));
            }
            Step::Release(pick) => {
                if !self.guards.is_empty() {
                    drop(self.guards.swap_remove(pick % self.guards.len()));
                }
            }
            Step::Call(call, polls) => self.call(*call, *polls, value),
            Step::Queue(calls, end) => self.queue(calls, *end, value),
            Step::Stuck(calls) => {
                if self.has_straggler() {
                    let waiting = begin(&self.map, calls, value);
                    self.guards.clear();
                    finish(&mut self.model, calls, waiting, value);
                }
            }
            // This call waits for no reader.
            Step::Publish => {
                assert_eq!(self.map.publish().is_published(), self.model.pending);
                self.model.publish();
            }
            Step::Watch(polls) => {
                let last_seen = self.watcher.last_seen();
                let news = poll_and_cancel(self.watcher.changed(), *polls);
                let newer = *polls > 0 && self.model.version > last_seen;
                assert_eq!(news, newer.then_some(Ok(self.model.version)));
            }
        }
        self.check();
    }

    fn call(&mut self, call: Call, polls: usize, value: u32) {
        let held_up = self.has_straggler();
        let ended = poll_and_cancel(perform(&self.map, call, value), polls).is_some();
        assert_eq!(ended, !held_up && polls >= polls_of(call), "{call:?}");
        if ended {
            self.model.complete(call, value);
        } else if !held_up && polls > 0 {
            self.model.cut(call, value);
        }
    }

    fn queue(&mut self, calls: &[(Call, bool)], end: End, value: u32) {
        let Some(mut batch) = poll_and_cancel(self.map.write_async(), 1) else {
            assert!(self.has_straggler(), "a batch waits for nothing");
            return;
        };
        batch.insert(7, value);
        let waiting = begin(&self.map, calls, value);
        match end {
            End::Drop | End::Publish => batch.publish(),
            End::Defer => batch.defer(),
            End::Rollback => batch.rollback(),
        }
        if !matches!(end, End::Rollback) {
            self.model.insert(7, value);
            self.model.end(end);
        }
        // Otherwise the calls wait for these guards next.
        self.guards.clear();
        finish(&mut self.model, calls, waiting, value);
    }

    fn check(&self) {
        for (guard, shown) in &self.guards {
            assert_eq!(entries(guard), *shown, "a guarded copy was written");
        }
        let guard = self.reader.read();
        assert_eq!(entries(&guard), self.model.published);
        assert_eq!(guard.version(), self.model.version);
        let queued = self.map.queued_writers();
        assert_eq!(queued, 0, "a dropped future is still counted");
    }
}

/// Polls calls that have to wait twice, each time with another waker; drops some of them then.
fn begin<'m, S: MapStrategy>(
    map: &'m Map<S>,
    calls: &[(Call, bool)],
    value: u32,
) -> Vec<Option<Polled<'m, ()>>> {
    let begun = calls.iter().map(|(call, dropped)| {
        let mut future = Polled::new(perform(map, *call, value));
        assert!(future.poll().is_pending(), "{call:?} does not wait");
        (future, *dropped)
    });
    let mut begun: Vec<_> = begun.collect();
    assert_eq!(map.queued_writers(), calls.len());
    for (future, _) in &mut begun {
        future.change_waker();
        assert!(future.poll().is_pending());
    }
    let kept = begun.into_iter();
    kept.map(|(future, dropped)| (!dropped).then_some(future))
        .collect()
}

/// Completes the remaining calls, in the order that the lock decides.
fn finish(
    model: &mut Model,
    calls: &[(Call, bool)],
    waiting: Vec<Option<Polled<'_, ()>>>,
    value: u32,
) {
    run_woken(waiting, |at, ()| model.complete(calls[at].0, value));
}

fn agrees_with_the_model<S: MapStrategy>(new: fn() -> S, steps: &[Step]) {
    let map = map(new());
    let reader = map.reader();
    let mut world = World::new(map, &reader);
    for (step, value) in steps.iter().zip(0..) {
        world.step(step, value);
    }
    // No straggler remains, and both copies are correct.
    world.guards.clear();
    for value in [1000, 1001] {
        world.step(&Step::Call(Call::Insert(9), 1), value);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 1 } else { 300 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn calls_dropped_after_any_poll_did_all_or_nothing(
        steps in prop::collection::vec(step(), 1..if cfg!(miri) { 12 } else { 40 })
    ) {
        agrees_with_the_model(CountStrategy::new, &steps);
        agrees_with_the_model(EpochStrategy::new, &steps);
        agrees_with_the_model(FlashStrategy::new, &steps);
        agrees_with_the_model(LockStrategy::new, &steps);
    }
}
