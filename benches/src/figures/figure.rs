//! A figure: a question, and the cases that answer it.

use alloc::rc::Rc;

use crate::cells;
use crate::contender::{Contender, Entry};
use crate::drive::cells::cell;
use crate::drive::load::{Drawn, Load};
use crate::drive::maps::{map, size};
use crate::drive::stuck::{stuck_cell, stuck_map};
use crate::drive::window::Subject;
use crate::maps::{self, MapEntry};
use crate::metric::Metric;
use crate::workload::input::{Texts, Trace};
use crate::workload::keyspace::Keyspace;
use crate::workload::values::{Blob, Key};

/// How much is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mode {
    Quick,
    Standard,
    Full,
}

/// What the loads depend on.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) mode: Mode,
    /// How many threads read, in ascending order; not empty.
    pub(crate) thread_counts: Vec<usize>,
    /// Whether `--threads` asked for these numbers.
    pub(crate) threads_asked: bool,
    pub(crate) texts: Texts,
    pub(crate) trace: Option<Rc<Trace>>,
}

impl Settings {
    /// The threads of a mix: the greatest of the numbers.
    pub(super) fn mixers(&self) -> usize {
        self.thread_counts.iter().copied().max().unwrap_or(1)
    }

    /// The numbers of threads that were asked for, or these.
    pub(super) fn threads_or(&self, default: &[usize]) -> Vec<usize> {
        match self.threads_asked {
            true => self.thread_counts.clone(),
            false => default.to_vec(),
        }
    }

    /// The readers beside one writer.
    pub(super) fn readers(&self) -> usize {
        self.mixers().saturating_sub(1).max(1)
    }
}

#[derive(Debug)]
pub(crate) struct Figure {
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    /// What the numbers are, and where the load comes from.
    pub(crate) definition: String,
    /// The name of the axis over which each contender has a line; without one, it has a bar.
    pub(crate) axis: &'static str,
    /// The numbers that are drawn and judged. All are written to the CSV file.
    pub(crate) metrics: &'static [Metric],
    pub(crate) cases: Vec<Case>,
    /// The least mode that has it.
    pub(crate) since: Mode,
    /// How many times as long as others its measurements take.
    pub(crate) weight: u32,
}

impl Figure {
    pub(crate) const DEFAULT: Self = Self {
        id: "",
        title: "",
        definition: String::new(),
        axis: "",
        metrics: &[Metric::Ops],
        cases: Vec::new(),
        since: Mode::Quick,
        weight: 1,
    };

    pub(crate) fn has_bars(&self) -> bool {
        self.axis.is_empty()
    }
}

/// Entries of the maps whose size is not the question.
pub(super) const ENTRIES: u32 = 100_000;
/// The same in words.
pub(super) const MANY: &str = "100,000";

/// A number of threads, in words.
pub(crate) fn some_threads(count: usize) -> String {
    match count {
        1 => "1 thread".to_owned(),
        _ => format!("{count} threads"),
    }
}

/// What a number of threads do, in words.
pub(super) fn threads_that(count: usize, verb: &str) -> String {
    match count {
        1 => format!("one thread {verb}s"),
        _ => format!("{count} threads {verb}"),
    }
}

/// What a contender is asked to do.
#[derive(Clone, Debug)]
pub(crate) enum Question {
    /// A load on a map whose keys are numbers.
    Numbers(Load),
    /// A load on a map whose keys are text, as many as there are texts.
    Texts(Texts, Load),
    /// The operations of a trace, by the threads of a load.
    Trace(Rc<Trace>, Load),
    /// The size of a map with this many entries, which is the same every time.
    Size(u32),
    /// Loads from a cell by a number of readers, perhaps beside a writer.
    Cell(usize, bool),
    /// Writes to a map while a reader keeps what it read.
    StuckMap,
    /// The same of a cell.
    StuckCell,
}

/// A question, for all contenders that can answer it.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) panel: String,
    pub(crate) x: f64,
    pub(crate) question: Question,
    /// Whether one contender is measured after the other, since not all fit into memory.
    pub(crate) apart: bool,
    /// How the contenders are compared, if not each of ours with the best of the others.
    pub(crate) duel: Option<Duel>,
}

/// One of ours against others, compared round by round: a machine that changes its pace changes
/// both.
#[derive(Clone, Debug)]
pub(crate) struct Duel {
    pub(crate) ours: &'static str,
    /// With the ratio that ours has to reach, if any.
    pub(crate) others: Vec<(&'static str, Option<f64>)>,
}

impl Duel {
    /// How often such a case is measured, in every mode.
    pub(crate) const ROUNDS: u32 = 9;

    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        let others = self.others.iter().map(|other| other.0);
        [self.ours].into_iter().chain(others)
    }
}

