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

struct Live<K> {
    threads: Vec<Thread<K>>,
    #[expect(dead_code, reason = "they are only registered")]
    idle: Vec<Box<dyn Handle<K>>>,
}

/// Stores a value for each of these keys in one batch, and in both copies if there are two.
pub fn fill<K: Key>(
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
pub fn map<K: Key>(entry: MapEntry<K>, drawn: Rc<Drawn<K>>) -> Subject {
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
pub fn size(entry: MapEntry<u64>, entries: u32) -> Subject {
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
    use core::marker::PhantomData;
    use core::time::Duration;

    use super::*;
    use crate::contender::Contender;
    use crate::drive::load::Load;
    use crate::maps::{Map, all, map as implement};
    use crate::workload::values::Stored;

    /// Loses every key.
    #[derive(Clone)]
    struct Broken<K, V>(PhantomData<fn() -> (K, V)>);

    implement! {
        [K: Key, V: Stored] Broken<K, V>, _this:
        new(_capacity) => Self(PhantomData);
        get(_key) => None;
        write(changes) => drop(changes);
        hold(_key, keep) => keep();
    }

    fn measure_broken(pace: Pace) {
        let contender = Contender {
            name: "none",
            about: "",
            is_ours: false,
        };
        let build = |_| -> Box<dyn Handle<u64>> { Box::new(Broken::<u64, u64>(PhantomData)) };
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
