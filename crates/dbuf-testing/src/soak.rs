//! Soak tests: waves of threads and tasks over one buffer.
//!
//! Each wave starts its own threads and tasks and joins them. So the bytes in use must not grow
//! from wave to wave, and must return to where they were once the buffer is dropped.

use core::fmt::Debug;
use core::ops::AddAssign;
use core::time::Duration;
use std::time::Instant;

use dbuf_core::Version;

use crate::counting::Counting;

/// The bytes in use may grow by this much between waves: less than one byte for each reader that
/// a soak of a minute makes and drops.
pub const MAX_GROWTH: usize = 16 << 10;
/// This many more bytes may be in use after the buffer is dropped: libraries keep some for the
/// process, such as the ids of threads.
pub const MAX_LEAK: usize = 4 << 10;

/// Counts of what the waves did.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Checked reads.
    pub reads: u64,
    /// Publishes.
    pub publishes: u64,
    /// Readers that were made and dropped.
    pub readers: u64,
    /// Threads that were started and joined.
    pub threads: u64,
    /// Publishes that watchers reported.
    pub notifications: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.reads += other.reads;
        self.publishes += other.publishes;
        self.readers += other.readers;
        self.threads += other.threads;
        self.notifications += other.notifications;
    }
}

/// Returns the time for all soaks of this process: `DBUF_SOAK_SECONDS`, or two seconds.
///
/// # Panics
///
/// Panics if the variable is not a number of seconds.
pub fn time() -> Duration {
    let Some(text) = std::env::var_os("DBUF_SOAK_SECONDS") else {
        return Duration::from_secs(2);
    };
    let seconds = text.to_str().and_then(|text| text.parse().ok());
    let time = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    time.unwrap_or_else(|| panic!("DBUF_SOAK_SECONDS is a number of seconds, not {text:?}"))
}

/// Soaks one buffer: makes it, calls `wave` with its end time until `time` is over, drops the
/// buffer, and prints the counts.
///
/// The test must be the only one in its process, and [`Counting`] its allocator.
///
/// # Panics
///
/// Panics if the bytes in use grow by more than [`MAX_GROWTH`] after the first quarter of the
/// time, or by more than [`MAX_LEAK`] until after the drop.
pub fn soak<B>(
    name: &str,
    time: Duration,
    make: impl Fn() -> B,
    mut wave: impl FnMut(&mut B, Instant) -> Tally,
) {
    let length = (time / 12).clamp(Duration::from_millis(1), Duration::from_millis(100));
    // The first wave makes the allocations that happen once per process.
    let mut warm_up = make();
    wave(&mut warm_up, Instant::now() + length);
    drop(warm_up);

    let begin = Instant::now();
    let before = Counting::live();
    let mut buffer = make();
    let (mut tally, mut waves, mut warm, mut most) = (Tally::default(), 0, 0, 0);
    while waves < 4 || begin.elapsed() < time {
        tally += wave(&mut buffer, Instant::now() + length);
        waves += 1;
        let live = Counting::live();
        if waves < 2 || begin.elapsed() < time / 4 {
            warm = warm.max(live);
        } else {
            most = most.max(live);
        }
    }
    drop(buffer);
    let after = Counting::live();
    let Tally {
        reads,
        publishes,
        readers,
        threads,
        notifications,
    } = tally;
    println!(
        "{name}: {waves} waves, {publishes} publishes, {reads} reads, {notifications} notifications, \
         {readers} readers and {threads} threads made and dropped; bytes in use: \
         {before} before, {warm} warm, at most {most} later, {after} after"
    );
    assert!(
        most <= warm + MAX_GROWTH,
        "{name}: {warm} bytes grew to {most}"
    );
    assert!(
        after <= before + MAX_LEAK,
        "{name}: {before} bytes before became {after} after"
    );
}

/// The contents that a reader saw of the last versions, compared with those of other readers.
#[derive(Debug)]
pub struct Notes<C>(Vec<Option<(Version, C)>>);

/// The number of versions that are compared.
const NOTED: usize = 256;

impl<C: PartialEq + Debug> Notes<C> {
    /// Creates an empty record.
    pub fn new() -> Self {
        Self((0..NOTED).map(|_| None).collect())
    }

    /// Records the content of a version.
    ///
    /// # Panics
    ///
    /// Panics if another content of this version is recorded.
    pub fn note(&mut self, version: Version, content: C) {
        let slot = &mut self.0[version as usize % NOTED];
        match slot {
            Some((noted, known)) if *noted == version => {
                assert_eq!(*known, content, "two contents of version {version}");
            }
            // Of two versions with one slot, the newer is kept.
            Some((noted, _)) if *noted > version => {}
            _ => *slot = Some((version, content)),
        }
    }

    /// Adds another record.
    ///
    /// # Panics
    ///
    /// Panics if the two recorded different contents of one version.
    pub fn merge(&mut self, other: Self) {
        for (version, content) in other.0.into_iter().flatten() {
            self.note(version, content);
        }
    }
}

impl<C: PartialEq + Debug> Default for Notes<C> {
    fn default() -> Self {
        Self::new()
    }
}
