//! A map under a load, and a map that is filled and weighed.

use alloc::rc::Rc;
use alloc::sync::Arc;
use std::thread;

use super::load::{Drawn, Pace, Task};
use super::thread::Thread;
use super::window::{Counted, Latencies, Subject, Window, join, read_cost};
use crate::maps::{Handle, MapEntry};
use crate::memory::counted;
use crate::metric::{Metric, Sample, Tail};
use crate::workload::keyspace::Keyspace;
use crate::workload::state::State;
use crate::workload::values::{Change, Key};

/// The threads of a load, with their handles of one map.
struct Live<K> {
    threads: Vec<Thread<K>>,
    #[expect(dead_code, reason = "they are only registered")]
    idle: Vec<Box<dyn Handle<K>>>,
}

/// Stores a value for each of these keys in one batch, and in both copies if there are two.
pub(super) fn fill<K: Key>(
    handle: &mut dyn Handle<K>,
    keyspace: &Keyspace<K>,
    bytes: usize,
    indices: impl Iterator<Item = u32>,
) {
    let put = |index| Change::fill(keyspace.key(index), index, bytes);
    handle.write(&mut indices.map(put).collect());
    handle.settle();
}

impl<K: Key> Live<K> {
    fn new(entry: &MapEntry<K>, drawn: &Drawn<K>) -> Self {
        let (load, keyspace) = (&drawn.load, &drawn.keyspace);
        let (name, bytes) = (entry.contender.name, load.value_bytes);
        let own = (0..load.tasks.len()).flat_map(|nth| drawn.own(nth).filled());
        let indices: Vec<u32> = (0..keyspace.len).chain(own).collect();
        let mut handle = (entry.build)(if load.grows { 0 } else { indices.len() });
        fill(&mut *handle, keyspace, bytes, indices.into_iter());
        let thread = |(nth, task): (usize, &Task)| Thread {
            handle: handle.another(),
            state: State::new(name, keyspace.clone(), drawn.own(nth), task.batch, bytes),
            workload: Arc::clone(&drawn.workloads[nth]),
            pace: task.pace,
            at: 0,
        };
        let idle = |_| {
            let mut idle = handle.another();
            idle.get(&keyspace.key(0));
            idle
        };
        Self {
            threads: load.tasks.iter().enumerate().map(thread).collect(),
            idle: (0..load.idle).map(idle).collect(),
        }
    }
}

/// A map under a load, which is filled at once, or anew in each measurement if it grows.
pub(crate) fn map<K: Key>(entry: MapEntry<K>, drawn: Rc<Drawn<K>>) -> Subject {
    let mut kept = (!drawn.load.grows).then(|| Live::new(&entry, &drawn));
    Box::new(move |slice| {
        let mut fresh = None;
        let live = match &mut kept {
            Some(live) => live,
            None => fresh.insert(Live::new(&entry, &drawn)),
        };
        let window = Window::new(slice);
        let threads = &mut live.threads;
        let counted: Vec<Counted> = thread::scope(|scope| {
            let start = |thread| scope.spawn(|| Thread::run(thread, window));
            let running: Vec<_> = threads.iter_mut().map(start).collect();
            running.into_iter().map(join).collect()
        });
        let ran: Vec<_> = threads.iter().zip(&counted).collect();
        sum_up(&ran)
    })
}

/// One sample from what all threads counted.
fn sum_up<K: Key>(ran: &[(&Thread<K>, &Counted)]) -> Sample {
    let of = |choose: fn(&Thread<K>) -> bool| {
        let chosen = ran.iter().filter(move |(thread, _)| choose(thread));
        chosen.map(|(_, counted)| *counted)
    };
    let readers = of(|thread| thread.reads_only() && thread.pace == Pace::Closed);
    let mut sample = Sample::from_iter(read_cost(readers));

    let ops: f64 = of(|_| true).map(Counted::ops_a_second).sum();
    let writes = of(|_| true).map(|counted| counted.rate(counted.changes));
    let writes: f64 = writes.sum();
    sample.push((Metric::Ops, ops));
    sample.push((Metric::Reads, ops - writes));
    if of(|thread| !thread.reads_only()).next().is_some() {
        sample.push((Metric::Writes, writes));
    }

    let open = of(|thread| matches!(thread.pace, Pace::Open(_)));
    sample.extend(tails(open, Metric::ReadAt));
    let timed: Vec<_> = of(|thread| matches!(thread.pace, Pace::Timed(_))).collect();
    if let [one] = timed[..] {
        sample.push((Metric::Entries, one.ops as f64));
    }
    sample.extend(tails(timed.into_iter(), Metric::WriteAt));
    sample
}

fn tails<'a>(counted: impl Iterator<Item = &'a Counted>, metric: fn(Tail) -> Metric) -> Sample {
    let mut all = Latencies::new();
    for latencies in counted.filter_map(|counted| counted.latencies.as_ref()) {
        all.add(latencies);
    }
    all.tails(metric).collect()
}

