//! The setup of a run: its time, its random numbers, its maps.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use dbuf_hashmap::{BlockingStrategy, Builder, ConcurrentHashMap, PublishPolicy};

/// A strategy that a concurrent map accepts.
pub(crate) trait Stressed: BlockingStrategy + Default {}

impl<S> Stressed for S where S: BlockingStrategy + Default {}

pub(crate) type Map<V, S> = ConcurrentHashMap<u32, V, RandomState, S>;

pub(crate) fn map<V, S>(policy: PublishPolicy) -> Map<V, S>
where
    V: Clone + Send + Sync,
    S: Stressed,
{
    Builder::new()
        .strategy(S::default())
        .publish_policy(policy)
        .build_concurrent()
}

/// Ends the readers when it is dropped, even if a writer panics.
pub(crate) struct Done<'w>(pub(crate) &'w AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

/// Makes a test of `check::<Strategy>(name)` for each strategy.
macro_rules! over_strategies {
    ($check:ident: $($test:ident $strategy:ident,)*) => {$(
        #[test]
        fn $test() {
            $check::<dbuf_hashmap::strategies::$strategy>(stringify!($strategy));
        }
    )*};
    ($check:ident) => {
        $crate::setup::over_strategies! { $check:
            count CountStrategy,
            epoch EpochStrategy,
            flash FlashStrategy,
            lock LockStrategy,
        }
    };
}
pub(crate) use over_strategies;

fn setting<T: core::str::FromStr>(name: &str, expected: &str) -> Option<T> {
    let text = std::env::var_os(name)?;
    let parsed = text.to_str().and_then(|text| text.parse().ok());
    Some(parsed.unwrap_or_else(|| panic!("{name} is {expected}, not {text:?}")))
}

/// Calls `round` with new seeds until the time of one of `parts` is over; only once under Miri,
/// which is slow.
pub(crate) fn rounds(what: &str, parts: u32, mut round: impl FnMut(u64)) {
    let fixed = setting::<u64>("DBUF_STRESS_SEED", "a number of 64 bits");
    let first = fixed.unwrap_or_else(|| RandomState::new().hash_one(what));
    let seconds = setting::<f64>("DBUF_STRESS_SECONDS", "a number of seconds").unwrap_or(0.5);
    let time = Duration::try_from_secs_f64(seconds)
        .unwrap_or_else(|_| panic!("DBUF_STRESS_SECONDS is a number of seconds, not {seconds}"));
    let (begin, mut done) = (Instant::now(), 0);
    while done == 0 || (!cfg!(miri) && begin.elapsed() < time / parts) {
        let seed = TellsSeed(first.wrapping_add(done), what);
        round(seed.0);
        done += 1;
    }
    println!("{what}: {done} rounds");
}

/// Prints how to repeat a round that fails.
struct TellsSeed<'w>(u64, &'w str);

impl Drop for TellsSeed<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("{} failed with DBUF_STRESS_SEED={}", self.1, self.0);
        }
    }
}

/// SplitMix64: good enough from any seed.
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    /// The rng of one thread.
    pub(crate) fn of_thread(seed: u64, thread: usize) -> Self {
        let mut rng = Self(seed ^ (thread as u64) << 32);
        rng.next();
        rng
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Returns a random number less than `sides`.
    pub(crate) fn roll(&mut self, sides: u32) -> u32 {
        (self.next() % u64::from(sides)) as u32
    }
}
