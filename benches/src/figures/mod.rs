//! What is measured: the figures and the loads in them.

mod advice;
mod headline;
mod own;
mod pairs;
mod published;
mod scaling;

use alloc::rc::Rc;
use alloc::sync::Arc;

pub(crate) use advice::{Asked, advice};

use crate::cells;
use crate::drive::{
    CellLoad, CellSubject, Load, MapSubject, Publish, Role, SizeSubject, Subject, Way,
};
use crate::keys::Texts;
use crate::maps::{self, Blob, Key, Value};
use crate::metric::Metric;
use crate::script::{Mix, Script};
use crate::space::{Keys, Space};
use crate::state::Own;
use crate::trace::Trace;

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
    /// How many threads read, for the ladder of threads; not empty.
    pub(crate) threads: Vec<usize>,
    /// True if `--threads` asked for these numbers.
    pub(crate) threads_asked: bool,
    pub(crate) texts: Texts,
    pub(crate) trace: Option<Rc<Trace>>,
}

impl Settings {
    /// Threads in a mix: as many as the ladder goes up to.
    fn mixers(&self) -> usize {
        self.threads.iter().copied().max().unwrap_or(1)
    }

    /// The numbers of threads that were asked for, or these.
    fn threads_or(&self, default: &[usize]) -> Vec<usize> {
        match self.threads_asked {
            true => self.threads.clone(),
            false => default.to_vec(),
        }
    }

    /// Readers beside one writer.
    fn readers(&self) -> usize {
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
    /// The numbers that are drawn and judged; all are written down.
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
    /// A line for each contender over this.
    Ladder(&'static str),
}

/// One load, for all contenders.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) panel: String,
    pub(crate) x: f64,
    pub(crate) load: CaseLoad,
    /// Whether one contender is measured after the other, since not all fit into
    /// memory at a time.
    pub(crate) apart: bool,
    /// The contenders that take part, and what they are compared with; without it, all
    /// take part.
    pub(crate) duel: Option<Duel>,
}

/// One of ours against others, compared round by round: a machine that changes its
/// pace then changes both.
#[derive(Clone, Debug)]
pub(crate) struct Duel {
    pub(crate) ours: &'static str,
    /// With the ratio that ours has to reach, if it has to.
    pub(crate) others: Vec<(&'static str, Option<f64>)>,
}

impl Duel {
    /// How often such a case is measured, in every mode.
    pub(crate) const ROUNDS: u32 = 9;

    fn has(&self, name: &str) -> bool {
        self.ours == name || self.others.iter().any(|(other, _)| *other == name)
    }
}

/// Makes the load when its turn comes.
pub(crate) enum CaseLoad {
    Numbers(Box<dyn Fn() -> Load<u64>>),
    Texts(Box<dyn Fn() -> Load<Box<str>>>),
    Cells(CellLoad),
    /// So many entries, weighed; the same every time, so once is enough.
    Size(u32),
}

impl core::fmt::Debug for CaseLoad {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Numbers(_) => "Numbers",
            Self::Texts(_) => "Texts",
            Self::Cells(_) => "Cells",
            Self::Size(_) => "Size",
        })
    }
}

/// What one gets without choosing: the map of `ConcurrentHashMap::new`, and a `Writer`
/// and `Reader`s, or a cell, with the default strategy.
pub(crate) const DEFAULTS: [&str; 2] = ["concurrent", "epoch"];

/// A contender that takes part in a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) is_ours: bool,
}

/// The contenders that hold maps.
pub(crate) fn maps() -> Vec<Name> {
    maps::all::<_, Value>().iter().map(name_of_map).collect()
}

fn name_of_map(entry: &maps::Entry<u64>) -> Name {
    Name {
        name: entry.name,
        about: entry.about,
        is_ours: entry.is_ours,
    }
}

/// The contenders that hold one value.
pub(crate) fn cells() -> Vec<Name> {
    let name = |entry: &cells::Entry| Name {
        name: entry.name,
        about: entry.about,
        is_ours: entry.is_ours,
    };
    cells::ALL.iter().map(name).collect()
}

/// Makes contenders under the load of a case.
pub(crate) type Maker<'a> = Box<dyn Fn(&str) -> Option<Box<dyn Subject>> + 'a>;

impl Case {
    pub(crate) fn contenders(&self) -> Vec<Name> {
        match self.load {
            CaseLoad::Cells(load) => {
                let can = |entry: &&cells::Entry| CellSubject::new(entry, load).is_some();
                let names: Vec<_> = cells::ALL.iter().filter(can).map(|e| e.name).collect();
                let mut all = cells();
                all.retain(|name| names.contains(&name.name));
                all
            }
            _ => match &self.duel {
                Some(duel) => {
                    let all = maps::all::<_, Value>().into_iter().chain(maps::fences());
                    let names = all.map(|entry| name_of_map(&entry));
                    names.filter(|name| duel.has(name.name)).collect()
                }
                None => maps(),
            },
        }
    }

