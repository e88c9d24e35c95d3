//! What the threads of a load on a map do.

use alloc::sync::Arc;
use core::time::Duration;

use crate::workload::keyspace::{Distribution, Keyspace};
use crate::workload::ops::{Mix, Workload};
use crate::workload::state::OwnKeys;

/// How a thread goes through its operations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Pace {
    /// One operation after the other, as fast as it can.
    Closed,
    /// A batch of changes at every tick.
    Paced(Duration),
    /// A read at every tick, each timed from its tick on: a late read makes the next one late,
    /// and that counts.
    Open(Duration),
    /// Each change by itself, each timed, up to this many.
    Timed(u64),
}

/// What one thread does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Task {
    pub(crate) mix: Mix,
    pub(crate) keys: Distribution,
    /// Changes are written in batches of this many.
    pub(crate) batch: usize,
    pub(crate) pace: Pace,
}

impl Task {
    pub(crate) const READ: Self = Self::mix(Mix::READ);
    pub(crate) const WRITE: Self = Self::put(1.0);
    pub(crate) const GROW: Self = Self::mix(Mix::of(0.0, 1.0, 0.0));

    /// Uniform keys, each write published, as fast as it can.
    pub(crate) const fn mix(mix: Mix) -> Self {
        Self {
            mix,
            keys: Distribution::Uniform,
            batch: 1,
            pace: Pace::Closed,
        }
    }

    /// Overwrites with this share, and reads otherwise.
    pub(crate) const fn put(share: f64) -> Self {
        Self::mix(Mix::of(share, 0.0, 0.0))
    }

    pub(crate) const fn keys(self, keys: Distribution) -> Self {
        Self { keys, ..self }
    }

    pub(crate) const fn batch(self, batch: usize) -> Self {
        Self { batch, ..self }
    }

    pub(crate) const fn pace(self, pace: Pace) -> Self {
        Self { pace, ..self }
    }

    /// This many threads that do this, and then others.
    pub(crate) fn times_and(self, threads: usize, others: &[Self]) -> Vec<Self> {
        [&vec![self; threads], others].concat()
    }
}

/// A load on a map: a thread for each task.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    pub(crate) entries: u32,
    pub(crate) tasks: Vec<Task>,
    /// Each thread has a ring of this many keys for its inserts and removes, half of it filled.
    pub(crate) own: u32,
    pub(crate) value_bytes: usize,
    /// Handles that have read once, and do nothing afterwards.
    pub(crate) idle: usize,
    /// Whether every measurement begins with a new map that has no room yet.
    pub(crate) grows: bool,
}

impl Load {
    pub(crate) fn new(entries: u32, tasks: Vec<Task>) -> Self {
        Self {
            entries,
            tasks,
            own: 0,
            value_bytes: size_of::<u64>(),
            idle: 0,
            grows: false,
        }
    }

    /// Threads that each do the same.
    pub(crate) fn of(entries: u32, task: Task, threads: usize) -> Self {
        Self::new(entries, vec![task; threads])
    }

    pub(crate) fn own(self, own: u32) -> Self {
        Self { own, ..self }
    }

    pub(crate) fn growing(self) -> Self {
        let grows = true;
        Self { grows, ..self }
    }
}

/// A load whose keys and operations are drawn.
#[derive(Debug)]
pub(crate) struct Drawn<K> {
    pub(super) load: Load,
    /// What the map is filled with, in addition to the threads' own keys.
    pub(super) keyspace: Keyspace<K>,
    /// The operations of each thread.
    pub(super) workloads: Vec<Arc<Workload<K>>>,
}

impl<K> Drawn<K> {
    /// `workload` makes the operations of the thread of this number.
    pub(crate) fn new(
        load: Load,
        keyspace: Keyspace<K>,
        workload: impl Fn(usize, &Task) -> Workload<K>,
    ) -> Self {
        let tasks = load.tasks.iter().enumerate();
        let workloads = tasks.map(|(nth, task)| Arc::new(workload(nth, task)));
        Self {
            workloads: workloads.collect(),
            load,
            keyspace,
        }
    }

    /// Draws the operations at random, the same in every run.
    pub(crate) fn random(load: Load, keyspace: Keyspace<K>) -> Self {
        let space = keyspace.clone();
        Self::new(load, keyspace, |nth, task| {
            Workload::draw(task.mix, task.keys, &space, 1 + nth as u64)
        })
    }

    /// The own keys of the thread of this number.
    pub(super) fn own(&self, nth: usize) -> OwnKeys {
        let own = self.load.own;
        let filled = if self.load.grows { 0 } else { own / 2 };
        OwnKeys::new(self.keyspace.len + nth as u32 * own, own, filled)
    }
}
