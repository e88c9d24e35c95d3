//! Loads on maps, in short.

use alloc::sync::Arc;

use crate::drive::maps::Load;
use crate::drive::thread::{Pace, Publish, Role};
use crate::workload::keyspace::{Distribution, Keyspace};
use crate::workload::ops::{Mix, Workload};
use crate::workload::state::OwnKeys;
use crate::workload::values::{Key, Value};

/// Entries of the maps whose size is not the question.
pub(super) const ENTRIES: u32 = 100_000;
/// The same in words.
pub(super) const MANY: &str = "100,000";

/// A number of threads, in words.
pub(super) fn some_threads(count: usize) -> String {
    match count {
        1 => "1 thread".to_owned(),
        _ => format!("{count} threads"),
    }
}

/// What a number of threads do, in words.
pub(super) fn threads_that(count: usize, verb: &str) -> String {
    match count {
        1 => format!("one thread {verb}s"),
        _ => format!("{count} threads {verb}"),
    }
}

/// What one thread does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Task {
    pub(super) mix: Mix,
    pub(super) keys: Distribution,
    pub(super) publish: Publish,
    pub(super) pace: Pace,
}

impl Task {
    pub(super) const READ: Self = Self::mix(Mix::READ);
    pub(super) const WRITE: Self = Self::mix(Mix::put(1.0));
    pub(super) const GROW: Self = Self::mix(Mix::GROW);

    /// Uniform keys, each write published, as fast as it can.
    pub(super) const fn mix(mix: Mix) -> Self {
        Self {
            mix,
            keys: Distribution::Uniform,
            publish: Publish::Each(1),
            pace: Pace::Closed,
        }
    }

    pub(super) const fn keys(self, keys: Distribution) -> Self {
        Self { keys, ..self }
    }

    pub(super) const fn publish(self, publish: Publish) -> Self {
        Self { publish, ..self }
    }

    pub(super) const fn pace(self, pace: Pace) -> Self {
        Self { pace, ..self }
    }

    /// So many threads that do this, and one that does another.
    pub(super) fn times_and(self, threads: usize, one: Self) -> Vec<Self> {
        let mut tasks = vec![self; threads];
        tasks.push(one);
        tasks
    }
}

/// A load of these tasks, a thread each. Each thread has a ring of `own` keys for its inserts and
/// removes, half of it filled.
pub(super) fn load<K: Key>(keyspace: Keyspace<K>, own: u32, tasks: &[Task]) -> Load<K> {
    let role = |(nth, task): (u32, &Task)| {
        let seed = 1 + u64::from(nth);
        Role {
            workload: Arc::new(Workload::draw(task.mix, task.keys, &keyspace, seed)),
            own: OwnKeys::new(keyspace.len + nth * own, own, own / 2),
            publish: task.publish,
            pace: task.pace,
        }
    };
    Load {
        roles: (0..).zip(tasks).map(role).collect(),
        keyspace,
        value_bytes: Value::BYTES,
        idle: 0,
        grows: false,
    }
}

/// A load of threads that each do this, on a map with numbers for keys.
pub(super) fn numbers(entries: u32, own: u32, task: Task, threads: usize) -> Load<u64> {
    load(Keyspace::numbers(entries), own, &vec![task; threads])
}
