//! How much is measured, in how much time, and the measuring itself.

use core::iter;
use core::time::Duration;
use std::io::{IsTerminal, stderr};
use std::time::Instant;

use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use crate::contender::Contender;
use crate::drive::window::Subject;
use crate::figures::figure::{Case, Figure, Mode};
use crate::interrupt;
use crate::machine::Noise;
use crate::metric::{Sample, time};
use crate::results::Point;

/// What is measured, and how long that may take.
///
/// The time, in which the maps are filled too, is kept by construction: each measurement gets an
/// equal share of the time that is left when it begins, so a long one makes the rest shorter.
pub struct Plan {
    pub figures: Vec<Figure>,
    /// How often everything is measured: an odd number, so that the median is a round that happened.
    pub rounds: u32,
    /// The time of one measurement, with its share of filling the maps.
    slice: Duration,
}

/// Measurements shorter than this are mostly threads that start.
const SHORTEST: Duration = Duration::from_millis(1);

impl Plan {
    /// A plan for these figures and contenders; for all contenders, if the list is empty.
    pub fn new(mut figures: Vec<Figure>, contenders: &[String], mode: Mode) -> Self {
        for case in figures.iter_mut().flat_map(|figure| &mut figure.cases) {
            let is_chosen = |it: &Contender| contenders.iter().any(|name| name == it.name);
            case.contenders
                .retain(|it| contenders.is_empty() || is_chosen(it));
        }
        let (rounds, millis) = match mode {
            Mode::Quick => (3, 21),
            Mode::Standard => (5, 38),
            Mode::Full => (5, 228),
        };
        Self {
            figures,
            rounds,
            slice: Duration::from_millis(millis),
        }
    }

    /// The same in another time.
    pub fn within(mut self, time: Duration) -> Self {
        self.slice = time / self.shares().max(1);
        self
    }

    fn measurements(&self, figure: &Figure) -> u32 {
        let rounds = |case: &Case| case.rounds.unwrap_or(self.rounds);
        let of_case = |case: &Case| case.contenders.len() as u32 * rounds(case);
        figure.cases.iter().map(of_case).sum()
    }

    /// The number of parts into which the time is divided.
    fn shares(&self) -> u32 {
        let of_figure = |figure: &Figure| self.measurements(figure) * figure.weight();
        self.figures.iter().map(of_figure).sum()
    }

    pub fn time_of(&self, figure: &Figure) -> Duration {
        self.slice * (self.measurements(figure) * figure.weight())
    }

    pub fn time(&self) -> Duration {
        self.slice * self.shares()
    }

    /// What is going to happen, a line for each figure.
    pub fn describe(&self) -> String {
        let (time_of_all, figures, rounds) = (time(self.time()), self.figures.len(), self.rounds);
        let mut lines = format!("plan: {time_of_all} in {figures} figures, {rounds} rounds\n");
        for figure in &self.figures {
            let (id, title, count) = (figure.id, &figure.title, self.measurements(figure));
            let time = time(self.time_of(figure));
            lines += &format!("  {id:<15} {count:>5} measurements  {time:>12}  {title}\n");
        }
        lines
    }

    /// Measures until everything is done or an interrupt comes.
    ///
    /// Every round asks every contender, in a random order: what disturbs the machine for a while
    /// disturbs them all, and no contender always follows the one that leaves the caches cold.
    ///
    /// # Panics
    ///
    /// If a contender gives a wrong answer.
    pub fn run(&self, noise: &mut Noise) -> Vec<Point> {
        let until = Instant::now() + self.time();
        let time_left = || until.saturating_duration_since(Instant::now());
        let mut shares = self.shares();
        let mut random = StdRng::seed_from_u64(0);
        let mut points = Vec::new();
        for (figure, (nth, case)) in self.cases() {
            let part = format!("{} {} of {}", figure.id, nth + 1, figure.cases.len());
            progress(&part, time_left());
            let mut round = |subjects: &mut [(Contender, Subject)]| {
                noise.probe();
                let mut order: Vec<usize> = (0..subjects.len()).collect();
                order.shuffle(&mut random);
                let mut samples = vec![Sample::new(); subjects.len()];
                for at in order {
                    let slice = (time_left() / shares.max(1)).max(SHORTEST);
                    samples[at] = subjects[at].1(slice * figure.weight());
                    shares = shares.saturating_sub(figure.weight());
                    if interrupt::is_requested() {
                        // Part of a round compares nothing.
                        return;
                    }
                }
                for (&(contender, _), sample) in subjects.iter().zip(samples) {
                    for (metric, value) in sample {
                        let point = Point {
                            figure: figure.id.to_owned(),
                            panel: case.panel.clone(),
                            x: case.x,
                            contender,
                            metric,
                            rounds: vec![value],
                        };
                        point.add_to(&mut points);
                    }
                }
            };
            let mut subjects = (case.subjects)(&case.contenders);
            let together = if case.apart { 1 } else { usize::MAX };
            loop {
                let mut some: Vec<_> = subjects.by_ref().take(together).collect();
                if some.is_empty() || interrupt::is_requested() {
                    break;
                }
                (0..case.rounds.unwrap_or(self.rounds)).for_each(|_| round(&mut some));
            }
        }
        if stderr().is_terminal() {
            eprint!("\r\x1b[K");
        }
        points
    }

    /// Every case with its number in its figure, until an interrupt comes.
    fn cases(&self) -> impl Iterator<Item = (&Figure, (usize, &Case))> {
        let figures = self.figures.iter();
        let cases = figures.flat_map(|it| iter::repeat(it).zip(it.cases.iter().enumerate()));
        cases.take_while(|_| !interrupt::is_requested())
    }
}

/// Shows what is measured and the time that is left: in the same line of a terminal, or a line
/// for each part.
fn progress(part: &str, left: Duration) {
    let left = time(left);
    match stderr().is_terminal() {
        true => eprint!("\r\x1b[K{part}, {left} left"),
        false => eprintln!("{part}, {left} left"),
    }
}
