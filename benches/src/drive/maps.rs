//! A map under a load.

use alloc::rc::Rc;
use core::time::Duration;
use std::thread;

use super::thread::{Pace, Publish, Role, Thread};
use super::window::{Counted, Latencies, Subject, Window, join, read_cost};
use crate::maps::{Entry, Handle};
use crate::metric::{Metric, Sample, Tail};
use crate::workload::keyspace::Keyspace;
use crate::workload::ops::Workload;
use crate::workload::state::State;
use crate::workload::values::{Change, Key};

#[derive(Debug)]
pub(crate) struct Load<K> {
    /// What the map is filled with, beside the threads' own keys.
    pub(crate) keyspace: Keyspace<K>,
    pub(crate) roles: Vec<Role<K>>,
    pub(crate) value_bytes: usize,
    /// Handles that have read once, and do nothing afterwards.
    pub(crate) idle: usize,
    /// Whether every measurement begins with a new map that has no room yet.
    pub(crate) grows: bool,
}

pub(crate) struct MapSubject<K> {
    entry: Entry<K>,
    load: Rc<Load<K>>,
    live: Option<Live<K>>,
}

struct Live<K> {
    threads: Vec<Thread<K>>,
    #[expect(dead_code, reason = "they are only registered")]
    idle: Vec<Box<dyn Handle<K>>>,
}

impl<K: Key> MapSubject<K> {
    /// Fills the map, unless it grows in each measurement.
    pub(crate) fn new(entry: Entry<K>, load: Rc<Load<K>>) -> Self {
        let live = (!load.grows).then(|| Live::new(&entry, &load));
        Self { entry, load, live }
    }
}

/// Stores a value for each of these keys in one batch, and in both copies if there are two.
pub(super) fn fill<K: Key>(
    worker: &mut dyn Handle<K>,
    keyspace: &Keyspace<K>,
    bytes: usize,
    indices: impl Iterator<Item = u32>,
) {
    let put = |index| Change::fill(keyspace.key(index), index, bytes);
    worker.write(&mut indices.map(put).collect());
    worker.settle();
}

impl<K: Key> Live<K> {
    fn new(entry: &Entry<K>, load: &Load<K>) -> Self {
        let own = |role: &Role<K>| match load.grows {
            true => role.own.emptied(),
            false => role.own,
        };
        let filled = load.roles.iter().flat_map(|role| own(role).filled());
        let indices: Vec<u32> = (0..load.keyspace.len).chain(filled).collect();
        let mut worker = (entry.build)(if load.grows { 0 } else { indices.len() });
        let bytes = load.value_bytes;
        fill(&mut *worker, &load.keyspace, bytes, indices.into_iter());
        let thread = |role: &Role<K>| {
            let batch = match role.publish {
                Publish::Each(changes) => changes,
                Publish::After(_) => usize::MAX,
            };
            let (name, keyspace) = (entry.contender.name, load.keyspace.clone());
            let state = State::new(name, keyspace, own(role), batch, bytes);
            Thread::new(worker.another(), state, role.clone())
        };
        let idle = |_| {
            let mut idle = worker.another();
            idle.get(&load.keyspace.key(0));
            idle
        };
        Self {
            threads: load.roles.iter().map(thread).collect(),
            idle: (0..load.idle).map(idle).collect(),
        }
    }
}

impl<K: Key> Subject for MapSubject<K> {
    fn measure(&mut self, slice: Duration) -> Sample {
        let mut fresh;
        let live = match &mut self.live {
            Some(live) => live,
            None => {
                fresh = Live::new(&self.entry, &self.load);
                &mut fresh
            }
        };
        let window = Window::new(slice);
        let threads = &mut live.threads;
        let counted: Vec<Counted> = thread::scope(|scope| {
            let running: Vec<_> = threads
                .iter_mut()
                .map(|thread| scope.spawn(|| thread.run(window)))
                .collect();
            running.into_iter().map(join).collect()
        });
        let ran: Vec<_> = threads.iter().zip(&counted).collect();
        sum_up(&ran)
    }
}