    /// How often it is measured, where others are `rounds` times.
    pub(crate) fn rounds(&self, rounds: u32) -> u32 {
        match self.load {
            CaseLoad::Size(_) => 1,
            _ if self.duel.is_some() => Duel::ROUNDS,
            _ => rounds,
        }
    }

    pub(crate) fn maker(&self) -> Maker<'_> {
        fn of_map<K: Key>(load: Load<K>, all: fn() -> Vec<maps::Entry<K>>) -> Maker<'static> {
            let load = Rc::new(load);
            Box::new(move |name| {
                let mut all = all().into_iter().chain(maps::fences());
                let entry = all.find(|entry| entry.name == name)?;
                Some(Box::new(MapSubject::new(entry, Rc::clone(&load))))
            })
        }
        match &self.load {
            CaseLoad::Numbers(load) => match load() {
                load if load.value_bytes > Value::BYTES => of_map(load, maps::all::<_, Blob>),
                load => of_map(load, maps::all::<_, Value>),
            },
            CaseLoad::Texts(load) => of_map(load(), maps::all::<_, Value>),
            &CaseLoad::Cells(load) => Box::new(move |name| {
                let entry = cells::ALL.iter().find(|entry| entry.name == name)?;
                Some(Box::new(CellSubject::new(entry, load)?))
            }),
            &CaseLoad::Size(entries) => Box::new(move |name| {
                let entry = maps::all::<_, Value>()
                    .into_iter()
                    .find(|entry| entry.name == name)?;
                Some(Box::new(SizeSubject { entry, entries }))
            }),
        }
    }
}

/// A case whose keys are numbers.
fn numbers(panel: &str, x: f64, load: impl Fn() -> Load<u64> + 'static) -> Case {
    Case {
        panel: panel.to_owned(),
        x,
        load: CaseLoad::Numbers(Box::new(load)),
        apart: false,
        duel: None,
    }
}

/// Entries of the maps whose size is not the question.
const ENTRIES: u32 = 100_000;
/// The same in words.
const MANY: &str = "100,000";

/// A number of threads, in words.
fn some_threads(count: usize) -> String {
    match count {
        1 => "1 thread".to_owned(),
        _ => format!("{count} threads"),
    }
}

/// What so many threads do, in words.
fn threads_that(count: usize, verb: &str) -> String {
    match count {
        1 => format!("one thread {verb}s"),
        _ => format!("{count} threads {verb}"),
    }
}

/// What a thread does, in short.
#[derive(Clone, Copy, Debug)]
struct Plain {
    mix: Mix,
    keys: Keys,
    publish: Publish,
    way: Way,
}

impl Plain {
    const READ: Self = Self {
        mix: Mix::READ,
        keys: Keys::Uniform,
        publish: Publish::Each(1),
        way: Way::Closed,
    };

    const fn mix(mix: Mix) -> Self {
        Self { mix, ..Self::READ }
    }

    const fn keys(self, keys: Keys) -> Self {
        Self { keys, ..self }
    }

    const fn publish(self, publish: Publish) -> Self {
        Self { publish, ..self }
    }

    const fn way(self, way: Way) -> Self {
        Self { way, ..self }
    }
}

/// A load of threads that each do this, on a map of `entries`; each has a ring of
/// `own` keys for what it inserts and removes, half of it filled.
fn load<K: Key>(space: Space<K>, own: u32, threads: &[Plain]) -> Load<K> {
    let role = |(nth, plain): (usize, &Plain)| {
        let nth = u32::try_from(nth).unwrap_or(u32::MAX);
        let first = space.len + nth * own;
        Role {
            script: Arc::new(Script::draw(
                plain.mix,
                plain.keys,
                &space,
                1 + u64::from(nth),
            )),
            own: Own::new(first, own, own / 2),
            publish: plain.publish,
            way: plain.way,
        }
    };
    let roles = threads.iter().enumerate().map(role).collect();
    Load {
        roles,
        space,
        value_bytes: Value::BYTES,
        idle: 0,
        grows: false,
    }
}

/// Every figure, in the order in which they are measured and told.
pub(crate) fn all(settings: &Settings) -> Vec<Figure> {
    let mut all = vec![own::names(settings)];
    all.extend(own::trace(settings));
    all.extend([
        own::cells(settings),
        published::ycsb(settings),
        published::conc_map_bench(settings),
        headline::tail(settings),
        headline::crossover(settings),
        headline::interval(settings),
        published::growth(settings),
        published::flashmap(settings),
        scaling::memory(settings),
        scaling::threads(settings),
        scaling::idle(settings),
        scaling::sizes(settings),
        published::evmap(settings),
        published::xsync(settings),
        pairs::mix(settings),
        pairs::fences(settings),
    ]);
    all
}
