//! Contenders in turn, so that a busy machine slows all of them alike.

use core::hint::black_box;
use core::time::Duration;
use std::env;
use std::time::Instant;

use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use dbuf_strategies::{EpochStrategy, FlashStrategy};

use crate::large;
use crate::subjects::{Concurrent, Dashmap, Dbuf, Evmap, Flashmap, MutexEvmap, MutexWriter, Std};
use crate::{filled, grow, overwrite_all};

/// A contender and what it does in one turn.
struct Entrant {
    name: &'static str,
    turn: Box<dyn FnMut() -> Duration>,
    times: Vec<Duration>,
}

macro_rules! entrants {
    ($turn:ident $(, $arg:expr)*) => {
        vec![
            entrant("std", $turn::<Std>($($arg)*)),
            entrant("dbuf-epoch", $turn::<Dbuf<EpochStrategy>>($($arg)*)),
            entrant("dbuf-flash", $turn::<Dbuf<FlashStrategy>>($($arg)*)),
            entrant("flashmap", $turn::<Flashmap>($($arg)*)),
            entrant("evmap", $turn::<Evmap>($($arg)*)),
        ]
    };
}

fn entrant(name: &'static str, turn: impl FnMut() -> Duration + 'static) -> Entrant {
    Entrant {
        name,
        turn: Box::new(turn),
        times: Vec::new(),
    }
}

fn growing<T: crate::Subject>(batch: u64) -> impl FnMut() -> Duration {
    move || {
        let map = T::empty();
        let begin = Instant::now();
        let map = grow(map, batch);
        let time = begin.elapsed();
        drop(black_box(map));
        time
    }
}

fn overwriting<T: crate::Subject>(times: u64) -> impl FnMut() -> Duration {
    move || {
        // Anew each time: where a map lies in memory tells for as long as it lives.
        let mut map = filled::<T>();
        overwrite_all(&mut map, 0);
        let begin = Instant::now();
        for value in 1..=times {
            overwrite_all(&mut map, value);
        }
        begin.elapsed()
    }
}

/// Prints, for each contender, its best time and the median over all rounds of the
/// ratio to a contender of the same round.
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
    let is_asked = |name: &str| asked.is_empty() || asked.iter().any(|part| name.contains(part));
    if is_asked("write/insert/100") {
        let times = run("write/insert/100", 200, entrants!(growing, 100));
        by_std(&times);
    }
    if is_asked("write/insert/10000") {
        let times = run("write/insert/10000", 200, entrants!(growing, 10_000));
        by_std(&times);
    }
    if is_asked("write/overwrite/100") {
        let times = run("write/overwrite/100", 300, entrants!(overwriting, 20));
        by_std(&times);
    }
    if is_asked("write/single") {
        // A turn is short, so that few are interrupted: the slow ones would be more often.
        let entrants = vec![
            entrant("concurrent", overwriting::<Concurrent>(1)),
            entrant("mutex-writer", overwriting::<MutexWriter>(1)),
            entrant("dashmap", overwriting::<Dashmap>(1)),
            entrant("mutex-evmap", overwriting::<MutexEvmap>(1)),
        ];
        let entrants = run("write/single", 3000, entrants);
        judge(&entrants, &[Some(1.25), Some(4.0), None]);
    }
    if is_asked("write/large") {
        let entrants = vec![
            entrant("concurrent", large::concurrent()),
            entrant("mutex-writer", large::mutex_writer()),
            entrant("dashmap", large::dashmap()),
        ];
        let name = format!("write/large/{}", large::EVENTS);
        judge(&run(&name, 200, entrants), &[None, Some(2.0)]);
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

/// The times of each contender in each round, after their best ones are printed.
fn run(name: &str, rounds: usize, mut entrants: Vec<Entrant>) -> Vec<Entrant> {
    // What the one before left of caches and free memory falls to each alike.
    let mut order: Vec<_> = (0..entrants.len()).collect();
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

/// The median over all rounds of one's time by the other's.
fn ratio(one: &Entrant, other: &Entrant) -> f64 {
    let mut ratios: Vec<_> = (one.times.iter().zip(&other.times))
        .map(|(one, other)| one.as_secs_f64() / other.as_secs_f64())
        .collect();
    ratios.sort_unstable_by(f64::total_cmp);
    ratios[ratios.len() / 2]
}

fn by_std(entrants: &[Entrant]) {
    for entrant in entrants {
        let ratio = ratio(entrant, &entrants[0]);
        println!("  {:<11} / std {ratio:>7.2}", entrant.name);
    }
}
