//! A load on a map, and its threads.

use alloc::sync::Arc;
use core::time::Duration;
use std::time::Instant;

use super::window::{Counted, Window, sleep_until, spin_until};
use crate::maps::Handle;
use crate::workload::keys::{Distribution, Key, Keyspace};
use crate::workload::ops::{Mix, OwnKeys, State, Workload};

/// How a thread goes through its operations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    Closed,
    /// A batch of changes at every tick.
    Paced(Duration),
    /// A read at every tick, each timed from its tick on: a late read makes the next one late,
    /// and that counts.
    Open(Duration),
    /// Each change by itself, each timed, up to this many.
    Timed(u64),
}

#[derive(Clone, Copy, Debug)]
pub struct Task {
    pub mix: Mix,
    pub keys: Distribution,
    /// Changes are written in batches of this many.
    pub batch: usize,
    pub pace: Pace,
}

impl Task {
    pub const READ: Self = Self::mix(Mix::READ);
    pub const WRITE: Self = Self::put(1.0);
    pub const GROW: Self = Self::mix(Mix::of(0.0, 1.0, 0.0));

    /// Uniform keys, each write published, as fast as it can.
    pub const fn mix(mix: Mix) -> Self {
        Self {
            mix,
            keys: Distribution::Uniform,
            batch: 1,
            pace: Pace::Closed,
        }
    }

    /// Overwrites with this share, and reads otherwise.
    pub const fn put(share: f64) -> Self {
        Self::mix(Mix::of(share, 0.0, 0.0))
    }

    pub const fn keys(self, keys: Distribution) -> Self {
        Self { keys, ..self }
    }

    pub const fn batch(self, batch: usize) -> Self {
        Self { batch, ..self }
    }

    pub const fn pace(self, pace: Pace) -> Self {
        Self { pace, ..self }
    }

    pub fn times_and(self, threads: usize, others: &[Self]) -> Vec<Self> {
        [&vec![self; threads], others].concat()
    }
}

/// A load on a map: a thread for each task.
#[derive(Clone, Debug)]
pub struct Load {
    pub entries: u32,
    pub tasks: Vec<Task>,
    /// Each thread has a ring of this many keys for its inserts and removes, half of it filled.
    pub own: u32,
    pub value_bytes: usize,
    /// Handles that have read once, and do nothing afterwards.
    pub idle: usize,
    /// Whether every measurement begins with a new map that has no room yet.
    pub grows: bool,
}

impl Load {
    pub fn new(entries: u32, tasks: Vec<Task>) -> Self {
        Self {
            entries,
            tasks,
            own: 0,
            value_bytes: size_of::<u64>(),
            idle: 0,
            grows: false,
        }
    }

    pub fn of(entries: u32, task: Task, threads: usize) -> Self {
        Self::new(entries, vec![task; threads])
    }

    pub fn own(self, own: u32) -> Self {
        Self { own, ..self }
    }

    pub fn growing(self) -> Self {
        let grows = true;
        Self { grows, ..self }
    }
}

/// A load whose keys and operations are drawn.
pub struct Drawn<K> {
    pub load: Load,
    /// What the map is filled with, in addition to the threads' own keys.
    pub keyspace: Keyspace<K>,
    pub workloads: Vec<Arc<Workload<K>>>,
}

impl<K: Key> Drawn<K> {
    /// `workload` makes the operations of the thread of this number.
    pub fn new(
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
    pub fn random(load: Load, keyspace: Keyspace<K>) -> Self {
        let space = keyspace.clone();
        Self::new(load, keyspace, |nth, task| {
            Workload::draw(task.mix, task.keys, &space, 1 + nth as u64)
        })
    }

    pub fn own(&self, nth: usize) -> OwnKeys {
        let own = self.load.own;
        let filled = if self.load.grows { 0 } else { own / 2 };
        OwnKeys::new(self.keyspace.len + nth as u32 * own, own, filled)
    }
}

/// A thread between its measurements.
pub struct Thread<K> {
    pub handle: Handle<K>,
    pub state: State<K>,
    pub workload: Arc<Workload<K>>,
    pub pace: Pace,
    pub at: usize,
}

impl<K: Key> Thread<K> {
    pub fn reads_only(&self) -> bool {
        self.workload.reads_only
    }

    pub fn run(&mut self, window: Window) -> Counted {
        let (reads_only, batch) = (self.reads_only(), self.state.batch);
        let counted = match self.pace {
            Pace::Closed => window.repeat(reads_only, |chunk| self.advance(chunk)),
            Pace::Paced(tick) => {
                let is_over = |due: Instant, end, _| due.max(end) >= window.until;
                window.ticks(None, Some(tick), sleep_until, is_over, || {
                    self.advance(batch)
                })
            }
            Pace::Open(tick) => {
                let is_over = |_, end, reads| window.is_over(end, reads);
                window.ticks(None, Some(tick), spin_until, is_over, || self.advance(1))
            }
            Pace::Timed(most) => {
                let is_over = |_, end, writes: u64| writes >= most || window.is_over(end, writes);
                let window = window.whole();
                window.ticks(None, None, |_| (), is_over, || self.advance(batch))
            }
        };
        if !self.state.pending.is_empty() {
            let state = &mut self.state;
            self.handle.apply(&mut state.pending, state.bytes);
        }
        counted
    }

    /// Runs at most this many operations. Returns how many, and how many of them were changes.
    fn advance(&mut self, most: usize) -> (usize, u64) {
        let (workload, before) = (&self.workload, self.state.changes);
        let end = workload.ops.len().min(self.at + most);
        let count = end - self.at;
        self.handle.run(workload, self.at..end, &mut self.state);
        self.at = end % workload.ops.len();
        (count, self.state.changes - before)
    }
}
