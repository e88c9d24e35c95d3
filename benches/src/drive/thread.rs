use alloc::sync::Arc;
use core::time::Duration;
use std::thread;
use std::time::Instant;

use hdrhistogram::Histogram;

use super::{Counted, Window};
use crate::maps::{Key, Worker};
use crate::script::Script;
use crate::state::{Own, State};

/// What one thread does.
#[derive(Clone, Debug)]
pub(crate) struct Role<K> {
    pub(crate) script: Arc<Script<K>>,
    pub(crate) own: Own,
    pub(crate) publish: Publish,
    pub(crate) way: Way,
}

/// When changes are written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Publish {
    /// So many at a time.
    Each(usize),
    /// All that there are, whenever so long has passed.
    After(Duration),
}

/// How a thread goes through its script.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Way {
    /// One operation after the other, as fast as it can.
    Closed,
    /// A batch of changes at every tick.
    Paced(Duration),
    /// A read at every tick, timed singly from the tick on: who is late makes the
    /// next one late, and that counts.
    Open(Duration),
    /// Each change by itself, timed singly, up to so many.
    Timed(u64),
}

/// A thread between its measurements.
pub(super) struct Thread<K> {
    worker: Box<dyn Worker<K>>,
    state: State<K>,
    role: Role<K>,
    at: usize,
}

/// What came out.
pub(super) struct Outcome {
    pub(super) counted: Counted,
    /// Of the operations counted.
    pub(super) changes: u64,
    pub(super) latencies: Option<Histogram<u64>>,
}

impl<K: Key> Thread<K> {
    pub(super) fn new(worker: Box<dyn Worker<K>>, state: State<K>, role: Role<K>) -> Self {
        let at = 0;
        Self {
            worker,
            state,
            role,
            at,
        }
    }

    pub(super) fn reads_only(&self) -> bool {
        self.role.script.reads_only
    }

    pub(super) fn way(&self) -> Way {
        self.role.way
    }

    pub(super) fn run(&mut self, window: Window) -> Outcome {
        match self.role.way {
            Way::Closed => self.closed(window),
            Way::Paced(tick) => self.paced(window, tick),
            Way::Open(tick) => self.open(window, tick),
            Way::Timed(most) => self.timed(window, most),
        }
    }

    /// Runs up to so many operations; how many.
    fn advance(&mut self, most: usize) -> usize {
        let script = &self.role.script;
        let end = script.ops.len().min(self.at + most);
        let count = end - self.at;
        self.worker.run(script, self.at..end, &mut self.state);
        self.at = end % script.ops.len();
        count
    }

    fn flush(&mut self) {
        if !self.state.pending.is_empty() {
            self.worker.write(&mut self.state.pending);
        }
    }

    fn closed(&mut self, window: Window) -> Outcome {
        let block = Script::<K>::BLOCK;
        let reads_only = self.reads_only();
        // A write may clone a whole map: between two looks at the clock there are
        // as many operations as fit into a fifth of a millisecond.
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
            let nanos = (end - begin).as_nanos() as f64;
            if begin >= window.from {
                counted.note(done, nanos);
                if reads_only && done == block {
                    counted.blocks.push(nanos);
                }
            } else if end > window.from {
                // A chunk that began before counts in part.
                let counting = (end - window.from).as_nanos() as f64;
                let share = |of: f64| (of * counting / nanos).round();
                counted.note(share(done as f64) as usize, counting);
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
        let changes = self.state.changes - before;
        self.flush();
        Outcome {
            counted,
            changes,
            latencies: None,
        }
    }

    fn paced(&mut self, window: Window, tick: Duration) -> Outcome {
        let mut counted = Counted::default();
        let mut due = Instant::now();
        let mut from = due;
        loop {
            let now = Instant::now();
            // A tick that has not come is no reason to wait for it.
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
            let is_counted = now >= window.from;
            let done = self.advance(self.state.batch);
            if is_counted {
                counted.ops += done as u64;
            }
            due += tick;
        }
        self.flush();
        counted.nanos = from.elapsed().as_nanos() as f64;
        let changes = counted.ops;
        Outcome {
            counted,
            changes,
            latencies: None,
        }
    }

    fn open(&mut self, window: Window, tick: Duration) -> Outcome {
        let mut latencies = histogram();
        let mut counted = Counted::default();
        let mut due = Instant::now();
        loop {
            let mut now = Instant::now();
            while now < due {
                core::hint::spin_loop();
                now = Instant::now();
            }
            let script = &self.role.script;
            let op = &script.ops[self.at];
            let found = self.worker.get(script.key(op));
            let end = Instant::now();
            self.state.check(op, found);
            self.at = (self.at + 1) % script.ops.len();
            if due >= window.from {
                counted.ops += 1;
                let nanos = (end - due).as_nanos();
                latencies.saturating_record(u64::try_from(nanos).unwrap_or(u64::MAX));
            }
            if window.is_over(end, counted.ops) {
                counted.nanos = end.saturating_duration_since(window.from).as_nanos() as f64;
                break;
            }
            due += tick;
        }
        Outcome {
            counted,
            changes: 0,
            latencies: Some(latencies),
        }
    }

    fn timed(&mut self, window: Window, most: u64) -> Outcome {
        let mut latencies = histogram();
        let mut counted = Counted::default();
        let mut begin = Instant::now();
        let script = &self.role.script;
        for op in script.ops.iter().cycle() {
            if !self.state.change(op, script.key(op)) {
                continue;
            }
            self.worker.write(&mut self.state.pending);
            let end = Instant::now();
            let nanos = (end - begin).as_nanos();
            counted.note(1, nanos as f64);
            latencies.saturating_record(u64::try_from(nanos).unwrap_or(u64::MAX));
            if window.is_over(end, counted.ops) || counted.ops >= most {
                break;
            }
            begin = Instant::now();
        }
        Outcome {
            changes: counted.ops,
            counted,
            latencies: Some(latencies),
        }
    }
}

/// From a nanosecond to a minute, to three digits.
pub(super) fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000_000, 3).expect("the bounds are right")
}
