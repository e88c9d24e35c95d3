//! What a handle that all threads share costs: against a reader of one's own, under
//! another guard, on two threads, and with many more threads registered than read.
//!
//! `cargo bench -p dbuf-bench -- shared`. Contenders take turns, and what counts
//! is the median of the ratios. `--test` runs all of it once.
#![allow(
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc,
    reason = "a bench has std"
)]

use std::hint::black_box;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Instant;

use dbuf_bench::bench::{asked, median};
use dbuf_strategies::EpochStrategy;
use dbuf_strategies::core::{ArcReader, DoubleBuffer, SharedReader, arc};

type Shared = SharedReader<Arc<DoubleBuffer<u64, EpochStrategy>>>;

/// Threads that have read once, and do nothing.
const IDLE: usize = 64;

struct Plan {
    rounds: usize,
    /// Reads in a row.
    block: usize,
}

/// Nanoseconds for each call of `read`.
fn time(plan: &Plan, read: impl Fn() -> u64) -> f64 {
    let begin = Instant::now();
    for _ in 0..plan.block {
        black_box(read());
    }
    begin.elapsed().as_secs_f64() * 1e9 / plan.block as f64
}

/// The same on as many threads at a time, the slowest of them.
fn time_on(threads: usize, plan: &Plan, read: &(dyn Fn() -> u64 + Sync)) -> f64 {
    let ready = Barrier::new(threads);
    thread::scope(|scope| {
        let all: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    // The first read registers.
                    black_box(read());
                    ready.wait();
                    time(plan, read)
                })
            })
            .collect();
        all.into_iter()
            .map(|thread| thread.join().unwrap_or(f64::NAN))
            .fold(0.0, f64::max)
    })
}

/// Two contenders, which take turns: the median of each, and of their ratio in a round.
fn in_turns(plan: &Plan, one: impl Fn() -> f64, two: impl Fn() -> f64) -> [f64; 3] {
    let mut all = [const { Vec::new() }; 3];
    for _ in 0..plan.rounds {
        let (one, two) = (one(), two());
        for (all, value) in all.iter_mut().zip([one, two, two / one]) {
            all.push(value);
        }
    }
    all.map(median)
}

/// Calls `f` while this many threads have a slot in the table of `shared`.
fn beside_idle(shared: &Shared, idle: usize, f: impl FnOnce()) {
    let (ready, done) = (&Barrier::new(idle + 1), &Barrier::new(idle + 1));
    thread::scope(|scope| {
        for _ in 0..idle {
            scope.spawn(|| {
                black_box(*shared.read());
                ready.wait();
                done.wait();
            });
        }
        ready.wait();
        f();
        done.wait();
    });
}

fn one(reader: &ArcReader<u64, EpochStrategy>) -> u64 {
    *black_box(reader).read()
}

fn two(reader: &ArcReader<u64, EpochStrategy>) -> u64 {
    let reader = black_box(reader);
    let outer = reader.read();
    *outer + *reader.read()
}

fn shared_one(shared: &Shared) -> u64 {
    *black_box(shared).read()
}

fn shared_two(shared: &Shared) -> u64 {
    let shared = black_box(shared);
    let outer = shared.read();
    *outer + *shared.read()
}

fn main() {
    let Some(is_test) = asked("shared") else {
        return;
    };
    let plan = if is_test {
        Plan {
            rounds: 1,
            block: 10,
        }
    } else {
        Plan {
            rounds: 51,
            block: 100_000,
        }
    };
    let plan = &plan;
    let (_writer, reader) = arc(42, 42, EpochStrategy::new());
    let shared = &reader.shared();

    for idle in [0, IDLE] {
        println!(
            "# {idle} idle threads; medians of {} rounds, ns a read",
            plan.rounds
        );
        beside_idle(shared, idle, || {
            let [own, any, _] = in_turns(
                plan,
                || time(plan, || one(&reader)),
                || time(plan, || shared_one(shared)),
            );
            println!(
                "a reader of its own {own:.2}, shared {any:.2}: {:+.2}",
                any - own
            );
            let [own, any, ratio] = in_turns(
                plan,
                || time(plan, || two(&reader)),
                || time(plan, || shared_two(shared)),
            );
            println!("two guards: {own:.2}, shared {any:.2}: {ratio:.2} times (at most 1.3)");
            let read = || shared_one(shared);
            let [alone, both, ratio] =
                in_turns(plan, || time_on(1, plan, &read), || time_on(2, plan, &read));
            println!(
                "shared, one thread {alone:.2}, two threads {both:.2}: {ratio:.2} times (at most 1.5)"
            );
        });
    }
}
