//! A value that threads read and replace through one handle: `ConcurrentCell` against
//! `ArcSwap`, and against the same made by hand of a `SharedReader` and a mutex around the
//! `Writer`.
//!
//! `cargo bench -p dbuf-bench --bench cell`. Contenders take turns, and what counts is the
//! median of the ratios. `--test` runs all of it once.
#![allow(
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc,
    reason = "a bench has std"
)]

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

use arc_swap::ArcSwap;
use dbuf_bench::bench::{asked, median};
use dbuf_strategies::core::{ArcWriter, DoubleBuffer, SharedReader, arc};
use dbuf_strategies::{ConcurrentCell, EpochStrategy};

/// What is measured, of each contender.
trait Contender: Sync {
    fn read(&self) -> u64;
    fn store(&self, value: u64);
    fn update(&self);
}

impl Contender for ConcurrentCell<u64> {
    #[inline]
    fn read(&self) -> u64 {
        *Self::read(self)
    }

    #[inline]
    fn store(&self, value: u64) {
        Self::store(self, value);
    }

    #[inline]
    fn update(&self) {
        Self::update(self, |value| *value += 1);
    }
}

impl Contender for ArcSwap<u64> {
    #[inline]
    fn read(&self) -> u64 {
        **self.load()
    }

    #[inline]
    fn store(&self, value: u64) {
        Self::store(self, Arc::new(value));
    }

    #[inline]
    fn update(&self) {
        self.rcu(|value| **value + 1);
    }
}

struct ByHand {
    writer: Mutex<ArcWriter<u64, EpochStrategy>>,
    reader: SharedReader<Arc<DoubleBuffer<u64, EpochStrategy>>>,
}

impl Contender for ByHand {
    #[inline]
    fn read(&self) -> u64 {
        *self.reader.read()
    }

    #[inline]
    fn store(&self, value: u64) {
        match self.writer.lock() {
            Ok(mut writer) => writer.store(value),
            Err(_) => unreachable!("nothing panics under it"),
        }
    }

    #[inline]
    fn update(&self) {
        match self.writer.lock() {
            Ok(mut writer) => {
                let value = *writer.front() + 1;
                writer.store(value);
            }
            Err(_) => unreachable!("nothing panics under it"),
        }
    }
}

struct Plan {
    rounds: usize,
    /// Calls in a row.
    block: u64,
}

/// Nanoseconds for each call.
fn time(plan: &Plan, mut call: impl FnMut(u64)) -> f64 {
    let begin = Instant::now();
    for number in 0..plan.block {
        call(number);
    }
    begin.elapsed().as_secs_f64() * 1e9 / plan.block as f64
}

/// Calls `f` while another thread calls `other` all the time.
fn beside(other: impl Fn() + Send, f: impl FnOnce() -> f64) -> f64 {
    let (ready, done) = (&AtomicBool::new(false), &AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(move || {
            while !done.load(Relaxed) {
                other();
                ready.store(true, Relaxed);
            }
        });
        while !ready.load(Relaxed) {
            thread::yield_now();
        }
        let result = f();
        done.store(true, Relaxed);
        result
    })
}

/// The contenders take turns. Prints the median of each, and of the first's ratio to each
/// other in a round.
fn compare<const N: usize>(name: &str, rounds: usize, contenders: [(&str, &dyn Fn() -> f64); N]) {
    let mut times = [const { Vec::new() }; N];
    for _ in 0..rounds {
        for (times, (_, run)) in times.iter_mut().zip(contenders) {
            times.push(run());
        }
    }
    let ours = times[0].clone();
    for (times, (contender, _)) in times.into_iter().zip(contenders) {
        let ratios = ours.iter().zip(&times).map(|(ours, theirs)| ours / theirs);
        let ratio = median(ratios.collect());
        println!(
            "{name:24} {contender:10} {:8.2} ns   ours / it {ratio:.2}",
            median(times)
        );
    }
}

fn main() {
    let Some(is_test) = asked("cell") else { return };
    let plan = if is_test {
        Plan {
            rounds: 1,
            block: 10,
        }
    } else {
        Plan {
            rounds: 31,
            block: 50_000,
        }
    };
    let plan = &plan;

    let cell = &ConcurrentCell::new(0);
    let swap = &ArcSwap::from_pointee(0);
    let (writer, reader) = arc(0, 0, EpochStrategy::new());
    let by_hand = &ByHand {
        writer: Mutex::new(writer),
        reader: reader.shared(),
    };
    drop(reader);

    macro_rules! compare {
        ($name:literal, $contender:ident => $run:expr) => {
            compare(
                $name,
                plan.rounds,
                [
                    ("cell", &|| {
                        let $contender = cell;
                        $run
                    }),
                    ("ArcSwap", &|| {
                        let $contender = swap;
                        $run
                    }),
                    ("by hand", &|| {
                        let $contender = by_hand;
                        $run
                    }),
                ],
            );
        };
    }

    println!("# medians of {} rounds", plan.rounds);
    compare!("store alone", it => time(plan, |n| Contender::store(black_box(it), n)));
    compare!("update alone", it => time(plan, |_| Contender::update(black_box(it))));
    // A store before each block, so that the strategy chooses its fences for reads.
    compare!("read alone", it => {
        Contender::store(it, 1);
        time(plan, |_| { black_box(Contender::read(black_box(it))); })
    });
    compare!("read beside reads", it => beside(
        || { black_box(Contender::read(it)); },
        || time(plan, |_| { black_box(Contender::read(black_box(it))); }),
    ));
    compare!("read beside stores", it => beside(
        || Contender::store(it, 1),
        || time(plan, |_| { black_box(Contender::read(black_box(it))); }),
    ));
    compare!("store beside reads", it => beside(
        || { black_box(Contender::read(it)); },
        || time(plan, |n| Contender::store(black_box(it), n)),
    ));
    compare!("store beside stores", it => beside(
        || Contender::store(it, 1),
        || time(plan, |n| Contender::store(black_box(it), n)),
    ));
}