fn named<B>(entries: Vec<Entry<B>>) -> Vec<Contender> {
    entries.iter().map(|entry| entry.contender).collect()
}

/// The contenders that hold maps.
pub(crate) fn maps() -> Vec<Contender> {
    named(maps::all::<u64, u64>())
}

/// The contenders that hold one value.
pub(crate) fn cells() -> Vec<Contender> {
    named(cells::all())
}

/// Makes the chosen contenders, each when it is asked for.
type Subjects<'a> = Box<dyn Iterator<Item = (Contender, Subject)> + 'a>;

impl Case {
    pub(super) fn new(panel: impl Into<String>, question: Question) -> Self {
        Self {
            panel: panel.into(),
            x: 0.0,
            apart: matches!(question, Question::Size(_)),
            question,
            duel: None,
        }
    }

    /// A load on maps whose keys are numbers.
    pub(crate) fn numbers(panel: impl Into<String>, x: f64, load: Load) -> Self {
        let case = Self::new(panel, Question::Numbers(load));
        Self { x, ..case }
    }

    /// How often it is measured, if others are this often.
    pub(crate) fn rounds(&self, others: u32) -> u32 {
        match self.question {
            Question::Size(_) => 1,
            _ if self.duel.is_some() => Duel::ROUNDS,
            _ => others,
        }
    }

    /// All contenders that can take part.
    pub(crate) fn contenders(&self) -> Vec<Contender> {
        if let Some(duel) = &self.duel {
            let all = maps().into_iter().chain(named(maps::fences::<u64>()));
            return all
                .filter(|it| duel.names().any(|name| name == it.name))
                .collect();
        }
        let mut cells = cells::all();
        match self.question {
            Question::Cell(readers, writes) => {
                cells.retain(|entry| cell(entry, readers, writes).is_some());
            }
            Question::StuckCell => cells.retain(|entry| stuck_cell(entry).is_some()),
            _ => return maps(),
        }
        named(cells)
    }

    /// Draws the load, and makes each of the chosen contenders when its turn comes.
    pub(crate) fn subjects<'a>(&self, chosen: &'a [Contender]) -> Subjects<'a> {
        match &self.question {
            Question::Numbers(load) => {
                let drawn = Drawn::random(load.clone(), Keyspace::numbers(load.entries));
                match load.value_bytes > size_of::<u64>() {
                    true => each_map(drawn, maps::all::<_, Blob>(), chosen),
                    false => each_map(drawn, all_maps(), chosen),
                }
            }
            Question::Texts(texts, load) => {
                let drawn = Drawn::random(load.clone(), texts.keyspace());
                each_map(drawn, all_maps(), chosen)
            }
            Question::Trace(trace, load) => {
                let workload = |thread, _: &_| trace.workload(thread, load.tasks.len());
                let drawn = Drawn::new(load.clone(), trace.keyspace(), workload);
                each_map(drawn, all_maps(), chosen)
            }
            &Question::Size(entries) => {
                each(all_maps(), chosen, move |entry| Some(size(entry, entries)))
            }
            &Question::Cell(readers, writes) => {
                each(cells::all(), chosen, move |it| cell(&it, readers, writes))
            }
            Question::StuckMap => each(all_maps(), chosen, |entry| Some(stuck_map(&entry))),
            Question::StuckCell => each(cells::all(), chosen, |entry| stuck_cell(&entry)),
        }
    }
}

fn all_maps<K: Key>() -> Vec<MapEntry<K>> {
    let fences = maps::fences().into_iter();
    maps::all::<K, u64>().into_iter().chain(fences).collect()
}

fn each<'a, B: 'a>(
    entries: Vec<Entry<B>>,
    chosen: &'a [Contender],
    make: impl Fn(Entry<B>) -> Option<Subject> + 'a,
) -> Subjects<'a> {
    let is_chosen = |entry: &Entry<B>| chosen.contains(&entry.contender);
    let entries = entries.into_iter().filter(is_chosen);
    Box::new(entries.filter_map(move |entry| Some((entry.contender, make(entry)?))))
}

fn each_map<K: Key>(
    drawn: Drawn<K>,
    entries: Vec<MapEntry<K>>,
    chosen: &[Contender],
) -> Subjects<'_> {
    let drawn = Rc::new(drawn);
    each(entries, chosen, move |entry| {
        Some(map(entry, Rc::clone(&drawn)))
    })
}
