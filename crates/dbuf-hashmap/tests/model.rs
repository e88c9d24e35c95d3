//! Random batches against `std::collections::HashMap`: one plain map is what the
//! writer sees, another what readers see.

use core::hash::{BuildHasherDefault, Hasher};
use core::mem;
use core::panic::AssertUnwindSafe;
use std::collections::HashMap;
use std::panic::{catch_unwind, resume_unwind};

use dbuf_hashmap::strategies::{EpochStrategy, LocalStrategy, LockStrategy};
use dbuf_hashmap::{
    BlockingStrategy, Builder, DefaultStrategy, MapGuard, MapRef, Strategy, WriterBatch,
};
use proptest::prelude::*;
use proptest::strategy::Strategy as Generate;

type Plain = HashMap<String, Box<u32>>;
type Writer<S> = dbuf_hashmap::Writer<String, Box<u32>, FewBuckets, S>;
type Batch<'w, S> = WriterBatch<'w, String, Box<u32>, FewBuckets, S>;

/// Four different hashes, so that keys collide.
type FewBuckets = BuildHasherDefault<LastBits>;

#[derive(Default)]
struct LastBits(u64);

impl Hasher for LastBits {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 ^= u64::from(byte & 3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[derive(Clone, Debug)]
enum Change {
    Insert(u8, u32),
    Remove(u8),
    Update(u8, u32),
    /// Keeps an entry at every n-th call, whichever it is.
    RetainEvery(usize),
    Clear,
}

#[derive(Clone, Copy, Debug)]
enum Ending {
    Publish,
    Drop,
    Defer,
    DeferThenPublish,
    Rollback,
    Forget,
    TransactOk,
    TransactErr,
    /// A closure panics (or the batch's owner, if it is not called).
    Panic(u8),
    /// The same, and the panic is caught while the batch lives.
    CaughtPanic(u8),
}

#[derive(Clone, Debug)]
enum Step {
    Batch(Vec<Change>, Ending),
    TakeGuard(usize),
    DropGuard(usize),
}

fn changes() -> impl Generate<Value = Change> {
    prop_oneof![
        6 => (0..12_u8, any::<u32>()).prop_map(|(k, v)| Change::Insert(k, v)),
        3 => (0..12_u8).prop_map(Change::Remove),
        3 => (0..12_u8, any::<u32>()).prop_map(|(k, by)| Change::Update(k, by)),
        1 => (1..5_usize).prop_map(Change::RetainEvery),
        1 => Just(Change::Clear),
    ]
}

fn endings() -> impl Generate<Value = Ending> {
    prop_oneof![
        3 => Just(Ending::Publish),
        3 => Just(Ending::Drop),
        2 => Just(Ending::Defer),
        1 => Just(Ending::DeferThenPublish),
        1 => Just(Ending::Rollback),
        1 => Just(Ending::Forget),
        1 => Just(Ending::TransactOk),
        1 => Just(Ending::TransactErr),
        1 => (0..12_u8).prop_map(Ending::Panic),
        1 => (0..12_u8).prop_map(Ending::CaughtPanic),
    ]
}

fn steps() -> impl Generate<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (prop::collection::vec(changes(), 0..if cfg!(miri) { 4 } else { 8 }), endings())
            .prop_map(|(changes, ending)| Step::Batch(changes, ending)),
        1 => (0..2_usize).prop_map(Step::TakeGuard),
        1 => (0..8_usize).prop_map(Step::DropGuard),
    ];
    prop::collection::vec(step, 1..if cfg!(miri) { 12 } else { 40 })
}

#[derive(Default)]
struct Model {
    published: Plain,
    /// `published` and what is deferred or in the open batch.
    pending: Plain,
    changed: bool,
    version: u64,
}

impl Model {
    fn publish(&mut self) {
        if mem::take(&mut self.changed) {
            self.published = self.pending.clone();
            self.version += 1;
        }
    }

