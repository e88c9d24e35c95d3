//! The machine, what fences cost on it, and whether other programs used it.

use core::hint::black_box;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::env::consts;
use std::fs;
use std::process::Command;
use std::thread;
use std::time::Instant;

use crate::metric::{clock_cost, median};

/// What the numbers depend on, by name. What the system does not say is "unknown".
pub fn facts() -> Vec<(&'static str, String)> {
    let or_unknown = |fact: Option<String>| fact.unwrap_or_else(|| "unknown".to_owned());
    let first_word = |path| {
        let text = fs::read_to_string(path).ok()?;
        text.split_whitespace().next().map(str::to_owned)
    };
    let kernel = first_word("/proc/sys/kernel/osrelease").unwrap_or_default();
    let (cpu, cores, os, arch) = (or_unknown(cpu()), cores(), consts::OS, consts::ARCH);
    let machine = format!("{cpu}, {cores} cores, {os} {kernel} {arch}");
    let load = or_unknown(first_word("/proc/loadavg"));
    let load = format!("{load} (1 min average at the start)");
    let clock = clock_cost();
    let clock = format!("{clock:.1} ns for one reading; what is timed singly has one or two in it");
    let hasher = "foldhash::fast with the same seed, for all contenders".to_owned();
    vec![
        ("machine", machine),
        ("load", load),
        ("rustc", env!("DBUF_BENCH_RUSTC").to_owned()),
        ("commit", or_unknown(commit())),
        ("fences", fences()),
        ("clock", clock),
        ("hasher", hasher),
    ]
}

/// How many threads run at a time; 1 if that cannot be learned.
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// The costs of `EpochStrategy`'s two fences: one by a reader for each read, or one by the writer
/// for each publish.
fn fences() -> String {
    let shown = |cost: Option<f64>| cost.map_or("unknown".to_owned(), |it| format!("{it:.0} ns"));
    format!(
        "a SeqCst fence after a store costs {:.1} ns, a barrier {} alone and {} while another thread runs",
        fence_cost(),
        shown(barrier(false)),
        shown(barrier(true)),
    )
}

/// The nanoseconds that a fence adds to a store, as in a read. A fence with nothing to wait for
/// is cheaper.
fn fence_cost() -> f64 {
    const STORES: u32 = 1000;
    let word = AtomicU64::new(0);
    let cost = |fences: bool| {
        let begin = Instant::now();
        for nth in 0..STORES {
            word.store(black_box(nth).into(), Ordering::Relaxed);
            if fences {
                fence(Ordering::SeqCst);
            }
        }
        begin.elapsed().as_nanos() as f64 / f64::from(STORES)
    };
    // Alternating, since a machine changes its pace.
    let mut costs = [0.0; 101];
    for added in &mut costs {
        let alone = cost(false);
        *added = cost(true) - alone;
    }
    median(&mut costs).unwrap_or_default().max(0.0)
}

/// The nanoseconds of a barrier over all threads of the process. Beside another thread, which
/// counts, only barriers count during which that thread ran: one that waits for a core costs
/// nothing.
#[cfg(target_os = "linux")]
fn barrier(beside: bool) -> Option<f64> {
    use core::time::Duration;

    use rustix::thread::{MembarrierCommand, membarrier};

    membarrier(MembarrierCommand::RegisterPrivateExpedited).ok()?;
    let (counter, ends) = (AtomicU64::new(0), AtomicBool::new(!beside));
    thread::scope(|scope| {
        // Relaxed, as everywhere here: no other memory depends on them.
        scope.spawn(|| {
            while !ends.load(Ordering::Relaxed) {
                counter.fetch_add(1, Ordering::Relaxed);
            }
        });
        let mut costs = Vec::new();
        // On a busy machine two threads seldom run at the same time.
        let until = Instant::now() + Duration::from_millis(200);
        while costs.len() < 101 && Instant::now() < until {
            let (before, begin) = (counter.load(Ordering::Relaxed), Instant::now());
            let done = membarrier(MembarrierCommand::PrivateExpedited);
            let time = begin.elapsed();
            let has_run = counter.load(Ordering::Relaxed) != before;
            // One that takes a millisecond waited for this thread's own core.
            if done.is_ok() && time < Duration::from_millis(1) && has_run == beside {
                costs.push(time.as_nanos() as f64);
            }
        }
        ends.store(true, Ordering::Relaxed);
        median(&mut costs)
    })
}

