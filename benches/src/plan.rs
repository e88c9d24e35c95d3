//! How much is measured, in how much time, and the measuring itself.

use core::time::Duration;
use std::time::Instant;

use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use crate::drive::Subject;
use crate::figures::{Case, Figure, Mode, Name};
use crate::interrupt;
use crate::metric::{Record, Sample, time};
use crate::noise::Noise;
use crate::progress::Progress;

/// What is measured, and how long that may take.
///
/// The time, in which the maps are filled too, is kept by construction: each
/// measurement gets an equal share of what is left when it begins, so one that
/// takes longer makes the rest shorter.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) figures: Vec<Figure>,
    /// These contenders only, if there are any.
    contenders: Vec<String>,
    rounds: u32,
    slice: Duration,
}

impl Mode {
    /// How often everything is measured: an odd number, so that the median is a
    /// round that happened.
    fn rounds(self) -> u32 {
        match self {
            Self::Quick => 3,
            Self::Standard | Self::Full => 5,
        }
    }

    /// How long one measurement takes, with its share of filling the maps.
    fn slice(self) -> Duration {
        Duration::from_millis(match self {
            Self::Quick => 24,
            Self::Standard => 42,
            Self::Full => 240,
        })
    }
}

/// Measurements shorter than this are mostly threads that start.
const SHORTEST: Duration = Duration::from_millis(1);

impl Plan {
    /// A plan for these figures and contenders; all contenders, if there are none.
    pub(crate) fn new(figures: Vec<Figure>, contenders: Vec<String>, mode: Mode) -> Self {
        Self {
            figures,
            contenders,
            rounds: mode.rounds(),
            slice: mode.slice(),
        }
    }

    /// The same in another time.
    pub(crate) fn within(mut self, time: Duration) -> Self {
        self.slice = time / self.shares().max(1);
        self
    }

    /// How often everything is measured.
    pub(crate) fn rounds(&self) -> u32 {
        self.rounds
    }

    /// Who takes part in a case.
    fn names(&self, case: &Case) -> Vec<Name> {
        let is_chosen = |name: &Name| {
            self.contenders.is_empty() || self.contenders.iter().any(|chosen| chosen == name.name)
        };
        case.contenders().into_iter().filter(is_chosen).collect()
    }

    fn measurements(&self, figure: &Figure) -> u32 {
        let of_case = |case: &Case| {
            let names = u32::try_from(self.names(case).len()).unwrap_or(u32::MAX);
            names * case.rounds(self.rounds)
        };
        figure.cases.iter().map(of_case).sum()
    }

    /// Into how many parts the time is divided.
    fn shares(&self) -> u32 {
        let of_figure = |figure: &Figure| self.measurements(figure) * figure.weight;
        self.figures.iter().map(of_figure).sum()
    }

    /// How long a figure takes.
    pub(crate) fn time_of(&self, figure: &Figure) -> Duration {
        self.slice * (self.measurements(figure) * figure.weight)
    }

    /// How long all of it takes.
    pub(crate) fn time(&self) -> Duration {
        self.figures.iter().map(|figure| self.time_of(figure)).sum()
    }

    /// What is going to happen, a line for each figure.
    pub(crate) fn describe(&self) -> String {
        let mut lines = format!(
            "plan: {} in {} figures, {} rounds\n",
            time(self.time()),
            self.figures.len(),
            self.rounds
        );
        for figure in &self.figures {
            let line = format!(
                "  {:<15} {:>5} measurements  {:>12}  {}\n",
                figure.id,
                self.measurements(figure),
                time(self.time_of(figure)),
                figure.title
            );
            lines.push_str(&line);
        }
        lines
    }

    /// Measures, until all is done or an interrupt comes.
    ///
    /// Every round asks every contender, in an order that is drawn anew: what
    /// disturbs the machine for a while disturbs them all, and nobody always follows
    /// the one that leaves the caches cold.
    ///
    /// # Panics
    ///
    /// If a contender gives a wrong answer.
    pub(crate) fn run(&self, progress: &Progress, noise: &mut Noise) -> Vec<Record> {
        let mut run = Run {
            plan: self,
            progress,
            noise,
            records: Vec::new(),
            until: Instant::now() + self.time(),
            left: self.shares(),
            order: StdRng::seed_from_u64(0),
        };
        for figure in &self.figures {
            for (nth, case) in figure.cases.iter().enumerate() {
                let part = format!("{} of {}", nth + 1, figure.cases.len());
                progress.say(figure.id, &part, run.time_left());
                run.case(figure, case);
                if interrupt::asked() {
                    return run.records;
                }
            }
        }
        run.records
    }
}

