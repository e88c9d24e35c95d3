use core::hint::{black_box, spin_loop};
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
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
    let place = AtomicU64::new(0);
    // A store and then the fence, as in a read: a fence with nothing to wait for is
    // cheaper.
    let store = |_| place.store(black_box(1), Ordering::Relaxed);
    let fenced = |nth| {
        store(nth);
        fence(Ordering::SeqCst);
    };
    let cost = (nanos(1000, fenced) - nanos(1000, store)).max(0.0);
    let barriers = match (barrier(), beside_a_thread(barrier)) {
        (Some(alone), Some(beside)) => {
            format!("a barrier {alone:.0} ns alone and {beside:.0} ns while another thread runs")
        }
        _ => "no barrier on this system".to_owned(),
    };
    format!("a SeqCst fence after a store costs {cost:.1} ns, {barriers}")
}

/// The nanoseconds of one of so many repetitions: the median of some rounds.
fn nanos(repetitions: u32, mut step: impl FnMut(u32)) -> f64 {
    let mut rounds = [0.0; 31];
    for round in &mut rounds {
        let begin = Instant::now();
        for nth in 0..repetitions {
            step(nth);
        }
        *round = begin.elapsed().as_nanos() as f64 / f64::from(repetitions);
    }
    median(&mut rounds).unwrap_or_default()
}

/// The nanoseconds of a barrier over all threads of the process.
#[cfg(target_os = "linux")]
fn barrier() -> Option<f64> {
    use rustix::thread::{MembarrierCommand, membarrier};

    membarrier(MembarrierCommand::RegisterPrivateExpedited).ok()?;
    membarrier(MembarrierCommand::PrivateExpedited).ok()?;
    // It worked once, so it works.
    Some(nanos(30, |_| {
        let _ = membarrier(MembarrierCommand::PrivateExpedited);
    }))
}

#[cfg(not(target_os = "linux"))]
fn barrier() -> Option<f64> {
    None
}

/// Does it while another thread runs.
fn beside_a_thread<R>(measure: impl FnOnce() -> R) -> R {
    let (runs, ends) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            runs.store(true, Ordering::Relaxed);
            while !ends.load(Ordering::Relaxed) {
                spin_loop();
            }
        });
        while !runs.load(Ordering::Relaxed) {
            thread::yield_now();
        }
        let measured = measure();
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
