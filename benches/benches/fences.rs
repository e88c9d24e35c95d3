//! Whether Epoch's adaptive fence costs what the better of the two fixed ones costs: the
//! same loads from 0.01 to 50 % writes, each write published, on one, two, four and eight threads.
//!
//! Contenders take turns, so that a busy machine slows all of them alike; what is compared
//! are medians of nine turns of one run. criterion is not used: it measures one contender
//! after the other.
//!
//! ```sh
//! cargo bench -p dbuf-bench --bench fences              # a table, and lines of CSV
//! cargo bench -p dbuf-bench --bench fences -- --short   # shorter turns
//! cargo bench -p dbuf-bench --bench fences -- --test    # does it run
//! ```
#![allow(
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc,
    reason = "a bench has std"
)]

use std::env;
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Barrier, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use dbuf_hashmap::{Builder, Reader, Writer};
use dbuf_strategies::{EpochStrategy, Fence};
use foldhash::fast::FixedState as Hash;

/// Percent of writes.
const SHARES: [f64; 9] = [0.01, 0.04, 0.1, 0.3, 1.0, 3.0, 10.0, 25.0, 50.0];
/// Threads, and what the adaptive fence should reach of the better fixed one.
const THREADS: [(usize, f64); 4] = [(1, 0.85), (2, 0.85), (4, 0.8), (8, 0.8)];
const NAMES: [&str; 3] = ["adaptive", "symmetric", "asymmetric"];

struct Plan {
    entries: u64,
    turns: usize,
    time: Duration,
}

const FULL: Plan = Plan {
    entries: 100_000,
    turns: 9,
    time: Duration::from_millis(100),
};

const SHORT: Plan = Plan {
    time: Duration::from_millis(30),
    ..FULL
};

const TEST: Plan = Plan {
    entries: 100,
    turns: 1,
    time: Duration::from_micros(100),
};

struct Subject {
    writer: Mutex<Writer<u64, u64, Hash, EpochStrategy>>,
    reader: Mutex<Reader<u64, u64, Hash, EpochStrategy>>,
}

impl Subject {
    fn new(strategy: EpochStrategy, plan: &Plan) -> Self {
        let (mut writer, reader) = Builder::new()
            .capacity(plan.entries as usize)
            .hasher(Hash::default())
            .strategy(strategy)
            .build();
        writer.write().extend((0..plan.entries).map(|key| (key, 0)));
        Self {
            writer: Mutex::new(writer),
            reader: Mutex::new(reader),
        }
    }

    /// Operations a second of all threads.
    fn run(&self, threads: usize, percent: f64, plan: &Plan) -> f64 {
        let stop = AtomicBool::new(false);
        let ready = Barrier::new(threads + 1);
        // Of 2³² operations, so many write.
        let writes = (percent / 100.0 * f64::from(u32::MAX)) as u64;
        thread::scope(|scope| {
            let threads = (0..threads as u64).map(|thread| {
                let (stop, ready) = (&stop, &ready);
                scope.spawn(move || {
                    let reader = self.reader.lock().unwrap().clone();
                    let mut random = thread.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
                    let mut count = 0_u64;
                    ready.wait();
                    while !stop.load(Relaxed) {
                        for _ in 0..16 {
                            random ^= random << 13;
                            random ^= random >> 7;
                            random ^= random << 17;
                            let key = (random >> 32) % plan.entries;
                            if random & u64::from(u32::MAX) < writes {
                                self.writer.lock().unwrap().write().insert(key, count);
                            } else {
                                black_box(reader.get(&key).map(|value| *value));
                            }
                        }
                        count += 16;
                    }
                    count
                })
            });
            let threads: Vec<_> = threads.collect();
            ready.wait();
            let began = Instant::now();
            thread::sleep(plan.time);
            stop.store(true, Relaxed);
            let count: u64 = (threads.into_iter())
                .map(|thread| thread.join().unwrap())
                .sum();
            count as f64 / began.elapsed().as_secs_f64()
        })
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    // A filter that names some other bench.
    let filter = arguments.iter().find(|argument| !argument.starts_with('-'));
    if filter.is_some_and(|filter| !"fences".contains(filter.as_str())) {
        return;
    }
    let plan = match (has("--test"), has("--short")) {
        (true, _) => TEST,
        (_, true) => SHORT,
        _ => FULL,
    };
    println!("threads,percent,{},ratio", NAMES.join(","));
    let mut missed = 0;
    for (threads, bar) in THREADS {
        for percent in SHARES {
            let subjects = [
                EpochStrategy::new(),
                EpochStrategy::with_fence(Fence::Symmetric),
                EpochStrategy::with_fence(Fence::Asymmetric),
            ]
            .map(|strategy| Subject::new(strategy, &plan));
            let mut rates = [const { vec![] }; NAMES.len()];
            for turn in 0..plan.turns {
                // Each goes first every third time.
                for at in (0..NAMES.len()).map(|at| (at + turn) % NAMES.len()) {
                    rates[at].push(subjects[at].run(threads, percent, &plan));
                }
            }
            let [adaptive, symmetric, asymmetric] = rates.map(median);
            let ratio = adaptive / symmetric.max(asymmetric);
            let [a, s, b] = [adaptive, symmetric, asymmetric].map(|rate| rate / 1e6);
            println!("{threads},{percent},{a:.2},{s:.2},{b:.2},{ratio:.2}");
            if ratio < bar {
                missed += 1;
                println!("# {threads} threads, {percent} %: {ratio:.2}, at least {bar}: MISSED");
            }
        }
    }
    if !has("--test") {
        println!("# {missed} of {} missed", THREADS.len() * SHARES.len());
    }
}
