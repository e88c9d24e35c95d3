//! The latency of writes while one reader keeps what it read.

use core::time::Duration;
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use super::maps::fill;
use super::thread::spin_until;
use super::window::{Latencies, Subject, join};
use crate::cells::{Build, Parts, Payload};
use crate::contender::Entry;
use crate::interrupt;
use crate::maps::MapEntry;
use crate::metric::{Metric, Sample};
use crate::workload::keyspace::Keyspace;
use crate::workload::values::Change;

const TICK: Duration = Duration::from_millis(1);
/// The reader keeps what it read for the whole slice, within these bounds.
const SHORTEST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_secs(1);
const ENTRIES: u32 = 10_000;
/// The keys that are written, in turn; the reader has the first of them.
const WRITTEN: u32 = 100;

const BYTES: usize = size_of::<u64>();

/// A map, one handle that reads and one that writes.
pub fn stuck_map(entry: &MapEntry<u64>) -> Subject {
    let keyspace = Keyspace::numbers(ENTRIES);
    let mut writer = (entry.build)(ENTRIES as usize);
    fill(&mut *writer, &keyspace, BYTES, 0..ENTRIES);
    let (mut reader, key) = (writer.another(), keyspace.key(0));
    let mut written = 0;
    let mut write = move || {
        // Each key in turn, the one that is read among them.
        written = (written + 1) % WRITTEN;
        let change = Change::fill(keyspace.key(written), written, BYTES);
        writer.write(&mut vec![change]);
    };
    Box::new(move |slice| measure(slice, |keep| reader.hold(&key, keep), &mut write))
}

/// A cell with one reader. Returns `None` if the cell is for one thread only.
pub fn stuck_cell(entry: &Entry<Build>) -> Option<Subject> {
    let Parts::Shared {
        mut readers,
        mut writer,
    } = (entry.build)(1)?
    else {
        return None;
    };
    let mut written = 0;
    let mut write = move || {
        written += 1;
        writer.store(Payload::new(written));
    };
    Some(Box::new(move |slice| {
        measure(slice, |keep| readers[0].hold(keep), &mut write)
    }))
}

/// Writes at every tick, beginning when the reader has what it keeps, and times each write from
/// its tick on. A write that waits for the reader makes the next ones late, and that counts.
fn measure(
    slice: Duration,
    hold: impl FnOnce(&mut dyn FnMut()) + Send,
    mut write: impl FnMut(),
) -> Sample {
    let time = slice.clamp(SHORTEST, LONGEST);
    let mut latencies = Latencies::new();
    thread::scope(|scope| {
        let (held, begins) = mpsc::channel();
        let reading = scope.spawn(move || {
            hold(&mut || {
                held.send(Instant::now()).expect("the writer waits for it");
                thread::sleep(time);
            });
        });
        let begin = begins.recv().expect("the reader has something to keep");
        let mut due = begin;
        while due < begin + time && !interrupt::is_requested() {
            spin_until(due);
            write();
            latencies.record(due, Instant::now());
            due += TICK;
        }
        join(reading);
    });
    latencies.tails(Metric::WriteAt).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::maps::all;

    #[test]
    fn a_write_behind_a_lock_waits_for_the_reader() {
        const HELD: Duration = Duration::from_millis(30);
        let maps = all::<u64, u64>();
        let lock = maps.iter().find(|it| it.contender.name == "rwlock-std");
        let sample = stuck_map(lock.unwrap())(HELD);
        // The first write begins when the reader has the lock, and is the slowest.
        assert!(sample[sample.len() - 1].1 >= 0.9 * HELD.as_nanos() as f64);
    }
}
