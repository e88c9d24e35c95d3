//! Ends the process when a test of the suite hangs.

use std::collections::BTreeMap;
use std::env;
use std::io::{Write, stderr};
use std::process::exit;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How long a test may take, unless the environment says so in `DBUF_SUITE_SECONDS`.
const SECONDS: u64 = 60;

/// The tests that run, each with its end.
static RUNNING: Mutex<BTreeMap<u64, (Instant, String)>> = Mutex::new(BTreeMap::new());

fn running() -> MutexGuard<'static, BTreeMap<u64, (Instant, String)>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A test that runs. It has ended when this is dropped.
#[derive(Debug)]
pub(crate) struct Watched(u64);

impl Drop for Watched {
    fn drop(&mut self) {
        running().remove(&self.0);
    }
}

/// Begins a test. One thread watches all of them.
pub(crate) fn watch(clauses: &str, name: &str) -> Watched {
    static STARTED: Once = Once::new();
    let seconds = env::var("DBUF_SUITE_SECONDS")
        .ok()
        .and_then(|seconds| seconds.parse().ok())
        .unwrap_or(SECONDS);
    let message = format!("{clauses}: {name}: no end within {seconds} s\n");
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut running = running();
    let next = running.last_key_value().map_or(0, |(last, _)| last + 1);
    running.insert(next, (end, message));
    drop(running);
    STARTED.call_once(|| drop(thread::spawn(check)));
    Watched(next)
}

fn check() {
    loop {
        thread::sleep(Duration::from_millis(200));
        let now = Instant::now();
        let late = running()
            .values()
            .find(|(end, _)| *end < now)
            .map(|(_, message)| message.clone());
        if let Some(message) = late {
            // Not `eprint`, whose output a test captures.
            let _ = stderr().write_all(message.as_bytes());
            exit(101);
        }
    }
}
