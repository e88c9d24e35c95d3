//! One thread of a load on a map.

use alloc::sync::Arc;
use core::hint;
use core::time::Duration;
use std::thread;
use std::time::Instant;

use super::load::Pace;
use super::window::{Counted, Latencies, Window, nanos_between};
use crate::maps::Handle;
use crate::workload::ops::Workload;
use crate::workload::state::State;
use crate::workload::values::Key;

/// A thread between its measurements.
pub struct Thread<K> {
    pub handle: Box<dyn Handle<K>>,
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
        match self.pace {
            Pace::Closed => self.closed(window),
            Pace::Paced(tick) => self.paced(window, tick),
            Pace::Open(tick) => self.open(window, tick),
            Pace::Timed(most) => self.timed(window, most),
        }
    }

    /// Runs at most this many operations, and returns how many.
    fn advance(&mut self, most: usize) -> usize {
        let workload = &self.workload;
        let end = workload.ops.len().min(self.at + most);
        let count = end - self.at;
        self.handle.run(workload, self.at..end, &mut self.state);
        self.at = end % workload.ops.len();
        count
    }

    fn flush(&mut self) {
        if !self.state.pending.is_empty() {
            self.handle.write(&mut self.state.pending);
        }
    }

    fn closed(&mut self, window: Window) -> Counted {
        let counted = window.repeat(self.reads_only(), |chunk| {
            let before = self.state.changes;
            let done = self.advance(chunk);
            (done, self.state.changes - before)
        });
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
            let done = self.advance(self.state.batch);
            match now < window.from {
                true => from = now,
                false => counted.ops += done as u64,
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
            let workload = &self.workload;
            let op = &workload.ops[self.at];
            let found = self.handle.get(workload.key(op));
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
        let workload = &self.workload;
        for op in workload.ops.iter().cycle() {
            if !self.state.change(op, workload.key(op)) {
                continue;
            }
            self.handle.write(&mut self.state.pending);
            let end = Instant::now();
            counted.ops += 1;
            counted.nanos += nanos_between(begin, end);
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
pub fn spin_until(due: Instant) {
    while Instant::now() < due {
        hint::spin_loop();
    }
}