    fn rollback(&mut self) {
        self.pending = self.published.clone();
        self.changed = false;
    }

    /// Makes a change in both worlds and compares what it returns.
    fn change<S: Strategy>(&mut self, batch: &mut Batch<'_, S>, change: &Change) {
        match *change {
            Change::Insert(k, v) => {
                let old = batch.insert(key(k), Box::new(v));
                assert_eq!(old, self.pending.insert(key(k), Box::new(v)));
                self.changed = true;
            }
            Change::Remove(k) => {
                let old = batch.remove(key(k).as_str());
                assert_eq!(old, self.pending.remove(&key(k)));
                self.changed |= old.is_some();
            }
            Change::Update(k, by) => {
                let add = |v: &mut Box<u32>| {
                    **v = v.wrapping_add(by);
                    **v
                };
                let new = batch.update(key(k).as_str(), add);
                assert_eq!(new, self.pending.get_mut(&key(k)).map(add));
                self.changed |= new.is_some();
            }
            Change::RetainEvery(nth) => {
                let mut calls = 0;
                batch.retain(|k, v| {
                    calls += 1;
                    assert_eq!(self.pending.get(k), Some(v));
                    let keep = calls % nth == 0;
                    if !keep {
                        self.pending.remove(k);
                        self.changed = true;
                    }
                    keep
                });
            }
            Change::Clear => {
                batch.clear();
                self.changed |= !self.pending.is_empty();
                self.pending.clear();
            }
        }
        assert_same(batch.as_map(), &self.pending);
        assert_same(batch.published(), &self.published);
    }
}

fn key(k: u8) -> String {
    format!("key {k}")
}

fn assert_same(map: MapRef<'_, String, Box<u32>, FewBuckets>, plain: &Plain) {
    assert_eq!(map.len(), plain.len());
    assert_eq!(map.is_empty(), plain.is_empty());
    assert_eq!(map.iter().len(), plain.len());
    // Both ways: what is found is listed, and the other way round.
    assert!(plain.iter().all(|(k, v)| map.get(k) == Some(v)));
    assert!(map.iter().all(|(k, v)| plain.get(k) == Some(v)));
    assert!(!map.contains_key("no key"));
}

