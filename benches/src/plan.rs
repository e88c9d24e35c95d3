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
use crate::figures::figure::Case;
use crate::figures::figure::{Figure, Mode};
use crate::interrupt;
use crate::machine::Noise;
use crate::metric::{Record, Sample, time};

/// What is measured, and how long that may take.
///
/// The time, in which the maps are filled too, is kept by construction: each measurement gets an
/// equal share of the time that is left when it begins, so a long one makes the rest shorter.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) figures: Vec<Figure>,
    /// If there are any, only these contenders are measured.
    contenders: Vec<String>,
    /// How often everything is measured: an odd number, so that the median is a round that happened.
    pub(crate) rounds: u32,
    /// The time of one measurement, with its share of filling the maps.
    slice: Duration,
}

/// Measurements shorter than this are mostly threads that start.
const SHORTEST: Duration = Duration::from_millis(1);

impl Plan {
    /// A plan for these figures and contenders; for all contenders, if the list is empty.
    pub(crate) fn new(figures: Vec<Figure>, contenders: Vec<String>, mode: Mode) -> Self {
        let (rounds, millis) = match mode {
            Mode::Quick => (3, 21),
            Mode::Standard => (5, 38),
            Mode::Full => (5, 228),
        };
        Self {
            figures,
            contenders,
            rounds,
            slice: Duration::from_millis(millis),
        }
    }

    /// The same in another time.
    pub(crate) fn within(mut self, time: Duration) -> Self {
        self.slice = time / self.shares().max(1);
        self
    }

    /// The contenders that take part in a case.
    fn contenders(&self, case: &Case) -> Vec<Contender> {
        let mut contenders = case.contenders();
        let is_chosen = |it: &Contender| self.contenders.iter().any(|name| name == it.name);
        contenders.retain(|it| self.contenders.is_empty() || is_chosen(it));
        contenders
    }

    fn measurements(&self, figure: &Figure) -> u32 {
        let of_case = |case| self.contenders(case).len() as u32 * case.rounds(self.rounds);
        figure.cases.iter().map(of_case).sum()
    }

    /// The number of parts into which the time is divided.
    fn shares(&self) -> u32 {
        let of_figure = |figure: &Figure| self.measurements(figure) * figure.weight;
        self.figures.iter().map(of_figure).sum()
    }

    pub(crate) fn time_of(&self, figure: &Figure) -> Duration {
        self.slice * (self.measurements(figure) * figure.weight)
    }

    pub(crate) fn time(&self) -> Duration {
        self.slice * self.shares()
    }

    /// What is going to happen, a line for each figure.
    pub(crate) fn describe(&self) -> String {
        let (time_of_all, figures, rounds) = (time(self.time()), self.figures.len(), self.rounds);
        let mut lines = format!("plan: {time_of_all} in {figures} figures, {rounds} rounds\n");
        for figure in &self.figures {
            let (id, title, count) = (figure.id, figure.title, self.measurements(figure));
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
    pub(crate) fn run(&self, noise: &mut Noise) -> Vec<Record> {
        let until = Instant::now() + self.time();
        let time_left = || until.saturating_duration_since(Instant::now());
        let mut shares = self.shares();
        let mut random = StdRng::seed_from_u64(0);
        let mut records = Vec::new();
        for (figure, (nth, case)) in self.cases() {
            let part = format!("{} {} of {}", figure.id, nth + 1, figure.cases.len());
            progress(&part, time_left());
            let mut round = |round, subjects: &mut [(Contender, Subject)]| {
                noise.probe();
                let mut order: Vec<usize> = (0..subjects.len()).collect();
                order.shuffle(&mut random);
                let mut samples = vec![Sample::new(); subjects.len()];
                for at in order {
                    let slice = (time_left() / shares.max(1)).max(SHORTEST);
                    samples[at] = subjects[at].1(slice * figure.weight);
                    shares = shares.saturating_sub(figure.weight);
                    if interrupt::is_requested() {
                        // Part of a round compares nothing.
                        return;
                    }
                }
                for ((contender, _), sample) in subjects.iter().zip(samples) {
                    let record = |(metric, value)| Record {
                        figure: figure.id.to_owned(),
                        panel: case.panel.clone(),
                        x: case.x,
                        contender: *contender,
                        metric,
                        round,
                        value,
                    };
                    records.extend(sample.into_iter().map(record));
                }
            };
            let chosen = self.contenders(case);
            let mut subjects = case.subjects(&chosen);
            let together = if case.apart { 1 } else { usize::MAX };
            loop {
                let mut some: Vec<_> = subjects.by_ref().take(together).collect();
                if some.is_empty() || interrupt::is_requested() {
                    break;
                }
                (0..case.rounds(self.rounds)).for_each(|nth| round(nth, &mut some));
            }
        }
        if stderr().is_terminal() {
            eprint!("\r\x1b[K");
        }
        records
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::all;
    use crate::figures::figure::Settings;
    use crate::workload::input::Texts;

    fn figures(mode: Mode) -> Vec<Figure> {
        all(&Settings {
            mode,
            thread_counts: vec![1, 2],
            threads_asked: false,
            texts: Texts::unicode(),
            trace: None,
        })
    }

    fn plan(mode: Mode) -> Plan {
        let mut figures = figures(mode);
        figures.retain(|figure| figure.since <= mode);
        Plan::new(figures, Vec::new(), mode)
    }

    #[test]
    fn every_mode_keeps_its_promise() {
        for (mode, seconds) in [(Mode::Quick, 15), (Mode::Standard, 120), (Mode::Full, 3600)] {
            let plan = plan(mode);
            // A tenth is left for loading the keys, and for a machine that has other work.
            let most = Duration::from_secs(seconds) * 9 / 10;
            assert!(plan.time() <= most, "{mode:?}: {:?}", plan.time());
            assert!(plan.time() >= most / 2, "{mode:?}: {:?}", plan.time());
        }
    }

    #[test]
    fn the_plan_adds_up() {
        let plan = plan(Mode::Standard);
        let sum: Duration = plan.figures.iter().map(|figure| plan.time_of(figure)).sum();
        assert_eq!(sum, plan.time());
        assert!(plan.describe().contains(&time(sum)));
        let short = plan.within(Duration::from_secs(1)).time();
        assert!(short > Duration::from_millis(900) && short <= Duration::from_secs(1));
    }

    #[test]
    fn everything_has_a_number_in_every_round() {
        let mut figures = figures(Mode::Quick);
        figures.retain(|figure| ["cells", "ycsb", "stuck"].contains(&figure.id));
        let names = ["epoch", "epoch-refresh", "papaya", "local"].map(str::to_owned);
        let plan = Plan::new(figures, names.into(), Mode::Quick);
        let plan = plan.within(Duration::from_millis(100));
        let records = plan.run(&mut Noise::new());
        for (figure, panel, contender, metrics) in [
            ("cells", "alone", "epoch", 2),
            ("cells", "alone", "epoch-refresh", 2),
            ("cells", "alone", "local", 2),
            ("cells", "beside a writer", "epoch", 3),
            ("cells", "beside a writer", "local", 0),
            ("ycsb", "B", "papaya", 3),
            ("ycsb", "C", "epoch", 3),
            ("stuck", "a map", "papaya", 6),
        ] {
            let found = records.iter().filter(|record| {
                (&*record.figure, &*record.panel, record.contender.name)
                    == (figure, panel, contender)
            });
            assert_eq!(found.count(), metrics * 3, "{figure} {panel} {contender}");
        }
    }
}
