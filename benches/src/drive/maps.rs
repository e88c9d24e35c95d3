use alloc::rc::Rc;
use core::time::Duration;
use std::thread;

use hdrhistogram::Histogram;

use super::thread::{Outcome, Thread, histogram};
use super::{Publish, Role, Subject, Way, Window, a_read, join};
use crate::maps::{Change, Entry, Key, Value, Worker};
use crate::metric::{Metric, Sample, Tail};
use crate::script::Script;
use crate::space::Space;
use crate::state::State;

/// What is asked of a map.
#[derive(Debug)]
pub(crate) struct Load<K> {
    /// What it is filled with, beside the threads' own keys.
    pub(crate) space: Space<K>,
    pub(crate) roles: Vec<Role<K>>,
    /// How many bytes a value takes.
    pub(crate) value_bytes: usize,
    /// Handles that have read once, and then rest.
    pub(crate) idle: usize,
    /// Whether every measurement begins with a new map that has no room yet.
    pub(crate) grows: bool,
}

/// A map under a load.
pub(crate) struct MapSubject<K> {
    entry: Entry<K>,
    load: Rc<Load<K>>,
    live: Option<Live<K>>,
}

struct Live<K> {
    threads: Vec<Thread<K>>,
    #[expect(dead_code, reason = "is there")]
    idle: Vec<Box<dyn Worker<K>>>,
}

impl<K: Key> MapSubject<K> {
    /// Fills the map, unless it shall grow.
    pub(crate) fn new(entry: Entry<K>, load: Rc<Load<K>>) -> Self {
        let live = (!load.grows).then(|| Live::new(&entry, &load));
        Self { entry, load, live }
    }
}

/// Puts values at these places, in one batch, and pays for it at once.
pub(super) fn fill<K: Key>(
    worker: &mut dyn Worker<K>,
    space: &Space<K>,
    bytes: usize,
    places: impl Iterator<Item = u32>,
) {
    let put = |place| Change {
        key: space.key(place),
        value: Some(Value {
            place,
            generation: 0,
        }),
        bytes,
    };
    worker.write(&mut places.map(put).collect());
    worker.settle();
}

impl<K: Key> Live<K> {
    fn new(entry: &Entry<K>, load: &Load<K>) -> Self {
        let own = |role: &Role<K>| match load.grows {
            true => role.own.emptied(),
            false => role.own,
        };
        let filled = load.roles.iter().flat_map(|role| own(role).filled());
        let places: Vec<u32> = (0..load.space.len).chain(filled).collect();
        let mut worker = (entry.build)(if load.grows { 0 } else { places.len() });
        let bytes = load.value_bytes;
        fill(&mut *worker, &load.space, bytes, places.into_iter());
        let thread = |role: &Role<K>| {
            let batch = match role.publish {
                Publish::Each(changes) => changes,
                Publish::After(_) => usize::MAX,
            };
            let state = State::new(entry.name, load.space.clone(), own(role), batch, bytes);
            Thread::new(worker.another(), state, role.clone())
        };
        let threads = load.roles.iter().map(thread).collect();
        let key = load.space.key(0);
        let idle = (0..load.idle)
            .map(|_| {
                let mut idle = worker.another();
                idle.get(&key);
                idle
            })
            .collect();
        Self { threads, idle }
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
        let outcomes: Vec<Outcome> = thread::scope(|scope| {
            let running: Vec<_> = threads
                .iter_mut()
                .map(|thread| scope.spawn(|| thread.run(window)))
                .collect();
            running.into_iter().map(join).collect()
        });
        let ran: Vec<_> = threads.iter().zip(&outcomes).collect();
        sum_up(&ran)
    }
}

/// One sample out of what the threads did.
fn sum_up<K: Key>(ran: &[(&Thread<K>, &Outcome)]) -> Sample {
    let mut sample = Sample::new();
    let of = |choose: &dyn Fn(&Thread<K>) -> bool| -> Vec<&Outcome> {
        let chosen = ran.iter().filter(|(thread, _)| choose(thread));
        chosen.map(|(_, outcome)| *outcome).collect()
    };
    let all = of(&|_| true);
    let readers = of(&|thread| thread.reads_only() && thread.way() == Way::Closed);
    let mut blocks: Vec<f64> = readers
        .iter()
        .flat_map(|outcome| outcome.counted.blocks.iter().copied())
        .collect();
    let counted: Vec<_> = readers.iter().map(|outcome| &outcome.counted).collect();
    sample.extend(a_read(&mut blocks, Script::<K>::BLOCK, &counted));

    let ops: f64 = all.iter().map(|o| o.counted.ops_a_second()).sum();
    let writes: f64 = all.iter().map(|o| o.counted.rate(o.changes)).sum();
    sample.push((Metric::Ops, ops));
    sample.push((Metric::Reads, ops - writes));
    if ran.iter().any(|(thread, _)| !thread.reads_only()) {
        sample.push((Metric::Writes, writes));
    }

    let reads = of(&|thread| matches!(thread.way(), Way::Open(_)));
    tails(&mut sample, &reads, Metric::ReadAt);
    let timed = of(&|thread| matches!(thread.way(), Way::Timed(_)));
    tails(&mut sample, &timed, Metric::WriteAt);
    if let [one] = timed[..] {
        sample.push((Metric::Entries, one.counted.ops as f64));
    }
    sample
}

