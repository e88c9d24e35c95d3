use core::time::Duration;
use std::time::Instant;

use crate::{Entry, Sample, Workload};

/// What is measured, and how long that may take.
///
/// The time, in which the maps are filled too, is kept by construction: each
/// measurement gets an equal share of what is left when it begins, so one that
/// takes longer makes the rest shorter.
#[derive(Clone, Debug)]
pub struct Plan {
    entries: Vec<Entry>,
    threads: Vec<usize>,
    time: Duration,
}

/// What came out for one contender and thread count; one sample a round.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The contender.
    pub contender: &'static str,
    /// How many threads read.
    pub threads: usize,
    /// Readers only.
    pub alone: Vec<Sample>,
    /// Beside a publishing writer.
    pub beside: Vec<Sample>,
}

impl Plan {
    /// Measurements shorter than this are mostly warm-up and threads that start.
    const SHORTEST: Duration = Duration::from_millis(1);
    /// More rounds are better than longer ones, down to about this.
    const ROUND: Duration = Duration::from_millis(100);

    /// A plan that takes about `time`.
    pub fn new(entries: &[Entry], threads: &[usize], time: Duration) -> Self {
        Self {
            entries: entries.to_vec(),
            threads: threads.to_vec(),
            time,
        }
    }

    /// The thread counts.
    pub fn threads(&self) -> &[usize] {
        &self.threads
    }

    /// The contenders.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// How long it takes.
    pub fn time(&self) -> Duration {
        self.time
    }

    /// How often everything is measured: an odd number, so that the median is a
    /// round that happened.
    pub fn rounds(&self) -> u32 {
        let shares = self.time.as_secs_f64() / Self::ROUND.as_secs_f64();
        let rounds = shares / f64::from(self.measurements_a_round().max(1));
        (rounds as u32).clamp(3, 15) | 1
    }

    /// How many measurements a round has: with and without a writer.
    pub fn measurements_a_round(&self) -> u32 {
        u32::try_from(self.entries.len() * self.threads.len() * 2).unwrap_or(u32::MAX)
    }

    /// Measures. `progress` is told what is going on, in a line.
    ///
    /// Every round asks every contender, each time another one first: what
    /// disturbs the machine for a while disturbs them all.
    ///
    /// # Panics
    ///
    /// If a contender gives a wrong answer.
    pub fn run(&self, workload: &Workload, mut progress: impl FnMut(&str)) -> Vec<Outcome> {
        let until = Instant::now() + self.time;
        progress("filling the maps");
        let keys = workload.keys();
        let mut subjects: Vec<_> = self.entries.iter().map(|entry| entry.build(keys)).collect();
        let mut outcomes = self.outcomes();
        let rounds = self.rounds();
        let mut clock = Clock {
            until,
            measurements: rounds * self.measurements_a_round(),
        };
        for round in 0..rounds {
            let left = clock.left().as_secs_f64();
            progress(&format!(
                "round {} of {rounds}, {left:.1} s left",
                round + 1
            ));
            for (nth, &threads) in self.threads.iter().enumerate() {
                for turn in 0..subjects.len() {
                    let at = (turn + round as usize) % subjects.len();
                    let outcome = &mut outcomes[nth * subjects.len() + at];
                    let mut measure = |writer| {
                        subjects[at].measure(workload, threads, writer, clock.next_slice())
                    };
                    outcome.alone.push(measure(false));
                    outcome.beside.push(measure(true));
                }
            }
        }
        outcomes
    }

    /// Nothing yet, for every contender with one thread count, then with the next.
    fn outcomes(&self) -> Vec<Outcome> {
        let with = |&threads: &usize| {
            self.entries.iter().map(move |entry| Outcome {
                contender: entry.name,
                threads,
                alone: Vec::new(),
                beside: Vec::new(),
            })
        };
        self.threads.iter().flat_map(with).collect()
    }
}

/// Divides the time that is left.
struct Clock {
    until: Instant,
    measurements: u32,
}

impl Clock {
    fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    fn next_slice(&mut self) -> Duration {
        let slice = self.left() / self.measurements.max(1);
        self.measurements = self.measurements.saturating_sub(1);
        slice.max(Plan::SHORTEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Keys, contenders};

    #[test]
    fn slices_fill_the_time_and_shrink_when_it_runs_out() {
        let second = Duration::from_secs(1);
        let mut clock = Clock {
            until: Instant::now() + second * 4,
            measurements: 4,
        };
        let slice = clock.next_slice();
        assert!(slice <= second && slice > second / 2, "{slice:?}");
        clock.until -= second * 3;
        let slice = clock.next_slice();
        assert!(slice <= second / 3, "{slice:?}");
        clock.until -= second;
        assert_eq!(clock.next_slice(), Plan::SHORTEST);
    }

    #[test]
    fn rounds_are_odd_and_more_where_there_is_time() {
        let rounds =
            |seconds| Plan::new(contenders::ALL, &[1, 2], Duration::from_secs(seconds)).rounds();
        assert_eq!(rounds(0), 3);
        assert_eq!(rounds(1_000), 15);
        assert!((1..200).all(|seconds| rounds(seconds) % 2 == 1));
    }

    #[test]
    fn everything_has_a_sample_a_round_and_the_time_is_kept() {
        let workload = Workload::new(Keys::from_text("a\nb", "a test").unwrap(), 2);
        let time = Duration::from_millis(300);
        let plan = Plan::new(contenders::ALL, &[1, 2], time);
        let begin = Instant::now();
        let outcomes = plan.run(&workload, |_| {});
        // Generous: tests run beside others.
        assert!(begin.elapsed() < time * 5, "{:?}", begin.elapsed());
        let rows: Vec<_> = outcomes
            .iter()
            .map(|row| (row.threads, row.contender))
            .collect();
        let expected = [1, 2].map(|threads| contenders::ALL.iter().map(move |e| (threads, e.name)));
        assert_eq!(rows, expected.into_iter().flatten().collect::<Vec<_>>());
        let rounds = plan.rounds() as usize;
        for outcome in outcomes {
            assert_eq!(outcome.alone.len(), rounds);
            assert_eq!(outcome.beside.len(), rounds);
            assert!(
                outcome
                    .alone
                    .iter()
                    .all(|sample| sample.publishes.is_none())
            );
            assert!(
                outcome
                    .beside
                    .iter()
                    .all(|sample| sample.publishes.is_some())
            );
        }
    }
}
