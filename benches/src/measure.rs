use core::time::Duration;
use std::panic;
use std::thread::{self, ScopedJoinHandle};
use std::time::Instant;

use crate::{Contender, Lookup, Publish, Value, Workload, median};

/// A contender, built, whatever its types are. The call through this trait is
/// one for each measurement and none for each lookup.
pub trait Subject {
    /// Lets `threads` threads look keys up for the time of a `slice`, and, if
    /// `writer`, one more publish as fast as it can. The first fifth is warm-up.
    ///
    /// # Panics
    ///
    /// If a lookup finds anything but the key's value.
    fn measure(
        &mut self,
        workload: &Workload,
        threads: usize,
        writer: bool,
        slice: Duration,
    ) -> Sample;
}

/// One measurement.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Nanoseconds a lookup, of the median block.
    pub nanos: f64,
    /// Lookups a second, of all threads together.
    pub lookups: f64,
    /// Publishes a second, if there was a writer.
    pub publishes: Option<f64>,
}

/// The one implementation of [`Subject`].
pub(crate) struct Live<C: Contender> {
    name: &'static str,
    writer: C::Writer,
    reader: C::Reader,
}

impl<C: Contender> Live<C> {
    pub(crate) fn new(name: &'static str, writer: C::Writer, reader: C::Reader) -> Self {
        Self {
            name,
            writer,
            reader,
        }
    }
}

/// When things count. All threads share one, so that nobody has to be waited
/// for: a thread that starts late has a shorter warm-up.
#[derive(Clone, Copy)]
struct Window {
    from: Instant,
    until: Instant,
}

impl<C: Contender> Subject for Live<C> {
    fn measure(
        &mut self,
        workload: &Workload,
        threads: usize,
        writer: bool,
        slice: Duration,
    ) -> Sample {
        let now = Instant::now();
        let window = Window {
            from: now + slice / 5,
            until: now + slice,
        };
        let (name, ends) = (self.name, &mut self.writer);
        let readers: Vec<_> = (0..threads).map(|_| self.reader.clone()).collect();
        let (mut blocks, publishes) = thread::scope(|scope| {
            let publishing = writer.then(|| scope.spawn(|| publish(ends, workload, window)));
            let reading: Vec<_> = readers
                .into_iter()
                .enumerate()
                .map(|(thread, reader)| {
                    scope.spawn(move || read(name, reader, workload, thread, window))
                })
                .collect();
            let blocks: Vec<_> = reading.into_iter().map(join).collect();
            (blocks, publishing.map(join))
        });
        let lookups = blocks.iter().map(|blocks| rate(blocks)).sum();
        let mut all: Vec<f64> = blocks.drain(..).flatten().collect();
        let block = median(&mut all).expect("a thread reads at least one block");
        Sample {
            nanos: block / Workload::BLOCK as f64,
            lookups,
            publishes,
        }
    }
}

/// Lookups a second of a thread that took so many nanoseconds for its blocks.
fn rate(blocks: &[f64]) -> f64 {
    let lookups = blocks.len() * Workload::BLOCK;
    lookups as f64 * 1e9 / blocks.iter().sum::<f64>()
}

fn join<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread
        .join()
        .unwrap_or_else(|why| panic::resume_unwind(why))
}

/// Walks a thread's sequence; the nanoseconds of each block in the window.
fn read<L: Lookup>(
    name: &str,
    mut reader: L,
    workload: &Workload,
    thread: usize,
    window: Window,
) -> Vec<f64> {
    let mut nanos = Vec::with_capacity(1 << 16);
    let mut begin = Instant::now();
    let sequence = workload.reads(thread);
    for block in sequence.blocks() {
        for &question in block {
            let found = reader.lookup(sequence.key(question));
            workload.check(name, question.place, found);
        }
        let end = Instant::now();
        if begin >= window.from {
            nanos.push((end - begin).as_nanos() as f64);
        }
        // Past the end only for a block that outlasted the whole window.
        if end >= window.until && !nanos.is_empty() {
            break;
        }
        begin = end;
    }
    nanos
}

/// Publishes batch after batch; how many a second in the window.
fn publish<P: Publish>(writer: &mut P, workload: &Workload, window: Window) -> f64 {
    let mut changes = Vec::with_capacity(Workload::BATCH);
    let mut begin = None;
    let mut count = 0_u64;
    for (places, generation) in workload.writes().zip((1..=u32::MAX).cycle()) {
        changes.clear();
        changes.extend(places.iter().map(|&key| {
            let value = Value { key, generation };
            (workload.keys().name(key), value)
        }));
        writer.publish(&changes);
        let now = Instant::now();
        match begin {
            None if now >= window.from => begin = Some(now),
            None => {}
            Some(begin) => {
                count += 1;
                if now >= window.until {
                    return count as f64 / (now - begin).as_secs_f64();
                }
            }
        }
    }
    unreachable!("the writes have no end")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Keys, contenders};

    #[test]
    fn the_rate_is_that_of_all_blocks_and_not_of_the_median() {
        let second_a_block = rate(&[0.5e9, 1.5e9]);
        assert_eq!(second_a_block, Workload::BLOCK as f64);
    }

    #[test]
    fn every_contender_can_be_measured_with_and_without_a_writer() {
        let keys = Keys::from_text("a\nb\nc", "a test").unwrap();
        let workload = Workload::new(keys, 2);
        for entry in contenders::ALL {
            let mut subject = entry.build(workload.keys());
            for writer in [false, true] {
                let sample = subject.measure(&workload, 2, writer, Duration::from_millis(5));
                assert!(sample.nanos > 0.0);
                assert!(sample.lookups > 0.0);
                assert_eq!(sample.publishes.is_some(), writer);
            }
        }
    }

    /// Loses every key.
    #[derive(Clone)]
    struct Broken;

    impl Lookup for Broken {
        fn lookup(&mut self, _: &str) -> Option<Value> {
            None
        }
    }

    impl Publish for Broken {
        fn publish(&mut self, _: &[(&str, Value)]) {}
    }

    impl Contender for Broken {
        type Reader = Self;
        type Writer = Self;

        fn build(_: &Keys, _: contenders::Hash) -> (Self, Self) {
            (Self, Self)
        }
    }

    #[test]
    #[should_panic(expected = "none is broken: it lost \"a\"")]
    fn a_broken_contender_is_not_measured() {
        let workload = Workload::new(Keys::from_text("a", "a test").unwrap(), 1);
        let mut subject = Live::<Broken>::new("none", Broken, Broken);
        subject.measure(&workload, 1, true, Duration::from_millis(5));
    }
}