/// One sample from what all threads counted.
fn sum_up<K: Key>(ran: &[(&Thread<K>, &Counted)]) -> Sample {
    let of = |choose: fn(&Thread<K>) -> bool| {
        let chosen = ran.iter().filter(move |(thread, _)| choose(thread));
        chosen.map(|(_, counted)| *counted)
    };
    let readers = of(|thread| thread.reads_only() && thread.role.pace == Pace::Closed);
    let mut sample = Sample::from_iter(read_cost(readers, Workload::<K>::BLOCK));

    let ops: f64 = of(|_| true).map(Counted::ops_a_second).sum();
    let writes: f64 = of(|_| true)
        .map(|counted| counted.rate(counted.changes))
        .sum();
    sample.push((Metric::Ops, ops));
    sample.push((Metric::Reads, ops - writes));
    if of(|thread| !thread.reads_only()).next().is_some() {
        sample.push((Metric::Writes, writes));
    }

    let open = of(|thread| matches!(thread.role.pace, Pace::Open(_)));
    sample.extend(tails(open, Metric::ReadAt));
    let timed: Vec<_> = of(|thread| matches!(thread.role.pace, Pace::Timed(_))).collect();
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

#[cfg(test)]
mod tests {
    use alloc::sync::Arc;

    use super::*;
    use crate::contender::Contender;
    use crate::maps::all;
    use crate::workload::keyspace::Distribution;
    use crate::workload::ops::Mix;
    use crate::workload::state::OwnKeys;
    use crate::workload::values::Value;

    fn role(mix: Mix, pace: Pace, keyspace: &Keyspace<u64>) -> Role<u64> {
        Role {
            workload: Arc::new(Workload::draw(mix, Distribution::Uniform, keyspace, 1)),
            own: OwnKeys::new(1000, 64, 32),
            publish: Publish::Each(1),
            pace,
        }
    }

    fn load(
        roles: impl Fn(&Keyspace<u64>) -> Vec<Role<u64>>,
        idle: usize,
        grows: bool,
    ) -> Rc<Load<u64>> {
        let keyspace = Keyspace::numbers(100);
        Rc::new(Load {
            roles: roles(&keyspace),
            keyspace,
            value_bytes: Value::BYTES,
            idle,
            grows,
        })
    }

    fn measure(load: &Rc<Load<u64>>) -> Vec<Sample> {
        let measure = |entry| {
            let mut subject = MapSubject::new(entry, Rc::clone(load));
            subject.measure(Duration::from_millis(2));
            subject.measure(Duration::from_millis(5))
        };
        all::<u64, Value>().into_iter().map(measure).collect()
    }

    fn number(sample: &Sample, metric: Metric) -> Option<f64> {
        let found = sample.iter().find(|(other, _)| *other == metric);
        found.map(|(_, value)| *value)
    }

    #[test]
    fn readers_alone_and_beside_a_writer() {
        let roles = |space: &_| {
            let writer = role(Mix::put(1.0), Pace::Closed, space);
            vec![role(Mix::READ, Pace::Closed, space), writer]
        };
        for sample in measure(&load(roles, 3, false)) {
            for metric in [Metric::Read, Metric::Reads, Metric::Writes] {
                assert!(number(&sample, metric).unwrap() > 0.0, "{metric:?}");
            }
        }
    }

    #[test]
    fn mixes_with_own_keys_and_batches() {
        for publish in [Publish::Each(7), Publish::After(Duration::from_micros(300))] {
            let roles = |space: &_| {
                let role = role(Mix::of(0.2, 0.4, 0.4), Pace::Closed, space);
                vec![Role { publish, ..role }]
            };
            for sample in measure(&load(roles, 0, false)) {
                assert!(number(&sample, Metric::Writes).unwrap() > 0.0);
                assert_eq!(number(&sample, Metric::Read), None);
            }
        }
    }

    #[test]
    fn tails_of_reads_and_of_growing_writes() {
        let roles = |space: &_| {
            let open = Pace::Open(Duration::from_micros(20));
            let grow = role(Mix::GROW, Pace::Timed(50), space);
            vec![role(Mix::READ, open, space), grow]
        };
        for sample in measure(&load(roles, 0, true)) {
            let of = |metric: fn(Tail) -> Metric, tail| number(&sample, metric(tail)).unwrap();
            assert!(of(Metric::ReadAt, Tail::P50) <= of(Metric::ReadAt, Tail::Max));
            assert!(of(Metric::WriteAt, Tail::Max) > 0.0);
            let entries = number(&sample, Metric::Entries).unwrap();
            assert!((1.0..=50.0).contains(&entries));
        }
    }

    /// Loses every key.
    #[derive(Clone)]
    struct Broken;

    impl Handle<u64> for Broken {
        fn build(_: usize) -> Self {
            Self
        }

        fn get(&mut self, _: &u64) -> Option<Value> {
            None
        }

        fn write(&mut self, changes: &mut Vec<Change<u64>>) {
            changes.clear();
        }

        fn hold(&mut self, _: &u64, keep: &mut dyn FnMut()) {
            keep();
        }
    }

    fn measure_broken(pace: Pace) {
        let entry = Entry {
            contender: Contender::theirs("none", ""),
            build: |_| Box::new(Broken),
        };
        let roles = |space: &_| vec![role(Mix::READ, pace, space)];
        MapSubject::new(entry, load(roles, 0, false)).measure(Duration::from_millis(2));
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
}
