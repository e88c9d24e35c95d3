//! A figure: a question, and the cases that answer it.

use alloc::rc::Rc;

use serde::Deserialize;

use crate::cells;
use crate::contender::{Contender, Entry};
use crate::drive::cells::{cell, stuck_cell};
use crate::drive::load::{Drawn, Load};
use crate::drive::maps::{map, size, stuck_map};
use crate::drive::window::Subject;
use crate::maps::{self, MapEntry};
use crate::metric::Metric;
use crate::workload::input::{Texts, Trace};
use crate::workload::keys::{Blob, Key, Keyspace};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    #[default]
    Quick,
    Standard,
    Full,
}

#[derive(Clone)]
pub struct Settings {
    pub mode: Mode,
    /// How many threads read, in ascending order; not empty.
    pub thread_counts: Vec<usize>,
    /// Whether `--threads` asked for these numbers.
    pub threads_asked: bool,
    pub texts: Texts,
    pub trace: Option<Rc<Trace>>,
}

impl Settings {
    /// The threads of a mix: the greatest of the numbers.
    pub fn mixers(&self) -> usize {
        self.thread_counts.iter().copied().max().unwrap_or(1)
    }

    /// The numbers of threads that were asked for, or these.
    pub fn threads_or(&self, default: &[usize]) -> Vec<usize> {
        match self.threads_asked {
            true => self.thread_counts.clone(),
            false => default.to_vec(),
        }
    }

    /// The readers beside one writer.
    pub fn readers(&self) -> usize {
        self.mixers().saturating_sub(1).max(1)
    }

    /// The entries that a map grows to.
    pub fn growth(&self) -> u32 {
        match self.mode {
            Mode::Full => 1_000_000,
            _ => 100_000,
        }
    }
}

/// `figures.toml` says what its fields are.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Figure {
    #[serde(skip)]
    pub id: &'static str,
    pub title: String,
    pub definition: String,
    pub axis: String,
    pub metrics: Vec<Metric>,
    #[serde(skip)]
    pub cases: Vec<Case>,
    pub since: Mode,
    pub extra: u32,
}

impl Figure {
    /// How many times as long as others its measurements take.
    pub fn weight(&self) -> u32 {
        1 + self.extra
    }

    pub fn has_bars(&self) -> bool {
        self.axis.is_empty()
    }
}

pub fn some_threads(count: usize) -> String {
    match count {
        1 => "1 thread".to_owned(),
        _ => format!("{count} threads"),
    }
}

/// Contenders with their loads, each made when it is asked for.
type Subjects = Box<dyn Iterator<Item = (Contender, Subject)>>;
type Draw = dyn Fn(&[Contender]) -> Subjects;

/// A question, for all contenders that can answer it.
pub struct Case {
    pub panel: String,
    pub x: f64,
    /// How often it is measured, if not as often as others.
    pub rounds: Option<u32>,
    /// Whether one contender is measured after the other, since not all fit into memory.
    pub apart: bool,
    /// How the contenders are compared, if not each of ours with the best of the others.
    pub duel: Option<Duel>,
    /// Everybody who can take part.
    pub contenders: Vec<Contender>,
    /// Draws the load, and makes each of the chosen contenders when its turn comes.
    pub subjects: Box<Draw>,
}

/// One of ours against others, compared round by round: a machine that changes its pace changes
/// both.
#[derive(Clone)]
pub struct Duel {
    pub ours: &'static str,
    /// With the ratio that ours has to reach, if any.
    pub others: Vec<(&'static str, Option<f64>)>,
}

impl Duel {
    /// How often such a case is measured, in every mode.
    pub const ROUNDS: u32 = 9;

    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        [self.ours]
            .into_iter()
            .chain(self.others.iter().map(|other| other.0))
    }
}

fn named<B>(entries: &[Entry<B>]) -> Vec<Contender> {
    entries.iter().map(|entry| entry.contender).collect()
}

pub fn maps() -> Vec<Contender> {
    named(&maps::all::<u64, u64>())
}

pub fn cells() -> Vec<Contender> {
    named(&cells::all())
}

/// The default map with each fence of Epoch, for one figure.
pub fn fences() -> Vec<Contender> {
    named(&maps::fences::<u64>())
}

