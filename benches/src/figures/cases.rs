//! The cases of each figure, by the names in `figures.toml`.

use alloc::rc::Rc;
use core::iter;
use core::time::Duration;

use super::figure::{Case, Duel, Mode, Settings, some_threads};
use crate::drive::load::{Load, Pace, Task};
use crate::maps;
use crate::workload::input::Trace;
use crate::workload::keys::Distribution;
use crate::workload::ops::Mix;

/// Entries of the maps whose size is not the question.
const ENTRIES: u32 = 100_000;
/// Keys that each thread inserts and removes.
const OWN: u32 = 1 << 14;

pub type Cases = fn(&Settings) -> Vec<Case>;

/// Every figure, in the order in which they are measured and reported.
pub const ALL: [(&str, Cases); 19] = [
    ("names", names),
    ("trace", trace),
    ("cells", cells),
    ("ycsb", ycsb),
    ("conc-map-bench", conc_map_bench),
    ("tail", tail),
    ("stuck", |_| {
        vec![Case::stuck_map("a map"), Case::stuck_cell("one value")]
    }),
    ("crossover", crossover),
    ("interval", interval),
    ("growth", growth),
    ("flashmap", flashmap),
    ("memory", memory),
    ("threads", threads),
    ("readers", idle),
    ("sizes", sizes),
    ("evmap", evmap),
    ("xsync", xsync),
    ("mix", mix),
    ("fences", fences),
];

fn names(settings: &Settings) -> Vec<Case> {
    let keys = Distribution::Zipf(1.0);
    let case = |panel, others: &[Task]| {
        let tasks = Task::READ.keys(keys).times_and(settings.readers(), others);
        let load = Load::new(settings.texts.count(), tasks);
        Case::texts(panel, &settings.texts, load)
    };
    let write = Task::WRITE.keys(keys).batch(10);
    vec![case("alone", &[]), case("beside a writer", &[write])]
}

/// The user's own operations, by a number of threads.
pub fn replay(trace: &Rc<Trace>, threads: usize, publish: usize) -> Case {
    let panel = format!("{}, publish every {publish}", some_threads(threads));
    Case::trace(
        panel,
        trace,
        Load::of(0, Task::READ.batch(publish), threads),
    )
}

fn trace(settings: &Settings) -> Vec<Case> {
    let threads = &settings.threads_or(&[settings.mixers()]);
    let cases = |publish| {
        let traces = settings.trace.iter();
        traces.flat_map(move |it| threads.iter().map(move |&count| replay(it, count, publish)))
    };
    cases(1).chain(cases(100)).collect()
}

fn cells(settings: &Settings) -> Vec<Case> {
    let mut cases = vec![
        Case::cell("alone", 1, false),
        Case::cell("beside a writer", 1, true),
    ];
    let readers = settings.mixers();
    if settings.mode == Mode::Full && readers > 1 {
        cases.push(Case::cell(format!("{readers} readers"), readers, false));
    }
    cases
}

fn ycsb(settings: &Settings) -> Vec<Case> {
    let case = |panel, share| {
        let task = Task::put(share).keys(Distribution::Zipf(0.99));
        Case::numbers(panel, 0.0, Load::of(ENTRIES, task, settings.mixers()))
    };
    vec![case("B", 0.05), case("C", 0.0)]
}

fn conc_map_bench(settings: &Settings) -> Vec<Case> {
    let load = |entries, mix| Load::of(entries, Task::mix(mix), settings.mixers());
    let case = |panel, mix| Case::numbers(panel, 0.0, load(ENTRIES, mix).own(OWN));
    let mut cases = vec![
        case("ReadHeavy", Mix::of(0.0, 0.01, 0.01)),
        case("Exchange", Mix::of(0.1, 0.4, 0.4)),
    ];
    if settings.mode > Mode::Quick {
        let load = load(1000, Mix::of(0.1, 0.8, 0.05)).own(1 << 22).growing();
        cases.push(Case::numbers("RapidGrow", 0.0, load));
    }
    cases
}

