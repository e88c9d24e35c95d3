//! A map under a load, with a stuck reader, and weighed.

use alloc::rc::Rc;
use alloc::sync::Arc;
use core::iter;
use std::thread;

use super::load::{Drawn, Pace, Task, Thread};
use super::window::{Counted, Subject, Window, join, read_cost, stuck, tails};
use crate::maps::{Handle, MapEntry};
use crate::memory::counted;
use crate::metric::{Metric, Sample};
use crate::workload::keys::{Change, Key, Keyspace, value};
use crate::workload::ops::State;

/// The threads of a load, and handles that are only registered.
type Live<K> = (Vec<Thread<K>>, Vec<Handle<K>>);

/// Of a value that is a number.
const BYTES: usize = size_of::<u64>();

/// The first value of each of these keys.
fn first<K>(keyspace: &Keyspace<K>, indices: impl Iterator<Item = u32>) -> Vec<Change<K>> {
    let put = |index| (keyspace.key(index), Some(value(index, 0)));
    indices.map(put).collect()
}

fn start<K: Key>(entry: &MapEntry<K>, drawn: &Drawn<K>) -> Live<K> {
    let (load, keyspace) = (&drawn.load, &drawn.keyspace);
    let (name, bytes) = (entry.contender.name, load.value_bytes);
    let own = (0..load.tasks.len()).flat_map(|nth| drawn.own(nth).filled());
    let mut all = first(keyspace, (0..keyspace.len).chain(own));
    let mut handle = (entry.build)(if load.grows { 0 } else { all.len() });
    handle.apply(&mut all, bytes);
    handle.settle();
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
    let threads = load.tasks.iter().enumerate().map(thread);
    (threads.collect(), (0..load.idle).map(idle).collect())
}

/// A map under a load, which is filled at once, or anew in each measurement if it grows.
pub fn map<K: Key>(entry: MapEntry<K>, drawn: Rc<Drawn<K>>) -> Subject {
    let mut kept = (!drawn.load.grows).then(|| start(&entry, &drawn));
    Box::new(move |slice| {
        let mut fresh = None;
        let (threads, _idle) = match &mut kept {
            Some(live) => live,
            None => fresh.insert(start(&entry, &drawn)),
        };
        let window = Window::new(slice);
        let counted: Vec<Counted> = thread::scope(|scope| {
            let run = |thread| scope.spawn(|| Thread::run(thread, window));
            let running: Vec<_> = threads.iter_mut().map(run).collect();
            running.into_iter().map(join).collect()
        });
        sum_up(threads, &counted)
    })
}

fn sum_up<K: Key>(threads: &[Thread<K>], counted: &[Counted]) -> Sample {
    let of = |choose: fn(&Thread<K>) -> bool| {
        let ran = threads.iter().zip(counted);
        ran.filter(move |it| choose(it.0)).map(|it| it.1)
    };
    let readers = of(|thread| thread.reads_only() && thread.pace == Pace::Closed);
    let mut sample = Sample::from_iter(read_cost(readers));

    let ops: f64 = of(|_| true).map(Counted::ops_a_second).sum();
    let writes = of(|_| true).map(|counted| counted.rate(counted.changes));
    let writes: f64 = writes.sum();
    sample.extend([(Metric::OPS, ops), (Metric::READS, ops - writes)]);
    if threads.iter().any(|thread| !thread.reads_only()) {
        sample.push((Metric::WRITES, writes));
    }

    let open = of(|thread| matches!(thread.pace, Pace::Open(_)));
    sample.extend(tails(open, Metric::READ_TAILS));
    let timed = || of(|thread| matches!(thread.pace, Pace::Timed(_)));
    sample.extend(timed().map(|counted| (Metric::ENTRIES, counted.ops as f64)));
    sample.extend(tails(timed(), Metric::WRITE_TAILS));
    sample
}

/// A map that is filled with a number of entries and weighed.
pub fn size(entry: MapEntry<u64>, entries: u32) -> Subject {
    /// Changes in a batch. What a log keeps for the next batch is weighed, too.
    const BATCH: usize = 1000;
    let keyspace = Keyspace::numbers(entries);
    Box::new(move |_| {
        // Memory that is not the map's is allocated before.
        let mut batches: Vec<_> = (0..entries)
            .step_by(BATCH)
            .map(|begin| first(&keyspace, begin..entries.min(begin + BATCH as u32)))
            .collect();
        let (bytes, map) = counted(|| {
            let mut map = (entry.build)(0);
            for batch in &mut batches {
                map.apply(batch, BYTES);
            }
            map.settle();
            map
        });
        drop(map);
        vec![(Metric::BYTES, bytes as f64 / f64::from(entries))]
    })
}

/// A map that is written to while a reader keeps what it read.
pub fn stuck_map(entry: &MapEntry<u64>) -> Subject {
    const ENTRIES: u32 = 10_000;
    /// The keys that are written, in turn; the reader has the first of them.
    const WRITTEN: u32 = 100;
    let keyspace = Keyspace::numbers(ENTRIES);
    let mut writer = (entry.build)(ENTRIES as usize);
    writer.apply(&mut first(&keyspace, 0..ENTRIES), BYTES);
    writer.settle();
    let (mut reader, key) = (writer.another(), keyspace.key(0));
    let mut written = 0;
    let mut write = move || {
        // Each key in turn, the one that is read among them.
        written = (written + 1) % WRITTEN;
        writer.apply(&mut first(&keyspace, iter::once(written)), BYTES);
    };
    Box::new(move |slice| stuck(slice, |keep| reader.hold(&key, keep), &mut write))
}

#[cfg(test)]
mod tests {
    use core::marker::PhantomData;
    use core::time::Duration;

    use super::*;
    use crate::contender::Contender;
    use crate::drive::load::Load;
    use crate::maps::{Map, all, map as implement};
    use crate::workload::keys::Stored;

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

    #[test]
    #[should_panic(expected = "none is broken: it lost key")]
    fn a_broken_contender_is_not_measured() {
        let contender = Contender {
            name: "none",
            about: "",
            is_ours: false,
        };
        let build = |_| -> Handle<u64> { Box::new(Broken::<u64, u64>(PhantomData)) };
        let load = Load::of(100, Task::READ, 1);
        let drawn = Rc::new(Drawn::random(load, Keyspace::numbers(100)));
        map(MapEntry { contender, build }, drawn)(Duration::from_millis(2));
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
