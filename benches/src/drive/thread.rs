//! One thread of a load on a map.

use alloc::sync::Arc;
use core::hint;
use core::time::Duration;
use std::thread;
use std::time::Instant;

use super::window::{Counted, Latencies, Window, nanos_between};
use crate::maps::Handle;
use crate::workload::ops::Workload;
use crate::workload::state::{OwnKeys, State};
use crate::workload::values::Key;

/// What one thread does.
#[derive(Clone, Debug)]
pub(crate) struct Role<K> {
    pub(crate) workload: Arc<Workload<K>>,
    pub(crate) own: OwnKeys,
    pub(crate) publish: Publish,
    pub(crate) pace: Pace,
}

/// When changes are written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Publish {
    /// In batches of this many.
    Each(usize),
    /// All pending ones, whenever this time has passed.
    After(Duration),
}

/// How a thread goes through its workload.
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

/// A thread between its measurements.
pub(super) struct Thread<K> {
    pub(super) worker: Box<dyn Handle<K>>,
    pub(super) state: State<K>,
    pub(super) role: Role<K>,
    /// The next operation.
    at: usize,
}

impl<K: Key> Thread<K> {
    pub(super) fn new(worker: Box<dyn Handle<K>>, state: State<K>, role: Role<K>) -> Self {
        let at = 0;
        Self {
            worker,
            state,
            role,
            at,
        }
    }

    pub(super) fn reads_only(&self) -> bool {
        self.role.workload.reads_only
    }

    pub(super) fn run(&mut self, window: Window) -> Counted {
        match self.role.pace {
            Pace::Closed => self.closed(window),
            Pace::Paced(tick) => self.paced(window, tick),
            Pace::Open(tick) => self.open(window, tick),
            Pace::Timed(most) => self.timed(window, most),
        }
    }

    /// Runs at most this many operations, and returns how many.
    fn advance(&mut self, most: usize) -> usize {
        let workload = &self.role.workload;
        let end = workload.ops.len().min(self.at + most);
        let count = end - self.at;
        self.worker.run(workload, self.at..end, &mut self.state);
        self.at = end % workload.ops.len();
        count
    }

    fn flush(&mut self) {
        if !self.state.pending.is_empty() {
            self.worker.write(&mut self.state.pending);
        }
    }

    fn closed(&mut self, window: Window) -> Counted {
        let block = Workload::<K>::BLOCK;
        let reads_only = self.reads_only();
        // A write may clone a whole map, so a chunk between two readings of the clock has as many
        // operations as fit into a fifth of a millisecond.
        let mut chunk = if reads_only { block } else { 1 };
        let mut counted = Counted::default();
        let mut before = self.state.changes;
        let mut written = Instant::now();
        let mut begin = window.begin;
        loop {
            let changed = self.state.changes;
            let done = self.advance(chunk);
            if let Publish::After(time) = self.role.publish
                && written.elapsed() >= time
            {
                self.flush();
                written = Instant::now();
            }
            let end = Instant::now();
            let nanos = nanos_between(begin, end);
            if begin >= window.from {
                counted.add(done, nanos);
                if reads_only && done == block {
                    counted.blocks.push(nanos);
                }
            } else if end > window.from {
                // A chunk that began before counts in part.
                let counting = nanos_between(window.from, end);
                let share = |of: f64| (of * counting / nanos).round();
                counted.add(share(done as f64) as usize, counting);
                let changes = share((self.state.changes - changed) as f64);
                before = self.state.changes - changes as u64;
            } else {
                before = self.state.changes;
            }
            if window.is_over(end, counted.ops) {
                break;
            }
            if !reads_only && nanos < 1e5 {
                chunk = (chunk * 2).min(block);
            } else if !reads_only && nanos > 4e5 {
                chunk = (chunk / 2).max(1);
            }
            begin = end;
        }
        counted.changes = self.state.changes - before;
        self.flush();
        counted
    }

    fn paced(&mut self, window: Window, tick: Duration) -> Counted {
        let mut counted = Counted::default();
        let mut due = Instant::now();
        let mut from = due;
        loop {
            let now = Instant::now();
            if window.is_over(now, 1) {
                break;
            }
            if now < due {
                thread::sleep((due - now).min(window.until - now));
                continue;
            }
            if now < window.from {
                from = now;
            }
            let done = self.advance(self.state.batch);
            if now >= window.from {
                counted.ops += done as u64;
            }
            due += tick;
        }
        self.flush();
        counted.nanos = nanos_between(from, Instant::now());
        counted.changes = counted.ops;
        counted
    }

    fn open(&mut self, window: Window, tick: Duration) -> Counted {
        let mut latencies = Latencies::new();
        let mut counted = Counted::default();
        let mut due = Instant::now();
        loop {
            spin_until(due);
            let workload = &self.role.workload;
            let op = &workload.ops[self.at];
            let found = self.worker.get(workload.key(op));
            let end = Instant::now();
            self.state.check(op, found);
            self.at = (self.at + 1) % workload.ops.len();
            if due >= window.from {
                counted.ops += 1;
                latencies.record(due, end);
            }
            if window.is_over(end, counted.ops) {
                counted.nanos = nanos_between(window.from, end);
                break;
            }
            due += tick;
        }
        counted.latencies = Some(latencies);
        counted
    }

    fn timed(&mut self, window: Window, most: u64) -> Counted {
        let mut latencies = Latencies::new();
        let mut counted = Counted::default();
        let mut begin = Instant::now();
        let workload = &self.role.workload;
        for op in workload.ops.iter().cycle() {
            if !self.state.change(op, workload.key(op)) {
                continue;
            }
            self.worker.write(&mut self.state.pending);
            let end = Instant::now();
            counted.add(1, nanos_between(begin, end));
            latencies.record(begin, end);
            if window.is_over(end, counted.ops) || counted.ops >= most {
                break;
            }
            begin = Instant::now();
        }
        counted.changes = counted.ops;
        counted.latencies = Some(latencies);
        counted
    }
}

/// Waits without leaving the core: a thread that sleeps wakes late.
pub(super) fn spin_until(due: Instant) {
    while Instant::now() < due {
        hint::spin_loop();
    }
}