#[cfg(not(target_os = "linux"))]
fn barrier(_: bool) -> Option<f64> {
    None
}

fn cpu() -> Option<String> {
    let info = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = info.lines().find(|line| line.starts_with("model name"))?;
    let (_, model) = line.split_once(':')?;
    Some(model.trim().to_owned())
}

/// The commit of the sources, from any folder, and whether they were changed since.
fn commit() -> Option<String> {
    let git = |args: &[&str]| {
        let mut command = Command::new("git");
        command.args(["-C", env!("CARGO_MANIFEST_DIR")]).args(args);
        let output = command.output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim().to_owned())
    };
    let hash = git(&["rev-parse", "--short", "HEAD"])?;
    match &*git(&["status", "--porcelain", "--untracked-files=no"])? {
        "" => Some(hash),
        _ => Some(hash + ", with changes"),
    }
}

/// What the run saw of other programs.
#[derive(Debug)]
pub struct Noise {
    probes: Vec<f64>,
    begin: Option<[f64; 3]>,
}

/// What is said about a run's noise.
#[derive(Clone, Debug)]
pub struct Verdict {
    pub text: String,
    pub is_noisy: bool,
}

/// Processor time since the system started, in its ticks: used by any program on any core or
/// stolen by the host, used by this program, and all.
fn cpu_time() -> Option<[f64; 3]> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    let fields = stat.lines().next()?.split_whitespace().skip(1);
    // The time of guests is in the first field already.
    let fields = fields.take(8).map_while(|field| field.parse().ok());
    let fields: Vec<f64> = fields.collect();
    let all: f64 = fields.iter().sum();
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // After the name, which may have spaces.
    let (_, rest) = stat.rsplit_once(')')?;
    let number = |nth| rest.split_whitespace().nth(nth)?.parse::<f64>().ok();
    let busy = all - fields.get(3)? - fields.get(4)?;
    Some([busy, number(11)? + number(12)?, all])
}

impl Noise {
    pub fn new() -> Self {
        Self {
            probes: Vec::new(),
            begin: cpu_time(),
        }
    }

    /// Times some arithmetic, which always takes as long on a quiet machine.
    pub fn probe(&mut self) {
        let begin = Instant::now();
        let mut number = 1_u64;
        for _ in 0..50_000 {
            number = black_box(number.wrapping_mul(6_364_136_223_846_793_005) + 1);
        }
        black_box(number);
        self.probes.push(begin.elapsed().as_nanos() as f64);
    }

    /// The share of the machine that other programs had, if the system says.
    fn others(&self) -> Option<f64> {
        let (begin, now) = (self.begin?, cpu_time()?);
        let [busy, own, all] = [0, 1, 2].map(|nth| now[nth] - begin[nth]);
        Some(((busy - own) / all.max(1.0)).clamp(0.0, 1.0))
    }

    pub fn verdict(&self) -> Verdict {
        let mut probes = self.probes.clone();
        let median = median(&mut probes);
        // `median` sorted them.
        let late = probes.get(probes.len() * 9 / 10);
        let swing = median.zip(late).map_or(1.0, |(median, late)| late / median);
        let others = self.others().unwrap_or(0.0);
        let is_noisy = swing > 1.1 || others > 0.05;
        let (percent, cores) = (others * 100.0, cores());
        let seen = format!(
            "other programs used {percent:.0} % of {cores} cores; a fixed loop took {swing:.2} times its median in \
             the slowest tenth"
        );
        let text = if is_noisy {
            format!("the machine was noisy ({seen}): compare ratios only, and run it again")
        } else {
            format!("quiet machine: {seen}")
        };
        Verdict { text, is_noisy }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_that_changes_its_pace_is_noisy() {
        let with = |late| Noise {
            probes: [vec![100.0; 80], vec![late; 20]].concat(),
            begin: None,
        };
        let noisy = with(150.0).verdict();
        assert!(noisy.is_noisy && noisy.text.contains("1.50 times"));
        assert!(!with(101.0).verdict().is_noisy);
        let mut noise = Noise::new();
        noise.probe();
        assert!(noise.probes[0] > 0.0);
    }
}