/// A map that is filled with a number of entries and weighed.
pub(crate) fn size(entry: MapEntry<u64>, entries: u32) -> Subject {
    /// Changes in a batch. What a log keeps for the next batch is weighed, too.
    const BATCH: usize = 1000;
    let keyspace = Keyspace::numbers(entries);
    Box::new(move |_| {
        let put = |index| Change::fill(keyspace.key(index), index, 8);
        // Memory that is not the map's is allocated before.
        let mut changes = Vec::with_capacity(BATCH);
        let (bytes, map) = counted(|| {
            let mut map = (entry.build)(0);
            for begin in (0..entries).step_by(BATCH) {
                changes.extend((begin..entries.min(begin + BATCH as u32)).map(put));
                map.write(&mut changes);
            }
            map.settle();
            map
        });
        drop(map);
        vec![(Metric::Bytes, bytes as f64 / f64::from(entries))]
    })
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;
    use crate::contender::Contender;
    use crate::drive::load::Load;
    use crate::maps::{Map, all};
    use crate::workload::ops::Mix;

    fn measure(load: Load) -> Vec<Sample> {
        let drawn = Rc::new(Drawn::random(load, Keyspace::numbers(100)));
        let measure = |entry| {
            let mut subject = map(entry, Rc::clone(&drawn));
            subject(Duration::from_millis(2));
            subject(Duration::from_millis(5))
        };
        all::<u64, u64>().into_iter().map(measure).collect()
    }

    fn number(sample: &Sample, metric: Metric) -> Option<f64> {
        let found = sample.iter().find(|(other, _)| *other == metric);
        found.map(|(_, value)| *value)
    }

    #[test]
    fn readers_alone_and_beside_a_writer() {
        let idle = 3;
        let load = Load::new(100, vec![Task::READ, Task::WRITE]);
        for sample in measure(Load { idle, ..load }) {
            for metric in [Metric::Read, Metric::Reads, Metric::Writes] {
                assert!(number(&sample, metric).unwrap() > 0.0, "{metric:?}");
            }
        }
    }

    #[test]
    fn mixes_with_own_keys_and_batches() {
        let task = Task::mix(Mix::of(0.2, 0.4, 0.4)).batch(7);
        for sample in measure(Load::of(100, task, 1).own(64)) {
            assert!(number(&sample, Metric::Writes).unwrap() > 0.0);
            assert_eq!(number(&sample, Metric::Read), None);
        }
    }

    #[test]
    fn tails_of_reads_and_of_growing_writes() {
        let read = Task::READ.pace(Pace::Open(Duration::from_micros(20)));
        let tasks = vec![read, Task::GROW.pace(Pace::Timed(50))];
        for sample in measure(Load::new(100, tasks).own(64).growing()) {
            let of = |metric: fn(Tail) -> Metric, tail| number(&sample, metric(tail)).unwrap();
            assert!(of(Metric::ReadAt, Tail::P50) <= of(Metric::ReadAt, Tail::MAX));
            assert!(of(Metric::WriteAt, Tail::MAX) > 0.0);
            let entries = number(&sample, Metric::Entries).unwrap();
            assert!((1.0..=50.0).contains(&entries));
        }
    }

    /// Loses every key.
    #[derive(Clone)]
    struct Broken;

    impl Map for Broken {
        type Key = u64;
        type Value = u64;

        fn with_capacity(_: usize) -> Self {
            Self
        }

        fn get(&mut self, _: &u64) -> Option<u64> {
            None
        }

        fn write(&mut self, _: impl ExactSizeIterator<Item = (u64, Option<u64>)>) {}

        fn hold(&mut self, _: &u64, keep: &mut dyn FnMut()) {
            keep();
        }
    }

    fn measure_broken(pace: Pace) {
        let contender = Contender {
            name: "none",
            about: "",
            is_ours: false,
        };
        let build = |_| -> Box<dyn Handle<u64>> { Box::new(Broken) };
        let load = Load::of(100, Task::READ.pace(pace), 1);
        let drawn = Rc::new(Drawn::random(load, Keyspace::numbers(100)));
        map(MapEntry { contender, build }, drawn)(Duration::from_millis(2));
    }

    #[test]
    #[should_panic(expected = "none is broken: it lost key")]
    fn a_broken_contender_is_not_measured() {
        measure_broken(Pace::Closed);
    }

    #[test]
    #[should_panic(expected = "none is broken: it lost key")]
    fn a_broken_contender_has_no_latency() {
        measure_broken(Pace::Open(Duration::from_micros(5)));
    }

    #[test]
    fn two_copies_weigh_twice() {
        let weigh = |name: &str| {
            let mut all = all::<u64, u64>().into_iter();
            let entry = all.find(|entry| entry.contender.name == name).unwrap();
            size(entry, 30_000)(Duration::ZERO)[0].1
        };
        let (ours, plain) = (weigh("epoch"), weigh("rwlock-std"));
        // A key and a value have 16 bytes.
        assert!(plain > 16.0, "{plain}");
        assert!(ours > 1.9 * plain && ours < 2.2 * plain, "{ours} {plain}");
    }
}