/// `Writer::transact`, or the same by hand where a strategy cannot block.
type Transact<S> =
    fn(&mut Writer<S>, &mut dyn FnMut(&mut Batch<'_, S>) -> Result<(), ()>) -> Result<(), ()>;

fn blocking<S: BlockingStrategy>(
    writer: &mut Writer<S>,
    f: &mut dyn FnMut(&mut Batch<'_, S>) -> Result<(), ()>,
) -> Result<(), ()> {
    writer.transact(f)
}

fn refusing<S: Strategy>(
    writer: &mut Writer<S>,
    f: &mut dyn FnMut(&mut Batch<'_, S>) -> Result<(), ()>,
) -> Result<(), ()> {
    let mut batch = writer.try_write().expect("nothing to wait for");
    let result = f(&mut batch);
    match result {
        Ok(()) => batch.publish(),
        Err(()) => batch.rollback(),
    }
    result
}

/// Writes over a value and panics, without the noise of a panic message.
fn spoil(value: &mut u32) {
    *value = !*value;
    resume_unwind(Box::new(Expected));
}

struct Expected;

/// Whether `f` panicked, on purpose. Any other panic goes on.
fn panics(f: impl FnOnce()) -> bool {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(()) => false,
        Err(payload) if payload.is::<Expected>() => true,
        Err(payload) => resume_unwind(payload),
    }
}

fn run_batch<S: Strategy>(
    writer: &mut Writer<S>,
    model: &mut Model,
    changes: &[Change],
    ending: Ending,
    transact: Transact<S>,
) {
    let make_changes = |batch: &mut Batch<'_, S>, model: &mut Model| {
        assert_same(batch.as_map(), &model.pending);
        for change in changes {
            model.change(batch, change);
        }
    };
    if let Ending::TransactOk | Ending::TransactErr = ending {
        let wanted = match ending {
            Ending::TransactOk => Ok(()),
            _ => Err(()),
        };
        let result = transact(writer, &mut |batch| {
            make_changes(batch, model);
            wanted
        });
        assert_eq!(result, wanted);
        match wanted {
            Ok(()) => model.publish(),
            Err(()) => model.rollback(),
        }
        return;
    }

    let mut batch = writer.try_write().expect("nothing to wait for");
    make_changes(&mut batch, model);
    match ending {
        Ending::TransactOk | Ending::TransactErr => unreachable!("dealt with above"),
        Ending::Publish => {
            batch.publish();
            model.publish();
        }
        Ending::Drop => {
            drop(batch);
            model.publish();
        }
        Ending::Defer => batch.defer(),
        Ending::DeferThenPublish => {
            batch.defer();
            assert_eq!(writer.publish(), model.changed);
            model.publish();
        }
        Ending::Rollback => {
            batch.rollback();
            model.rollback();
        }
        Ending::Forget => {
            mem::forget(batch);
            model.rollback();
        }
        Ending::Panic(k) => {
            assert!(panics(move || {
                let mut batch = batch;
                batch.update(&key(k), |v| spoil(v));
                resume_unwind(Box::new(Expected));
            }));
            model.rollback();
        }
        Ending::CaughtPanic(k) => {
            let torn = panics(|| {
                batch.update(&key(k), |v| spoil(v));
            });
            drop(batch);
            if torn {
                model.rollback();
            } else {
                model.publish();
            }
        }
    }
}

fn run<S: Strategy + Default>(steps: Vec<Step>, capacity: usize, transact: Transact<S>) {
    let (mut writer, reader) = Builder::new()
        .capacity(capacity)
        .hasher(FewBuckets::default())
        .strategy(S::default())
        .build();
    let readers = [reader.clone(), reader];
    let mut guards: Vec<(MapGuard<'_, _, _, _, S>, Plain)> = Vec::new();
    let mut model = Model::default();
    for step in steps {
        match step {
            Step::TakeGuard(reader) => {
                guards.push((readers[reader].read(), model.published.clone()));
            }
            Step::DropGuard(at) => {
                if at < guards.len() {
                    drop(guards.remove(at));
                }
            }
            Step::Batch(changes, ending) => {
                // A probe must not publish what was deferred.
                while writer.try_write().map(|batch| batch.defer()).is_none() {
                    let straggler = guards
                        .iter()
                        .position(|(guard, _)| guard.version() < writer.version())
                        .expect("nobody is in the way");
                    drop(guards.remove(straggler));
                }
                run_batch(&mut writer, &mut model, &changes, ending, transact);
            }
        }
        assert_eq!(writer.has_pending(), model.changed);
        assert_eq!(writer.version(), model.version);
        assert_same(writer.published(), &model.published);
        for reader in &readers {
            let now = reader.read();
            assert_same(now.as_map(), &model.published);
            assert_eq!(now.version(), model.version);
            let first = reader.get(&key(0));
            assert_eq!(first.as_deref(), model.published.get(&key(0)));
        }
        for (guard, then) in &guards {
            assert_same(guard.as_map(), then);
        }
    }
}

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: if cfg!(miri) { 2 } else { 256 },
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

macro_rules! every_strategy {
    ($($name:ident: $strategy:ty, $transact:ident;)*) => {
        $(
            proptest! {
                #![proptest_config(config())]
                #[test]
                fn $name(steps in steps(), capacity in 0..40_usize) {
                    run::<$strategy>(steps, capacity, $transact);
                }
            }
        )*
    };
}

every_strategy! {
    lock: LockStrategy, blocking;
    epoch: EpochStrategy, blocking;
    local: LocalStrategy, refusing;
    default: DefaultStrategy, blocking;
}
