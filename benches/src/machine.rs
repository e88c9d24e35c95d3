use std::env::consts;
use std::fs;
use std::process::Command;
use std::thread;

/// Where the numbers come from. Numbers of two machines do not compare.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    /// How many threads run at a time.
    pub(crate) cores: usize,
    cpu: String,
    system: String,
    load: String,
    commit: String,
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
        }
    }

    /// How many threads run at a time; 1 if that cannot be learned.
    pub(crate) fn cores() -> usize {
        thread::available_parallelism().map_or(1, usize::from)
    }
}

impl Machine {
    /// What the numbers depend on, by name.
    pub(crate) fn facts(&self) -> [(&'static str, String); 4] {
        let Self {
            cores,
            cpu,
            system,
            load,
            commit,
        } = self;
        [
            ("machine", format!("{cpu}, {cores} cores, {system}")),
            ("load", format!("{load} (1 min average at the start)")),
            ("rustc", env!("DBUF_BENCH_RUSTC").to_owned()),
            ("commit", commit.clone()),
        ]
    }
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