/// A plan that is carried out.
struct Run<'a> {
    plan: &'a Plan,
    progress: &'a Progress,
    noise: &'a mut Noise,
    records: Vec<Record>,
    until: Instant,
    /// Shares of the time.
    left: u32,
    order: StdRng,
}

impl Run<'_> {
    fn time_left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    fn case(&mut self, figure: &Figure, case: &Case) {
        let maker = case.maker();
        let names = self.plan.names(case);
        let rounds = case.rounds(self.plan.rounds);
        let make = |name: &Name| maker(name.name).map(|subject| (*name, subject));
        if case.apart {
            for name in &names {
                let mut alone: Vec<_> = make(name).into_iter().collect();
                self.rounds(figure, case, &mut alone, rounds);
            }
        } else {
            let mut all: Vec<_> = names.iter().filter_map(make).collect();
            self.rounds(figure, case, &mut all, rounds);
        }
    }

    fn rounds(
        &mut self,
        figure: &Figure,
        case: &Case,
        subjects: &mut [(Name, Box<dyn Subject>)],
        rounds: u32,
    ) {
        for round in 0..rounds {
            self.noise.probe();
            let mut order: Vec<usize> = (0..subjects.len()).collect();
            order.shuffle(&mut self.order);
            let mut samples = vec![Sample::new(); subjects.len()];
            for at in order {
                let slice = (self.time_left() / self.left.max(1)).max(SHORTEST);
                samples[at] = subjects[at].1.measure(slice * figure.weight);
                self.left = self.left.saturating_sub(figure.weight);
                self.progress.left(self.time_left());
                if interrupt::asked() {
                    // A part of a round compares nobody with anybody.
                    return;
                }
            }
            for ((name, _), sample) in subjects.iter().zip(samples) {
                let record = |(metric, value)| Record {
                    figure: figure.id,
                    panel: case.panel.clone(),
                    x: case.x,
                    contender: name.name,
                    is_ours: name.is_ours,
                    metric,
                    round,
                    value,
                };
                self.records.extend(sample.into_iter().map(record));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::{Settings, all};
    use crate::keys::Texts;

    fn plan(mode: Mode) -> Plan {
        let settings = Settings {
            mode,
            threads: vec![1, 2],
            threads_asked: false,
            texts: Texts::unicode(),
            trace: None,
        };
        let mut figures = all(&settings);
        figures.retain(|figure| figure.since <= mode);
        Plan::new(figures, Vec::new(), mode)
    }

    #[test]
    fn every_mode_keeps_its_promise() {
        for (mode, seconds) in [
            (Mode::Quick, 15),
            (Mode::Standard, 120),
            (Mode::Full, 60 * 60),
        ] {
            let plan = plan(mode);
            // A tenth is left: for loading the keys, and for a machine that has
            // other work.
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
        let mut figures = plan(Mode::Quick).figures;
        figures.retain(|figure| ["cells", "ycsb"].contains(&figure.id));
        let names = ["epoch", "epoch-refresh", "papaya", "local"];
        let names = names.map(str::to_owned).to_vec();
        let plan = Plan::new(figures, names, Mode::Quick).within(Duration::from_millis(100));
        let records = plan.run(&Progress::silent(), &mut Noise::new());
        for (figure, panel, contender, metrics) in [
            ("cells", "alone", "epoch", 2),
            ("cells", "alone", "epoch-refresh", 2),
            ("cells", "alone", "local", 2),
            ("cells", "beside a writer", "epoch", 3),
            ("cells", "beside a writer", "epoch-refresh", 3),
            ("cells", "beside a writer", "local", 0),
            ("ycsb", "B", "papaya", 3),
            ("ycsb", "C", "epoch", 3),
        ] {
            let found = records.iter().filter(|record| {
                (record.figure, &*record.panel, record.contender) == (figure, panel, contender)
            });
            assert_eq!(found.count(), metrics * 3, "{figure} {panel} {contender}");
        }
    }
}