impl Case {
    /// `prepare` is called when the case begins. What it returns makes the subject of a contender
    /// when its turn comes, or none if the contender cannot take part.
    fn new<B: Copy + 'static, M: Fn(Entry<B>) -> Subject + 'static>(
        panel: impl Into<String>,
        entries: Vec<Entry<B>>,
        prepare: impl Fn() -> M + 'static,
    ) -> Self {
        Self {
            panel: panel.into(),
            x: 0.0,
            rounds: None,
            apart: false,
            duel: None,
            contenders: named(&entries),
            subjects: Box::new(move |chosen| {
                let (mut entries, make) = (entries.clone(), prepare());
                entries.retain(|entry| chosen.contains(&entry.contender));
                Box::new(entries.into_iter().map(move |it| (it.contender, make(it))))
            }),
        }
    }

    /// A load on some maps, which is drawn when the case begins.
    fn drawn<K: Key>(
        panel: impl Into<String>,
        entries: Vec<MapEntry<K>>,
        draw: impl Fn() -> Drawn<K> + 'static,
    ) -> Self {
        Self::new(panel, entries, move || {
            let drawn = Rc::new(draw());
            move |entry| map(entry, Rc::clone(&drawn))
        })
    }

    /// A load on these maps, whose keys are numbers.
    pub fn on(panel: impl Into<String>, x: f64, load: Load, entries: Vec<MapEntry<u64>>) -> Self {
        let draw = move || Drawn::random(load.clone(), Keyspace::numbers(load.entries));
        let case = Self::drawn(panel, entries, draw);
        Self { x, ..case }
    }

    pub fn numbers(panel: impl Into<String>, x: f64, load: Load) -> Self {
        let entries = match load.value_bytes > size_of::<u64>() {
            true => maps::all::<_, Blob>(),
            false => maps::all::<_, u64>(),
        };
        Self::on(panel, x, load, entries)
    }

    pub fn texts(panel: &str, texts: &Texts, load: Load) -> Self {
        let texts = texts.clone();
        let draw = move || Drawn::random(load.clone(), texts.keyspace());
        Self::drawn(panel, maps::all::<_, u64>(), draw)
    }

    /// The operations of a trace, by the threads of a load.
    pub fn trace(panel: String, trace: &Rc<Trace>, load: Load) -> Self {
        let trace = Rc::clone(trace);
        Self::drawn(panel, maps::all::<_, u64>(), move || {
            let workload = |thread, _: &_| trace.workload(thread, load.tasks.len());
            Drawn::new(load.clone(), trace.keyspace(), workload)
        })
    }

    /// The size of a map with this many entries, which is the same every time.
    pub fn size(entries: u32) -> Self {
        let panel = format!("{entries} entries");
        let make = move || move |entry| size(entry, entries);
        Self {
            rounds: Some(1),
            apart: true,
            ..Self::new(panel, maps::all::<_, u64>(), make)
        }
    }

    /// Loads from a cell by a number of readers, perhaps beside a writer.
    pub fn cell(panel: impl Into<String>, readers: usize, writes: bool) -> Self {
        Self::of_cells(panel, move |entry| cell(entry, readers, writes))
    }

    /// Writes to a map while a reader keeps what it read.
    pub fn stuck_map(panel: &str) -> Self {
        Self::new(panel, maps::all::<_, u64>(), || |entry| stuck_map(&entry))
    }

    /// The same of a cell.
    pub fn stuck_cell(panel: &str) -> Self {
        Self::of_cells(panel, stuck_cell)
    }

    fn of_cells(
        panel: impl Into<String>,
        make: impl Fn(&Entry<cells::Build>) -> Option<Subject> + Copy + 'static,
    ) -> Self {
        let mut entries = cells::all();
        entries.retain(|entry| make(entry).is_some());
        let make = move |entry: Entry<_>| make(&entry).expect("it could be made before");
        Self::new(panel, entries, move || make)
    }

    /// Compares the contenders of a duel only.
    pub fn duel(mut self, duel: Duel) -> Self {
        self.contenders
            .retain(|it| duel.names().any(|name| name == it.name));
        self.rounds = Some(Duel::ROUNDS);
        self.duel = Some(duel);
        self
    }
}
