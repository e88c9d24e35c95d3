//! A figure, its cases, and who takes part in them.

use alloc::rc::Rc;
use core::fmt;

use crate::cells;
use crate::contender::Contender;
use crate::drive::cells::{CellLoad, CellSubject};
use crate::drive::maps::{Load, MapSubject};
use crate::drive::size::SizeSubject;
use crate::drive::stuck::{StuckCell, StuckMap};
use crate::drive::window::Subject;
use crate::maps;
use crate::metric::Metric;
use crate::workload::input::{Texts, Trace};
use crate::workload::values::{Blob, Key, Value};

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

/// A question, and the loads that answer it.
#[derive(Debug)]
pub(crate) struct Figure {
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    /// What the numbers are, and where the load comes from.
    pub(crate) definition: String,
    pub(crate) chart: Chart,
    /// The numbers that are drawn and judged. All are written to the CSV file.
    pub(crate) metrics: &'static [Metric],
    pub(crate) cases: Vec<Case>,
    /// The least mode that has it.
    pub(crate) since: Mode,
    /// How many times as long as others its measurements take.
    pub(crate) weight: u32,
}

/// How a figure is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Chart {
    /// A bar for each contender.
    Bars,
    /// A line for each contender over this axis.
    Lines(&'static str),
}

impl Figure {
    pub(crate) const DEFAULT: Self = Self {
        id: "",
        title: "",
        definition: String::new(),
        chart: Chart::Bars,
        metrics: &[Metric::Ops],
        cases: Vec::new(),
        since: Mode::Quick,
        weight: 1,
    };

    /// The name of the axis, or nothing.
    pub(crate) fn axis(&self) -> &'static str {
        match self.chart {
            Chart::Bars => "",
            Chart::Lines(axis) => axis,
        }
    }
}

/// Makes a contender by its name, under the load of a case.
pub(crate) type Maker = Box<dyn Fn(&str) -> Option<Box<dyn Subject>>>;

/// One load, for all contenders that can have it.
pub(crate) struct Case {
    pub(crate) panel: String,
    pub(crate) x: f64,
    pub(crate) contenders: Vec<Contender>,
    /// Draws the load, which is done when its turn comes.
    pub(crate) draw: Box<dyn Fn() -> Maker>,
    /// Whether one contender is measured after the other, since not all fit into memory.
    pub(crate) apart: bool,
    /// How often it is measured, if not as often as the others.
    pub(crate) rounds: Option<u32>,
    /// How the contenders are compared, if not each of ours with the best of the others.
    pub(crate) duel: Option<Duel>,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Case({}, {})", self.panel, self.x)
    }
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
        [self.ours]
            .into_iter()
            .chain(self.others.iter().map(|other| other.0))
    }
}

/// The contenders that hold maps.
pub(crate) fn maps() -> Vec<Contender> {
    maps::all::<u64, Value>()
        .iter()
        .map(|entry| entry.contender)
        .collect()
}

/// The contenders that hold one value.
pub(crate) fn cells() -> Vec<Contender> {
    cells::list::ALL
        .iter()
        .map(|entry| entry.contender)
        .collect()
}

impl Case {
    fn new(panel: &str, contenders: Vec<Contender>, draw: impl Fn() -> Maker + 'static) -> Self {
        Self {
            panel: panel.to_owned(),
            x: 0.0,
            contenders,
            draw: Box::new(draw),
            apart: false,
            rounds: None,
            duel: None,
        }
    }

    /// All maps, whose keys are text.
    pub(super) fn texts(panel: &str, load: impl Fn() -> Load<Box<str>> + 'static) -> Self {
        Self::new(panel, maps(), move || of_map(load(), maps::all::<_, Value>))
    }

    /// All maps, whose keys are numbers.
    pub(super) fn numbers(panel: &str, x: f64, load: impl Fn() -> Load<u64> + 'static) -> Self {
        let draw = move || match load() {
            load if load.value_bytes > Value::BYTES => of_map(load, maps::all::<_, Blob>),
            load => of_map(load, maps::all::<_, Value>),
        };
        let contenders = maps();
        Self {
            x,
            ..Self::new(panel, contenders, draw)
        }
    }

    /// The same for these contenders only.
    pub(super) fn between(self, duel: Duel) -> Self {
        let all = maps::all::<u64, Value>().into_iter().chain(maps::fences());
        let all = all.map(|entry| entry.contender);
        Self {
            contenders: all
                .filter(|it| duel.names().any(|name| name == it.name))
                .collect(),
            rounds: Some(Duel::ROUNDS),
            duel: Some(duel),
            ..self
        }
    }

    pub(super) fn cells(panel: &str, readers: usize, writer: bool) -> Self {
        let load = CellLoad { readers, writer };
        Self::of_cell(panel, move |entry| {
            Some(Box::new(CellSubject::new(entry, load)?))
        })
    }

    /// A map with this many entries is weighed. The result is the same every time.
    pub(super) fn size(entries: u32) -> Self {
        let draw = move || -> Maker {
            Box::new(move |name| {
                let entry = map(maps::all::<_, Value>(), name)?;
                Some(Box::new(SizeSubject { entry, entries }))
            })
        };
        let case = Self::new(&format!("{entries} entries"), maps(), draw);
        Self {
            apart: true,
            rounds: Some(1),
            ..case
        }
    }

    /// A reader of a map keeps what it read.
    pub(super) fn stuck_maps(panel: &str) -> Self {
        Self::new(panel, maps(), || {
            Box::new(|name| {
                let entry = map(maps::all::<_, Value>(), name)?;
                Some(Box::new(StuckMap::new(&entry)))
            })
        })
    }

    /// A reader of a cell keeps what it read.
    pub(super) fn stuck_cells(panel: &str) -> Self {
        Self::of_cell(panel, |entry| Some(Box::new(StuckCell::new(entry)?)))
    }

    fn of_cell(
        panel: &str,
        make: impl Fn(&cells::list::Entry) -> Option<Box<dyn Subject>> + Copy + 'static,
    ) -> Self {
        let can = |entry: &&cells::list::Entry| make(entry).is_some();
        let contenders = cells::list::ALL
            .iter()
            .filter(can)
            .map(|it| it.contender)
            .collect();
        Self::new(panel, contenders, move || {
            Box::new(move |name| {
                let mut all = cells::list::ALL.iter();
                make(all.find(|entry| entry.contender.name == name)?)
            })
        })
    }
}

fn map<K: Key>(all: Vec<maps::Entry<K>>, name: &str) -> Option<maps::Entry<K>> {
    let mut all = all.into_iter().chain(maps::fences());
    all.find(|entry| entry.contender.name == name)
}

fn of_map<K: Key>(load: Load<K>, all: fn() -> Vec<maps::Entry<K>>) -> Maker {
    let load = Rc::new(load);
    Box::new(move |name| {
        Some(Box::new(MapSubject::new(
            map(all(), name)?,
            Rc::clone(&load),
        )))
    })
}
