use core::hint::black_box;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use core::time::Duration;
use std::env::consts;
use std::fs;
use std::process::Command;
use std::thread;
use std::time::Instant;

use crate::median;

/// Where the numbers come from. Numbers of two machines do not compare.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    /// How many threads run at a time.
    pub(crate) cores: usize,
    cpu: String,
    system: String,
    load: String,
    commit: String,
    fences: String,
}

impl Machine {
    /// Looks. What cannot be learned is "unknown".
    pub(crate) fn look() -> Self {
        let unknown = || "unknown".to_owned();
        let first_word = |path| {
            let text = fs::read_to_string(path).ok()?;
            text.split_whitespace().next().map(str::to_owned)
        };
        let kernel = first_word("/proc/sys/kernel/osrelease").unwrap_or_default();
        let system = format!("{} {kernel} {}", consts::OS, consts::ARCH);
        Self {
            cores: Self::cores(),
            cpu: cpu().unwrap_or_else(unknown),
            system,
            load: first_word("/proc/loadavg").unwrap_or_else(unknown),
            commit: commit().unwrap_or_else(unknown),
            fences: fences(),
        }
    }

    /// How many threads run at a time; 1 if that cannot be learned.
    pub(crate) fn cores() -> usize {
        thread::available_parallelism().map_or(1, usize::from)
    }
}

impl Machine {
    /// What the numbers depend on, by name.
    pub(crate) fn facts(&self) -> [(&'static str, String); 5] {
        let Self {
            cores,
            cpu,
            system,
            load,
            commit,
            fences,
        } = self;
        [
            ("machine", format!("{cpu}, {cores} cores, {system}")),
            ("load", format!("{load} (1 min average at the start)")),
            ("rustc", env!("DBUF_BENCH_RUSTC").to_owned()),
            ("commit", commit.clone()),
            ("fences", fences.clone()),
        ]
    }
}

/// What the two fences of `EpochStrategy` cost here: a reader's with each read, or a
/// writer's with each publish.
fn fences() -> String {
    let barriers = match (barrier(None), beside_a_thread(barrier)) {
        (Some(alone), Some(beside)) => {
            format!("a barrier {alone:.0} ns alone and {beside:.0} ns while another thread runs")
        }
        (Some(alone), None) => format!("a barrier {alone:.0} ns alone"),
        _ => "no barrier on this system".to_owned(),
    };
    let fence = fence_cost();
    format!("a SeqCst fence after a store costs {fence:.1} ns, {barriers}")
}

/// The nanoseconds that a fence adds to a store, as in a read: one with nothing to wait
/// for is cheaper.
fn fence_cost() -> f64 {
    const STORES: u32 = 1000;
    let place = AtomicU64::new(0);
    let store = |nth: u32| place.store(u64::from(nth), Ordering::Relaxed);
    let time = |step: &dyn Fn(u32)| {
        let begin = Instant::now();
        step(STORES);
        begin.elapsed().as_nanos() as f64 / f64::from(STORES)
    };
    // In turns: a machine changes its pace.
    let mut costs = [0.0; 101];
    for cost in &mut costs {
        let alone = time(&|stores| (0..stores).for_each(|nth| store(black_box(nth))));
        let fenced = time(&|stores| {
            for nth in 0..stores {
                store(black_box(nth));
                fence(Ordering::SeqCst);
            }
        });
        *cost = fenced - alone;
    }
    median(&mut costs).unwrap_or_default().max(0.0)
}

/// The nanoseconds of a barrier over all threads of the process. With the counter of
/// another thread only barriers count during which that thread ran: one that waits for a
/// core costs nothing.
#[cfg(target_os = "linux")]
fn barrier(other: Option<&AtomicU64>) -> Option<f64> {
    use rustix::thread::{MembarrierCommand, membarrier};

    let count = || other.map_or(0, |other| other.load(Ordering::Relaxed));
    membarrier(MembarrierCommand::RegisterPrivateExpedited).ok()?;
    let mut costs = Vec::new();
    // On a busy machine two threads seldom run at the same time.
    let started = Instant::now();
    while costs.len() < 101 && started.elapsed() < Duration::from_millis(200) {
        let (before, begin) = (count(), Instant::now());
        membarrier(MembarrierCommand::PrivateExpedited).ok()?;
        let time = begin.elapsed();
        // One that takes a millisecond waited for this thread's own core.
        let is_counted = time < Duration::from_millis(1);
        if is_counted && (other.is_none() || count() != before) {
            costs.push(time.as_nanos() as f64);
        }
    }
    median(&mut costs)
}

#[cfg(not(target_os = "linux"))]
fn barrier(_: Option<&AtomicU64>) -> Option<f64> {
    None
}

/// Does it while another thread counts.
fn beside_a_thread<R>(measure: impl FnOnce(Option<&AtomicU64>) -> R) -> R {
    let (counter, ends) = (AtomicU64::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            while !ends.load(Ordering::Relaxed) {
                counter.fetch_add(1, Ordering::Relaxed);
            }
        });
        while counter.load(Ordering::Relaxed) == 0 {
            thread::yield_now();
        }
        let measured = measure(Some(&counter));
        // Relaxed, as all here: nothing else is told by them.
        ends.store(true, Ordering::Relaxed);
        measured
    })
}

fn cpu() -> Option<String> {
    let info = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = info.lines().find(|line| line.starts_with("model name"))?;
    let (_, model) = line.split_once(':')?;
    Some(model.trim().to_owned())
}

/// The commit of the sources, wherever the program runs, and whether they were
/// changed since.
fn commit() -> Option<String> {
    let hash = git(&["rev-parse", "--short", "HEAD"])?;
    let changed = git(&["status", "--porcelain", "--untracked-files=no"])?;
    let mark = if changed.is_empty() {
        ""
    } else {
        ", with changes"
    };
    Some(format!("{hash}{mark}"))
}

fn git(args: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .args(["-C", env!("CARGO_MANIFEST_DIR")])
        .args(args)
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}
