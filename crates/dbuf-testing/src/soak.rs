//! Waves of threads and tasks over one buffer that outlives them all.
//!
//! A wave starts its threads and tasks anew, and joins them all. What is allocated
//! after a wave must therefore not grow from wave to wave, and what was allocated
//! before the buffer was made must be all that is left when it is gone.

use core::fmt::Debug;
use core::ops::AddAssign;
use core::time::Duration;
use std::time::Instant;

use dbuf_core::Version;

use crate::Counting;

/// So much may the bytes in use grow from one wave to another: less than one for each
/// reader that a soak of a minute makes and drops.
pub const BOUND: usize = 16 << 10;
/// So many bytes more than before may be in use when the buffer is gone: what libraries
/// keep for the process, such as the numbers of threads.
pub const LEFT: usize = 4 << 10;

/// What was done.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Reads, each checked.
    pub looks: u64,
    /// Publishes.
    pub publishes: u64,
    /// Readers that were made and dropped.
    pub readers: u64,
    /// Threads that were started and joined.
    pub threads: u64,
    /// Publishes that somebody was told of.
    pub tells: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.looks += other.looks;
        self.publishes += other.publishes;
        self.readers += other.readers;
        self.threads += other.threads;
        self.tells += other.tells;
    }
}

/// The time of all soaks of this process: `DBUF_SOAK_SECONDS`, or two seconds.
///
/// # Panics
///
/// If it is set to something that is no number of seconds.
pub fn time() -> Duration {
    let Some(text) = std::env::var_os("DBUF_SOAK_SECONDS") else {
        return Duration::from_secs(2);
    };
    let seconds = text.to_str().and_then(|text| text.parse().ok());
    let time = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    time.unwrap_or_else(|| panic!("DBUF_SOAK_SECONDS is a number of seconds, not {text:?}"))
}

/// Soaks one buffer: makes it, calls `wave` until `time` is over, with the moment when
/// that wave should end, and drops it. Prints what was done.
///
/// The test must be alone in its process, with [`Counting`] for its allocator.
///
/// # Panics
///
/// If the bytes in use grow by more than [`BOUND`] after the first quarter of the
/// waves, or more than [`LEFT`] are left in the end.
pub fn soak<W>(
    name: &str,
    time: Duration,
    make: impl Fn() -> W,
    mut wave: impl FnMut(&mut W, Instant) -> Tally,
) {
    let length = (time / 12).clamp(Duration::from_millis(1), Duration::from_millis(100));
    // What is allocated once for the whole process.
    let mut rehearsal = make();
    wave(&mut rehearsal, Instant::now() + length);
    drop(rehearsal);

    let begin = Instant::now();
    let at_first = Counting::live();
    let mut world = make();
    let (mut tally, mut waves, mut warm, mut most) = (Tally::default(), 0, 0, 0);
    while waves < 4 || begin.elapsed() < time {
        tally += wave(&mut world, Instant::now() + length);
        waves += 1;
        let live = Counting::live();
        if waves < 2 || begin.elapsed() < time / 4 {
            warm = warm.max(live);
        } else {
            most = most.max(live);
        }
    }
    drop(world);
    let left = Counting::live();
    let Tally {
        looks,
        publishes,
        readers,
        threads,
        tells,
    } = tally;
    println!(
        "{name}: {waves} waves, {publishes} publishes, {looks} looks, {tells} announcements, \
         {readers} readers and {threads} threads come and gone; bytes in use: \
         {at_first} before, {warm} warm, at most {most} later, {left} in the end"
    );
    assert!(most <= warm + BOUND, "{name}: {warm} bytes grew to {most}");
    assert!(
        left <= at_first + LEFT,
        "{name}: {left} bytes are left of {at_first}"
    );
}

/// What somebody saw of the last few versions, to be compared with what others saw.
#[derive(Debug)]
pub struct Notes<C>(Vec<Option<(Version, C)>>);

/// A few hundred versions of each wave are compared between all who looked.
const NOTED: usize = 256;

impl<C: PartialEq + Debug> Notes<C> {
    /// Nothing seen.
    pub fn new() -> Self {
        Self((0..NOTED).map(|_| None).collect())
    }

    /// Takes note of what a version held.
    ///
    /// # Panics
    ///
    /// If it held something else before.
    pub fn note(&mut self, version: Version, content: C) {
        let slot = &mut self.0[version as usize % NOTED];
        match slot {
            Some((noted, known)) if *noted == version => {
                assert_eq!(*known, content, "two contents of version {version}");
            }
            // Older than what is noted: of two versions with one place the newer stays.
            Some((noted, _)) if *noted > version => {}
            _ => *slot = Some((version, content)),
        }
    }

    /// Adds what another saw.
    ///
    /// # Panics
    ///
    /// If the two saw different contents of one version.
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
