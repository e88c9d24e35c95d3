use core::fmt::Write;

use comfy_table::{CellAlignment, Table, presets};

use crate::{Machine, Outcome, Plan, Sample, Spread, Workload};

/// What is said about the results: text, and nothing that measures.
#[derive(Clone, Debug)]
pub struct Report<'a> {
    plan: &'a Plan,
    workload: &'a Workload,
    machine: Machine,
}

const COLUMNS: [&str; 7] = [
    "contender",
    "threads",
    "ns a lookup",
    "ns beside a writer",
    "M lookups/s",
    "M lookups/s beside a writer",
    "publishes/s",
];

impl<'a> Report<'a> {
    /// For this plan, on this machine.
    pub fn new(plan: &'a Plan, workload: &'a Workload) -> Self {
        Self {
            plan,
            workload,
            machine: Machine::look(),
        }
    }

    /// What is going to happen, and where.
    pub fn header(&self) -> String {
        let Self {
            plan,
            workload,
            machine,
        } = self;
        let (rounds, each) = (plan.rounds(), plan.measurements_a_round());
        format!(
            "plan:    {} contenders x {} thread counts x with and without a writer x {rounds} rounds \
             = {} measurements in {:.1} s\n\
             {machine}\n\
             keys:    {} {}\n\
             lookups: Zipf, exponent {}, {} a sequence, one for each thread\n\
             hasher:  foldhash::fast, the same seed for all\n",
            plan.entries().len(),
            plan.threads().len(),
            rounds * each,
            plan.time().as_secs_f64(),
            workload.keys().len(),
            workload.keys().origin(),
            Workload::EXPONENT,
            Workload::SEQUENCE,
        )
    }

    /// The table, a row for each contender and thread count, in Markdown.
    pub fn table(&self, outcomes: &[Outcome]) -> String {
        let mut table = Table::new();
        table
            .load_style(presets::ASCII_MARKDOWN)
            .set_header(COLUMNS);
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        for outcome in outcomes {
            table.add_row(self.row(outcome));
        }
        format!("{table}\n")
    }

    fn row(&self, outcome: &Outcome) -> [String; COLUMNS.len()] {
        let Outcome {
            contender,
            threads,
            alone,
            beside,
        } = outcome;
        let millions = |sample: &Sample| Some(sample.lookups / 1e6);
        let nanos = |sample: &Sample| Some(sample.nanos);
        let (alone_mark, beside_mark) = (self.mark(*threads), self.mark(threads + 1));
        [
            (*contender).to_owned(),
            threads.to_string(),
            cell(alone, 1, alone_mark, nanos),
            cell(beside, 1, beside_mark, nanos),
            cell(alone, 1, alone_mark, millions),
            cell(beside, 1, beside_mark, millions),
            cell(beside, 0, beside_mark, |sample| sample.publishes),
        ]
    }

    /// Marks what was measured with more threads than can run.
    fn mark(&self, threads: usize) -> &'static str {
        if threads > self.machine.cores {
            " *"
        } else {
            ""
        }
    }

    /// What the columns mean.
    pub fn notes(&self) -> String {
        let mut notes = format!(
            "Every number: the median of {} rounds, and (least..greatest).\n\
             ns a lookup: the time of the median block of {} lookups, of all threads' blocks, for one\n  \
             lookup: hashing, entering, comparing keys, leaving, and a check of the value.\n\
             M lookups/s: millions a second, of all threads together, pauses included.\n\
             beside a writer: while one more thread publishes as fast as it can.\n\
             publishes/s: of that thread, beside these readers; each publish changes {} values.\n",
            self.plan.rounds(),
            Workload::BLOCK,
            Workload::BATCH,
        );
        let (cores, most) = (self.machine.cores, self.plan.threads().iter().max());
        if most.is_some_and(|most| most + 1 > cores) {
            let _ = writeln!(
                notes,
                "* more threads (readers and the writer) than cores ({cores}): they take turns, and what is\n  \
                 measured is the scheduler too."
            );
        }
        notes
    }
}

/// One number of each sample, with its spread.
fn cell(
    samples: &[Sample],
    digits: usize,
    mark: &str,
    number: impl Fn(&Sample) -> Option<f64>,
) -> String {
    Spread::of(samples.iter().filter_map(number)).map_or_else(
        || "-".to_owned(),
        |spread| format!("{spread:.digits$}{mark}"),
    )
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;
    use crate::{Keys, contenders};

    fn with_report(cores: usize, test: impl FnOnce(&Report<'_>)) {
        let workload = Workload::new(Keys::from_text("a\nb", "a test").unwrap(), 1);
        let plan = Plan::new(contenders::ALL, &[1], Duration::from_secs(1));
        let mut report = Report::new(&plan, &workload);
        report.machine.cores = cores;
        test(&report);
    }

    fn outcome() -> Outcome {
        let sample = |nanos| Sample {
            nanos,
            lookups: 3e6,
            publishes: None,
        };
        let beside = Sample {
            publishes: Some(1234.4),
            ..sample(8.0)
        };
        Outcome {
            contender: "it",
            threads: 1,
            alone: vec![sample(7.0), sample(5.0), sample(6.0)],
            beside: vec![beside],
        }
    }

    #[test]
    fn a_row_has_medians_and_ranges() {
        with_report(2, |report| {
            let row = report.row(&outcome());
            assert_eq!(
                row,
                [
                    "it",
                    "1",
                    "6.0 (5.0..7.0)",
                    "8.0 (8.0..8.0)",
                    "3.0 (3.0..3.0)",
                    "3.0 (3.0..3.0)",
                    "1234 (1234..1234)",
                ]
            );
            assert!(!report.notes().contains('*'));
        });
    }

    #[test]
    fn too_many_threads_are_marked_and_explained() {
        with_report(1, |report| {
            let row = report.row(&outcome());
            assert!(row[3].ends_with(" *") && row[5].ends_with(" *") && row[6].ends_with(" *"));
            assert!(!row[2].contains('*') && !row[4].contains('*'));
            assert!(report.notes().contains("than cores (1)"));
        });
    }

    #[test]
    fn the_header_names_what_the_numbers_depend_on() {
        with_report(2, |report| {
            let header = report.header();
            for part in [
                "rustc",
                "commit",
                "2 cores",
                "2 a test",
                "exponent 1",
                "foldhash",
            ] {
                assert!(header.contains(part), "{part} in {header}");
            }
        });
    }
}
