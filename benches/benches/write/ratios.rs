//! Contenders in turn, so that a busy machine slows all of them alike.

use core::hint::black_box;
use std::env;
use std::time::Instant;

use dbuf_bench::bench::median;
use dbuf_bench::maps::buffers::{Concurrent, Dbuf, Evmap, Flashmap};
use dbuf_bench::maps::shared::{DashMap, Plain};
use dbuf_strategies::{EpochStrategy, FlashStrategy};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use crate::large::{self, Entrant};
use crate::{Numbers, OVERWRITTEN, each, filled, grow};

fn growing<M: Numbers>(name: &'static str, batch: u32) -> Entrant {
    Entrant::new(name, move || {
        let begin = Instant::now();
        let map = grow::<M>(batch);
        let time = begin.elapsed();
        drop(black_box(map));
        time
    })
}

fn overwriting<M: Numbers>(name: &'static str, batch: u32, times: u64) -> Entrant {
    Entrant::new(name, move || {
        // Anew each time: where a map lies in memory matters for as long as it lives.
        let mut map = filled::<M>();
        map.write_all(OVERWRITTEN, batch, |_| 0);
        let begin = Instant::now();
        for value in 1..=times {
            map.write_all(OVERWRITTEN, batch, |_| black_box(value));
        }
        begin.elapsed()
    })
}

/// Prints, for each contender, its best time and the median over all rounds of the ratio to a
/// contender of the same round.
pub(crate) fn print() {
    // Only checked.
    if env::args().any(|arg| arg == "--test" || arg == "--list") {
        return;
    }
    // As criterion takes them: parts of names to run.
    let asked: Vec<String> = env::args()
        .skip(1)
        .filter(|arg| !arg.starts_with('-'))
        .collect();
    let is_asked = |name: &str| asked.is_empty() || asked.iter().any(|part| name.contains(&**part));
    for (name, batch) in [("write/insert/100", 100), ("write/insert/10000", 10_000)] {
        if is_asked(name) {
            by_std(&run(name, 200, each!(batches, growing(batch))));
        }
    }
    if is_asked("write/overwrite/100") {
        let entrants = each!(batches, overwriting(100, 20));
        by_std(&run("write/overwrite/100", 300, entrants));
    }
    if is_asked("write/single") {
        // A turn is short, so that few are interrupted: the slow ones would be more often.
        let entrants = run("write/single", 3000, each!(singles, overwriting(1, 1)));
        judge(&entrants, &[Some(1.25), Some(4.0), None]);
    }
    if is_asked("write/large") {
        let name = format!("write/large/{}", large::EVENTS);
        judge(&run(&name, 200, large::entrants()), &[None, Some(2.0)]);
    }
}

/// Prints the ratios of the first to the others, and whether they keep to their bars.
fn judge(entrants: &[Entrant], bars: &[Option<f64>]) {
    for (other, bar) in entrants[1..].iter().zip(bars) {
        let ratio = ratio(&entrants[0], other);
        let verdict = match bar {
            Some(bar) if ratio <= *bar => format!("at most {bar}: met"),
            Some(bar) => format!("at most {bar}: MISSED"),
            None => String::new(),
        };
        println!("  concurrent / {:<13} {ratio:>5.2} {verdict}", other.name);
    }
}

fn by_std(entrants: &[Entrant]) {
    for entrant in entrants {
        let ratio = ratio(entrant, &entrants[0]);
        println!("  {:<11} / std {ratio:>7.2}", entrant.name);
    }
}

/// The times of each contender in each round, after their best ones are printed.
fn run<const N: usize>(name: &str, rounds: usize, mut entrants: [Entrant; N]) -> [Entrant; N] {
    // In random order, so that no contender always inherits the caches and the heap of the same one.
    let mut order: Vec<_> = (0..N).collect();
    let mut rng = StdRng::seed_from_u64(0);
    for _ in 0..rounds {
        order.shuffle(&mut rng);
        for &at in &order {
            let time = (entrants[at].turn)();
            entrants[at].times.push(time);
        }
    }
    println!("{name}, in turns, {rounds} rounds: best time of a turn");
    for Entrant { name, times, .. } in &entrants {
        let best = times.iter().min().expect("there were rounds");
        println!("  {name:<13} {best:>10.2?}");
    }
    entrants
}

/// The median, over all rounds, of the ratio of two times.
fn ratio(one: &Entrant, other: &Entrant) -> f64 {
    let pairs = one.times.iter().zip(&other.times);
    median(
        pairs
            .map(|(one, other)| one.as_secs_f64() / other.as_secs_f64())
            .collect(),
    )
}