fn tail(settings: &Settings) -> Vec<Case> {
    let read = Task::READ
        .keys(Distribution::Zipf(0.99))
        .pace(Pace::Open(Duration::from_micros(2)));
    let beside = |write| read.times_and(settings.readers(), &[write]);
    let publishing = |panel, pace| {
        let load = Load::new(ENTRIES, beside(Task::WRITE.batch(100).pace(pace)));
        Case::numbers(panel, 0.0, load)
    };
    let paced = Pace::Paced(Duration::from_millis(1));
    let mut cases = vec![publishing("while the writer publishes", paced)];
    if settings.mode > Mode::Quick {
        let load = Load::new(1000, beside(Task::GROW.batch(10)));
        let load = load.own(1 << 23).growing();
        cases.push(Case::numbers("while the map resizes", 0.0, load));
    }
    if settings.mode == Mode::Full {
        cases.push(publishing("while the writer never rests", Pace::Closed));
    }
    cases
}

fn crossover(settings: &Settings) -> Vec<Case> {
    const SHARES: [f64; 10] = [0.0, 0.01, 0.04, 0.1, 0.4, 1.0, 2.0, 5.0, 10.0, 20.0];
    let (shares, batches): (&[f64], &[usize]) = match settings.mode {
        Mode::Full => (&SHARES, &[1, 10, 100, 1000]),
        _ => (&[0.0, 0.1, 1.0, 5.0, 20.0], &[1, 100]),
    };
    let cases = |&batch: &usize| {
        let panel = match batch {
            1 => "publish every write".to_owned(),
            _ => format!("publish every {batch} writes"),
        };
        shares.iter().map(move |&percent| {
            let task = Task::put(percent / 100.0).batch(batch);
            Case::numbers(&*panel, percent, Load::of(ENTRIES, task, settings.mixers()))
        })
    };
    batches.iter().flat_map(cases).collect()
}

fn interval(settings: &Settings) -> Vec<Case> {
    let case = |&batch: &usize| {
        let tasks = Task::READ.times_and(settings.readers(), &[Task::WRITE.batch(batch)]);
        Case::numbers("", batch as f64, Load::new(ENTRIES, tasks))
    };
    let batches: &[usize] = match settings.mode {
        Mode::Full => &[1, 3, 10, 30, 100, 300, 1000, 10_000],
        _ => &[1, 10, 100, 1000],
    };
    batches.iter().map(case).collect()
}

fn growth(settings: &Settings) -> Vec<Case> {
    let most = settings.growth();
    let load = Load::of(1, Task::GROW.pace(Pace::Timed(most.into())), 1);
    vec![Case::numbers(
        "publish every 1",
        0.0,
        load.own(most).growing(),
    )]
}

fn flashmap(settings: &Settings) -> Vec<Case> {
    let case = |panel, reads: f64| {
        let task = Task::put(1.0 / (reads + 1.0));
        Case::numbers(panel, 0.0, Load::of(ENTRIES, task, settings.mixers()))
    };
    vec![case("2500:1", 2500.0), case("50:1", 50.0)]
}

fn memory(settings: &Settings) -> Vec<Case> {
    let entries: &[u32] = match settings.mode {
        Mode::Full => &[1000, 100_000, 1_000_000],
        _ => &[100_000],
    };
    entries.iter().map(|&entries| Case::size(entries)).collect()
}

fn threads(settings: &Settings) -> Vec<Case> {
    let panels = [
        ("readers alone", &[][..]),
        ("beside a writer", &[Task::WRITE]),
    ];
    let cases = |(panel, writers)| {
        settings.thread_counts.iter().map(move |&readers| {
            let load = Load::new(ENTRIES, Task::READ.times_and(readers, writers));
            Case::numbers(panel, readers as f64, load)
        })
    };
    panels.into_iter().flat_map(cases).collect()
}

