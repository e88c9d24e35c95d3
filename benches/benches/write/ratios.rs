//! Contenders in turn, so that a busy machine slows all of them alike.

use core::hint::black_box;
use core::time::Duration;
use std::env;
use std::time::Instant;

use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use dbuf_strategies::{EpochStrategy, FlashStrategy};

use crate::subjects::{Dbuf, Evmap, Flashmap, Std};
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

fn overwriting<T: crate::Subject>() -> impl FnMut() -> Duration {
    || {
        // Anew each time: where a map lies in memory tells for as long as it lives.
        let mut map = filled::<T>();
        overwrite_all(&mut map, 0);
        let begin = Instant::now();
        for value in 1..=20 {
            overwrite_all(&mut map, value);
        }
        begin.elapsed()
    }
}

/// Prints, for each contender, its best time and the median over all rounds of its
/// time by std's in the same round.
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
        run("write/insert/100", 200, entrants!(growing, 100));
    }
    if is_asked("write/insert/10000") {
        run("write/insert/10000", 200, entrants!(growing, 10_000));
    }
    if is_asked("write/overwrite/100") {
        run("write/overwrite/100", 300, entrants!(overwriting));
    }
}

fn run(name: &str, rounds: usize, mut entrants: Vec<Entrant>) {
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
    println!("{name}, in turns, {rounds} rounds: best time, median of time / std's");
    let std = entrants[0].times.clone();
    for Entrant { name, times, .. } in &entrants {
        let mut ratios: Vec<_> = times
            .iter()
            .zip(&std)
            .map(|(time, std)| time.as_secs_f64() / std.as_secs_f64())
            .collect();
        ratios.sort_unstable_by(f64::total_cmp);
        let best = times.iter().min().expect("there were rounds");
        println!("  {name:<11} {best:>10.2?} {:>7.2}", ratios[rounds / 2]);
    }
}
