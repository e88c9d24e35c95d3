//! Futures that are dropped after any poll, against a model: only completed calls have an effect.

use std::collections::BTreeMap;

use dbuf_hashmap::strategies::{CountStrategy, EpochStrategy, FlashStrategy, LockStrategy};
use dbuf_hashmap::{SharedReader, Snapshot, Watched, Watcher};
use proptest::prelude::*;

use super::{Map, MapStrategy, map};
use crate::futures::{Polled, poll_and_cancel, run_woken, yield_now};

type Entries = BTreeMap<u32, u32>;
type Watch<S> = Watcher<u32, u32, std::hash::RandomState, S>;
type Read<S> = SharedReader<u32, u32, std::hash::RandomState, Watched<S>>;
type Guard<'r, S> = Snapshot<'r, u32, u32, std::hash::RandomState, Watched<S>>;

#[derive(Clone, Copy, Debug)]
enum Call {
    Insert(u32),
    Remove(u32),
    Update(u32),
    /// A transaction with an await in its middle.
    Transact(u32, bool),
    /// A batch with an await in its middle, and how it ends.
    Write(u32, End),
}

#[derive(Clone, Copy, Debug)]
enum End {
    Drop,
    Publish,
    Defer,
    Rollback,
}

#[derive(Clone, Debug)]
enum Step {
    Take,
    Release(usize),
    /// A call that is polled this often, and then dropped.
    Call(Call, usize),
    /// Calls behind an open batch; some are dropped while they wait.
    Queue(Vec<(Call, bool)>, End),
    /// Calls behind a guard, if there is one; some are dropped while they wait.
    Stuck(Vec<(Call, bool)>),
    Publish,
    Watch(usize),
}

fn call() -> impl Strategy<Value = Call> {
    let key = 0..6_u32;
    let end = prop_oneof![
        Just(End::Drop),
        Just(End::Publish),
        Just(End::Defer),
        Just(End::Rollback)
    ];
    prop_oneof![
        3 => key.clone().prop_map(Call::Insert),
        2 => key.clone().prop_map(Call::Remove),
        2 => key.clone().prop_map(Call::Update),
        2 => (key.clone(), any::<bool>()).prop_map(|(key, fails)| Call::Transact(key, fails)),
        3 => (key, end).prop_map(|(key, end)| Call::Write(key, end)),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let calls = || prop::collection::vec((call(), any::<bool>()), 1..5);
    let end = prop_oneof![Just(End::Publish), Just(End::Defer), Just(End::Rollback)];
    prop_oneof![
        3 => Just(Step::Take),
        4 => any::<usize>().prop_map(Step::Release),
        8 => (call(), 0..4_usize).prop_map(|(call, polls)| Step::Call(call, polls)),
        3 => (calls(), end).prop_map(|(calls, end)| Step::Queue(calls, end)),
        2 => calls().prop_map(Step::Stuck),
        1 => Just(Step::Publish),
        2 => (0..3_usize).prop_map(Step::Watch),
    ]
}

/// The expected contents of the map.
#[derive(Default)]
struct Model {
    published: Entries,
    /// The published contents with the deferred changes.
    next: Entries,
    pending: bool,
    version: u64,
}

impl Model {
    fn publish(&mut self) {
        if self.pending {
            self.published.clone_from(&self.next);
            self.pending = false;
            self.version += 1;
        }
    }

    fn insert(&mut self, key: u32, value: u32) {
        self.next.insert(key, value);
        self.pending = true;
    }

    fn end(&mut self, end: End) {
        match end {
            End::Drop | End::Publish => self.publish(),
            End::Defer => {}
            End::Rollback => unreachable!("a rollback inserts nothing"),
        }
    }

    /// Applies a completed call to the model.
    fn complete(&mut self, call: Call, value: u32) {
        match call {
            Call::Insert(key) => {
                self.insert(key, value);
                self.publish();
            }
            Call::Remove(key) => {
                self.pending |= self.next.remove(&key).is_some();
                self.publish();
            }
            Call::Update(key) => {
                if self.next.contains_key(&key) {
                    self.insert(key, value);
                }
                self.publish();
            }
            Call::Transact(_, true) | Call::Write(_, End::Rollback) => {}
            Call::Transact(key, false) => {
                self.insert(key, value);
                self.insert(key + 1, value);
                self.publish();
            }
            Call::Write(key, end) => {
                self.insert(key, value);
                self.insert(key + 1, value);
                self.end(end);
            }
        }
    }

    /// Applies a call to the model that began and was dropped at its inner await.
    fn cut(&mut self, call: Call, value: u32) {
        match call {
            // A dropped batch publishes its changes.
            Call::Write(key, _) => {
                self.insert(key, value);
                self.publish();
            }
            Call::Transact(..) => {}
            _ => unreachable!("a single change has no inner await"),
        }
    }
}

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

/// Returns how many polls an uncontended call takes.
fn polls_of(call: Call) -> usize {
    match call {
        Call::Insert(_) | Call::Remove(_) | Call::Update(_) => 1,
        Call::Transact(..) | Call::Write(..) => 2,
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
            assert!(self.has_straggler());
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
        assert_eq!(
            self.map.queued_writers(),
            0,
            "a dropped future is still counted"
        );
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
        assert!(future.poll().is_pending());
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
