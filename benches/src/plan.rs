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
use crate::metric::{Record, Sample, time};

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
    pub fn run(&self, noise: &mut Noise) -> Vec<Record> {
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
                    samples[at] = subjects[at].1(slice * figure.weight());
                    shares = shares.saturating_sub(figure.weight());
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
            let mut subjects = (case.subjects)(&case.contenders);
            let together = if case.apart { 1 } else { usize::MAX };
            loop {
                let mut some: Vec<_> = subjects.by_ref().take(together).collect();
                if some.is_empty() || interrupt::is_requested() {
                    break;
                }
                (0..case.rounds.unwrap_or(self.rounds)).for_each(|nth| round(nth, &mut some));
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
    use crate::drive::load::{Load, Pace, Task};
    use crate::figures::all;
    use crate::figures::figure::Settings;
    use crate::metric::{Metric, Tail};
    use crate::workload::input::Texts;
    use crate::workload::ops::Mix;

    fn plan(mode: Mode) -> Plan {
        let mut figures = all(&Settings {
            mode,
            thread_counts: vec![1, 2],
            threads_asked: false,
            texts: Texts::unicode(),
            trace: None,
        });
        figures.retain(|figure| figure.since <= mode);
        Plan::new(figures, &[], mode)
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
    fn every_contender_has_all_its_numbers_in_every_round() {
        use crate::metric::Metric::{Bytes, Entries, Ops, Read, Reads, Writes};

        let [reads, writes] = [Metric::ReadAt, Metric::WriteAt].map(|metric| Tail::ALL.map(metric));
        let load = Load::new(100, vec![Task::READ, Task::WRITE]);
        let beside = Case::numbers("", 0.0, Load { idle: 3, ..load });
        let task = Task::mix(Mix::of(0.2, 0.4, 0.4)).batch(7);
        let mix = Case::numbers("", 0.0, Load::of(100, task, 1).own(64));
        let open = Task::READ.pace(Pace::Open(Duration::from_micros(20)));
        let tasks = vec![open, Task::GROW.pace(Pace::Timed(50))];
        let growing = Case::numbers("", 0.0, Load::new(100, tasks).own(64).growing());
        for (case, expected) in [
            (beside, vec![Read, Ops, Reads, Writes]),
            (mix, vec![Ops, Reads, Writes]),
            (
                growing,
                [&[Ops, Reads, Writes], &reads[..], &[Entries], &writes].concat(),
            ),
            (Case::size(1000), vec![Bytes]),
            (Case::cell("", 1, false), vec![Read, Reads]),
            (Case::cell("", 1, true), vec![Read, Reads, Writes]),
            (Case::cell("", 2, true), vec![Read, Reads, Writes]),
            (Case::stuck_map(""), writes.to_vec()),
            (Case::stuck_cell(""), writes.to_vec()),
        ] {
            let (contenders, rounds) = (case.contenders.clone(), case.rounds.unwrap_or(3));
            assert!(contenders.len() > 14);
            let cases = vec![case];
            let figure = Figure {
                cases,
                ..Figure::default()
            };
            let plan = Plan::new(vec![figure], &[], Mode::Quick);
            let plan = plan.within(Duration::from_millis(300));
            let records = plan.run(&mut Noise::new());
            for contender in contenders {
                let name = contender.name;
                let of_it: Vec<_> = records
                    .iter()
                    .filter(|it| it.contender == contender)
                    .collect();
                let metrics: Vec<_> = of_it.iter().map(|it| it.metric).collect();
                assert_eq!(metrics, expected.repeat(rounds as usize), "{name}");
                for it in of_it {
                    // In the mix, everything writes.
                    let is_positive = it.value > 0.0;
                    assert!(
                        is_positive || it.metric == Reads && !expected.contains(&Read),
                        "{name}: {it:?}"
                    );
                    assert!(it.metric != Entries || it.value <= 50.0, "{name}: {it:?}");
                }
            }
        }
    }
}
