//! Reads and publishes by two threads, and false sharing.

use std::hint::{black_box, spin_loop};
use std::sync::Barrier;
use std::sync::atomic::{
    AtomicBool, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};
use std::thread;
use std::time::{Duration, Instant};

use dbuf_bench::maps::hasher;
use dbuf_hashmap::Builder;
use dbuf_strategies::EpochStrategy;
use dbuf_strategies::core::{ArcReader, arc};

type Reader = ArcReader<u64, EpochStrategy>;

fn reads_for(reader: &Reader, time: Duration) -> f64 {
    let begin = Instant::now();
    let mut count = 0_u64;
    loop {
        for _ in 0..1024 {
            black_box(*black_box(reader).read());
        }
        count += 1024;
        let took = begin.elapsed();
        if took >= time {
            return count as f64 / took.as_secs_f64();
        }
    }
}

/// The ratio of reads beside a writer that publishes at this interval to reads beside one that
/// only reads the clock, for each round. A round in which the writer got no processor does not
/// count.
pub(crate) fn beside_a_writer(every: Duration, rounds: usize, time: Duration) -> Vec<f64> {
    let (mut writer, reader) = arc(0_u64, 0, EpochStrategy::new());
    let (stop, publishes) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut next = Instant::now();
            while !stop.load(Relaxed) {
                while Instant::now() < next {
                    spin_loop();
                }
                next = Instant::now() + every;
                if publishes.load(Relaxed) {
                    let value = *writer.front() + 1;
                    writer.store(value);
                }
            }
        });
        let ratios = (0..rounds).filter_map(|round| {
            let measure = |with: bool| {
                publishes.store(with, Relaxed);
                // The rate is known after a few publishes.
                reads_for(&reader, every * 20);
                reads_for(&reader, time)
            };
            // Each goes first every other time.
            let with_first = round % 2 == 0;
            let before = *reader.read();
            let first = measure(with_first);
            let second = measure(!with_first);
            let published = *reader.read() - before;
            let expected = time.as_micros() / every.as_micros();
            let ratio = if with_first {
                first / second
            } else {
                second / first
            };
            (u128::from(published) * 2 >= expected).then_some(ratio)
        });
        let ratios = ratios.collect();
        stop.store(true, Relaxed);
        ratios
    })
}

/// The throughput of two readers by that of one, each on a thread of its own.
pub(crate) fn two_readers(rounds: usize, time: Duration) -> Vec<f64> {
    let (_writer, reader) = arc(0_u64, 0, EpochStrategy::new());
    let start = Barrier::new(2);
    thread::scope(|scope| {
        let other = reader.clone();
        let helper = scope.spawn(|| {
            let other = other;
            (0..rounds)
                .map(|_| {
                    start.wait();
                    let both = reads_for(&other, time);
                    start.wait();
                    both
                })
                .collect::<Vec<_>>()
        });
        let mine: Vec<_> = (0..rounds)
            .map(|_| {
                let alone = reads_for(&reader, time);
                start.wait();
                let both = reads_for(&reader, time);
                start.wait();
                (alone, both)
            })
            .collect();
        let theirs = helper.join().unwrap();
        mine.iter()
            .zip(theirs)
            .map(|((alone, both), other)| (both + other) / alone)
            .collect()
    })
}

/// Nanoseconds for one insert that is published, with a reader at work or without:
/// ours, then flashmap's, in turns. A turn in which the reader did not get a processor
/// does not count.
pub(crate) fn publishes(rounds: usize, count: u64, reads: bool) -> [Vec<f64>; 2] {
    let builder = Builder::new()
        .hasher(hasher())
        .strategy(EpochStrategy::new());
    let (mut writer, reader) = builder.build::<u64, u64>();
    // SAFETY: foldhash with a fixed seed hashes equal keys alike, always.
    let flash = unsafe { flashmap::Builder::new().with_hasher(hasher()) };
    let (mut flash, flash_reader) = flash.build::<u64, u64>();
    // 0: no reads; 1: reads of ours; 2: reads of flashmap; 3: the end.
    let which = Padded(AtomicU64::new(0));
    let which = &which.0;
    let made = Padded(AtomicU64::new(0));
    let made = &made.0;
    thread::scope(|scope| {
        let reading = reads.then(|| {
            scope.spawn(|| {
                let (reader, flash_reader) = (reader, flash_reader);
                for reads in 0.. {
                    made.store(reads, Relaxed);
                    match which.load(Acquire) {
                        1 => {
                            black_box(reader.get(&1).as_deref().copied());
                        }
                        2 => {
                            black_box(flash_reader.guard().get(&1).copied());
                        }
                        3 => return,
                        _ => spin_loop(),
                    }
                }
            })
        });
        let mut times = [vec![], vec![]];
        for _ in 0..rounds {
            which.store(1, Release);
            times[0].extend(turn(count, reads.then_some(made), |n| {
                writer.write().insert(black_box(1), n);
            }));
            which.store(2, Release);
            times[1].extend(turn(count, reads.then_some(made), |n| {
                flash.guard().insert(black_box(1), n);
            }));
        }
        which.store(3, Release);
        drop(reading);
        times
    })
}

/// Nanoseconds for one `publish`, when a few have been made; nothing if a reader was
/// to be at work, and made less than a read for two of them.
fn turn(count: u64, made: Option<&AtomicU64>, mut publish: impl FnMut(u64)) -> Option<f64> {
    (0..64).for_each(&mut publish);
    let before = made.map(|made| made.load(Relaxed));
    let begin = Instant::now();
    (0..count).for_each(publish);
    let took = begin.elapsed().as_nanos() as f64 / count as f64;
    let reads = made.map(|made| made.load(Relaxed) - before.unwrap_or(0));
    reads.is_none_or(|reads| reads >= count / 2).then_some(took)
}

/// A word on lines of its own.
#[repr(align(128))]
struct Padded(AtomicU64);

/// What two readers' stores cost when their words share a line, by what they cost on
/// lines of their own; and the same for a load beside another thread's stores.
pub(crate) fn false_sharing(rounds: usize, count: u64) -> [Vec<f64>; 2] {
    let near = Box::new([const { AtomicU64::new(0) }; 2]);
    let far = Box::new([const { Padded(AtomicU64::new(0)) }; 2]);
    let far = [&far[0].0, &far[1].0];
    let near = [&near[0], &near[1]];
    let store = |word: &AtomicU64| word.store(word.load(Relaxed) + 1, Release);
    let load = |word: &AtomicU64| {
        black_box(word.load(Acquire));
    };
    let one = |words: [&AtomicU64; 2], loads: bool| {
        let stop = Padded(AtomicU64::new(0));
        thread::scope(|scope| {
            scope.spawn(|| {
                while stop.0.load(Relaxed) == 0 {
                    (0..64).for_each(|_| store(words[1]));
                }
            });
            let before = words[1].load(Relaxed);
            while words[1].load(Relaxed) == before {
                spin_loop();
            }
            let before = words[1].load(Relaxed);
            let begin = Instant::now();
            for _ in 0..count {
                if loads {
                    load(words[0]);
                } else {
                    store(words[0]);
                }
            }
            let took = begin.elapsed();
            stop.0.store(1, Relaxed);
            // Else the other thread did not run beside this one.
            let stored = words[1].load(Relaxed) - before;
            (stored >= count / 64).then_some(took.as_secs_f64())
        })
    };
    [false, true].map(|loads| {
        (0..rounds)
            .filter_map(|_| Some(one(near, loads)? / one(far, loads)?))
            .collect()
    })
}