fn tails(sample: &mut Sample, outcomes: &[&Outcome], metric: fn(Tail) -> Metric) {
    let mut all: Histogram<u64> = histogram();
    for latencies in outcomes.iter().filter_map(|o| o.latencies.as_ref()) {
        all.add(latencies).expect("made with the same bounds");
    }
    // Of fewer reads than a percentile takes it is the worst of them.
    if !all.is_empty() {
        let at = |tail: Tail| (metric(tail), all.value_at_quantile(tail.quantile()) as f64);
        sample.extend(Tail::ALL.map(at));
    }
}

#[cfg(test)]
mod tests {
    use alloc::sync::Arc;

    use super::*;
    use crate::maps::{Handle, all};
    use crate::script::Mix;
    use crate::space::Keys;
    use crate::state::Own;

    fn role(mix: Mix, way: Way, space: &Space<u64>) -> Role<u64> {
        Role {
            script: Arc::new(Script::draw(mix, Keys::Uniform, space, 1)),
            own: Own::new(1000, 64, 32),
            publish: Publish::Each(1),
            way,
        }
    }

    fn measure(roles: impl Fn(&Space<u64>) -> Vec<Role<u64>>, grows: bool) -> Vec<Sample> {
        let space = Space::numbers(100);
        let load = Rc::new(Load {
            roles: roles(&space),
            space,
            value_bytes: Value::BYTES,
            idle: 3,
            grows,
        });
        let measure = |entry| {
            let mut subject = MapSubject::new(entry, Rc::clone(&load));
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
        let samples = measure(
            |space| {
                let writer = role(Mix::put(1.0), Way::Closed, space);
                vec![role(Mix::READ, Way::Closed, space), writer]
            },
            false,
        );
        for sample in samples {
            for metric in [Metric::Read, Metric::Reads, Metric::Writes] {
                assert!(number(&sample, metric).unwrap() > 0.0, "{metric:?}");
            }
        }
    }

    #[test]
    fn mixes_with_own_keys_and_batches() {
        let mix = Mix {
            put: 0.2,
            grow: 0.4,
            shrink: 0.4,
        };
        for publish in [Publish::Each(7), Publish::After(Duration::from_micros(300))] {
            let samples = measure(
                |space| {
                    let role = role(mix, Way::Closed, space);
                    vec![Role { publish, ..role }]
                },
                false,
            );
            for sample in samples {
                assert!(number(&sample, Metric::Writes).unwrap() > 0.0);
                assert_eq!(number(&sample, Metric::Read), None);
            }
        }
    }

    #[test]
    fn tails_of_reads_and_of_growing_writes() {
        let samples = measure(
            |space| {
                let open = Way::Open(Duration::from_micros(20));
                vec![
                    role(Mix::READ, open, space),
                    role(Mix::GROW, Way::Timed(50), space),
                ]
            },
            true,
        );
        for sample in samples {
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
    }

    fn measure_broken(way: Way) {
        let space = Space::numbers(9);
        let load = Rc::new(Load {
            roles: vec![role(Mix::READ, way, &space)],
            space,
            value_bytes: Value::BYTES,
            idle: 0,
            grows: false,
        });
        let entry = Entry {
            name: "none",
            about: "",
            is_ours: false,
            build: |capacity| Box::new(Broken::build(capacity)),
        };
        MapSubject::new(entry, load).measure(Duration::from_millis(2));
    }

    #[test]
    #[should_panic(expected = "none is broken: it lost key")]
    fn a_broken_contender_is_not_measured() {
        measure_broken(Way::Closed);
    }

    #[test]
    #[should_panic(expected = "none is broken: it lost key")]
    fn a_broken_contender_has_no_latency() {
        measure_broken(Way::Open(Duration::from_micros(5)));
    }
}