fn idle(_: &Settings) -> Vec<Case> {
    let case = |idle: usize| {
        let load = Load::of(1000, Task::WRITE, 1);
        Case::numbers("", idle as f64, Load { idle, ..load })
    };
    [1, 10, 100, 1000, 10_000].map(case).into()
}

fn sizes(settings: &Settings) -> Vec<Case> {
    let case = |entries: u32| Case {
        apart: entries > 1_000_000,
        ..Case::numbers(
            "",
            entries.into(),
            Load::of(entries, Task::READ, settings.mixers()),
        )
    };
    (2..=7).map(|zeros| case(10_u32.pow(zeros))).collect()
}

fn evmap(settings: &Settings) -> Vec<Case> {
    let most = settings.mixers().max(2) * 2;
    let readers = || iter::successors(Some(1), |n| Some(n * 2)).take_while(|&n| n <= most);
    let mut cases = Vec::new();
    let uniform = ("uniform", Distribution::Uniform);
    for (name, keys) in [uniform, ("zipf 1.03", Distribution::Zipf(1.03))] {
        for (panel, writers) in [("1 writer", 1), ("2 writers", 2)] {
            let writers = vec![Task::WRITE.keys(keys); writers];
            cases.extend(readers().map(|readers| {
                let tasks = Task::READ.keys(keys).times_and(readers, &writers);
                let panel = format!("{name}, {panel}");
                Case::numbers(panel, readers as f64, Load::new(ENTRIES, tasks))
            }));
        }
    }
    cases
}

fn xsync(settings: &Settings) -> Vec<Case> {
    let case = |reads: u32, entries: u32| {
        let share = (1.0 - f64::from(reads) / 100.0) / 2.0;
        let task = Task::mix(Mix::of(0.0, share, share));
        let load = Load::of(entries, task, settings.mixers());
        let load = load.own((entries / 4).clamp(16, OWN));
        Case::numbers(format!("{reads} % reads"), entries.into(), load)
    };
    let sizes = |reads| [100, 1000, 100_000, 1_000_000].map(|entries| case(reads, entries));
    [100, 99, 90, 75].into_iter().flat_map(sizes).collect()
}

/// A case for each number of threads and each share of writes in percent.
fn duels(threads: &[usize], shares: &[f64], duel: impl Fn(usize, f64) -> Duel) -> Vec<Case> {
    let case = |threads: usize, percent: f64| {
        let load = Load::of(ENTRIES, Task::put(percent / 100.0), threads);
        let all = maps::all::<_, u64>()
            .into_iter()
            .chain(maps::fences())
            .collect();
        Case::on(some_threads(threads), percent, load, all).duel(duel(threads, percent))
    };
    let cases = |&threads: &usize| shares.iter().map(move |&percent| case(threads, percent));
    threads.iter().flat_map(cases).collect()
}

/// The map of most users against the naive composition of its parts, and others.
fn mix(settings: &Settings) -> Vec<Case> {
    let shares = [0.04, 0.2, 1.0, 2.0, 5.0, 10.0, 50.0, 90.0];
    duels(&settings.threads_or(&[2, 8]), &shares, |_, percent| {
        let dashmap = match percent {
            ..=5.0 => 1.0,
            ..=10.0 => 0.7,
            _ => 0.25,
        };
        Duel {
            ours: "concurrent",
            others: vec![
                ("mutex-writer", Some(0.9)),
                ("evmap", Some(1.0)),
                ("dashmap", Some(dashmap)),
                ("papaya", (percent <= 5.0).then_some(1.0)),
            ],
        }
    })
}

/// What does it cost that the epochs' fence is not known in advance?
fn fences(settings: &Settings) -> Vec<Case> {
    let shares = [0.01, 0.04, 0.2, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0];
    duels(&settings.threads_or(&[1, 2, 8]), &shares, |threads, _| {
        let bar = Some(if threads <= 2 { 0.85 } else { 0.8 });
        Duel {
            ours: "adaptive",
            others: vec![("symmetric", bar), ("asymmetric", bar)],
        }
    })
}
