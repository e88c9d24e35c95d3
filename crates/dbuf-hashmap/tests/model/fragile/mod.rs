//! A concurrent map whose keys and values panic at times: both copies agree with a plain map, with
//! or without the change that panicked.

mod step;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;

use arbitrary::{Arbitrary, Unstructured};
use dbuf_hashmap::strategies::{CountStrategy, EpochStrategy, FlashStrategy, LockStrategy};
use dbuf_hashmap::{BlockingStrategy, Builder, ConcurrentHashMap, PublishPolicy};
use step::step;

thread_local! {
    /// The number of calls of user code until one panics; with 0, none does.
    static FUSE: Cell<u32> = const { Cell::new(0) };
}

fn burn() {
    let left = FUSE.get();
    if left > 0 && !thread::panicking() {
        FUSE.set(left - 1);
        if left == 1 {
            resume_unwind(Box::new(()));
        }
    }
}

struct Fragile(
    u32,
    #[allow(dead_code, reason = "owned memory, for Miri")] Box<u32>,
);

fn new(n: u32) -> Fragile {
    Fragile(n, Box::new(n))
}

impl Clone for Fragile {
    fn clone(&self) -> Self {
        burn();
        new(self.0)
    }
}

impl Drop for Fragile {
    fn drop(&mut self) {
        burn();
    }
}

impl PartialEq for Fragile {
    fn eq(&self, other: &Self) -> bool {
        burn();
        self.0 == other.0
    }
}

impl Eq for Fragile {}

impl Hash for Fragile {
    fn hash<H: Hasher>(&self, state: &mut H) {
        burn();
        self.0.hash(state);
    }
}

type Map<S> = ConcurrentHashMap<Fragile, Fragile, std::hash::RandomState, S>;
type Model = BTreeMap<u32, u32>;

fn contents<'a>(entries: impl Iterator<Item = (&'a Fragile, &'a Fragile)>) -> Model {
    entries.map(|(k, v)| (k.0, v.0)).collect()
}

/// One run on one map.
#[derive(Debug)]
pub(crate) struct Program {
    policy: Policy,
    writes: Vec<Write>,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) enum Policy {
    Immediate,
    EveryThree,
    EveryFifty,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) struct Write {
    #[arbitrary(with = |bytes: &mut Unstructured<'_>| bytes.int_in_range(0..=26))]
    op: u32,
    #[arbitrary(with = |bytes: &mut Unstructured<'_>| bytes.int_in_range(0..=23))]
    k: u32,
    #[arbitrary(with = |bytes: &mut Unstructured<'_>| bytes.int_in_range(0..=23))]
    v: u32,
    /// The number of the call of user code that panics; with 0, none does.
    #[arbitrary(with = |bytes: &mut Unstructured<'_>| bytes.int_in_range(0..=59))]
    fuse: u32,
    /// Says whether the test publishes afterwards and checks both copies.
    looks: bool,
}

impl Program {
    pub(crate) fn new(policy: Policy, writes: Vec<Write>) -> Self {
        Self { policy, writes }
    }

    pub(crate) fn run<S>(self, strategy: S)
    where
        S: BlockingStrategy,
    {
        let policy = match self.policy {
            Policy::Immediate => PublishPolicy::Immediate,
            Policy::EveryThree => PublishPolicy::Every(3),
            Policy::EveryFifty => PublishPolicy::Every(50),
        };
        let map: Map<S> = Builder::new()
            .strategy(strategy)
            .publish_policy(policy)
            .build_concurrent();
        let mut model = Model::new();
        for (number, write) in self.writes.into_iter().enumerate() {
            let Write { op, k, v, .. } = write;
            let at = format!("{policy:?}, step {number}: {write:?}");
            let mut after = model.clone();
            FUSE.set(write.fuse);
            let result = catch_unwind(AssertUnwindSafe(|| step(&map, &mut after, op, k, v)));
            FUSE.set(0);
            let result = result.map_err(|payload| {
                if !payload.is::<()>() {
                    // A panic that the test did not cause.
                    resume_unwind(payload);
                }
            });
            let was_made = result.is_ok() || {
                // Reads the back with all pending changes, and changes nothing.
                let batch = map.write();
                let back = contents(batch.iter());
                batch.defer();
                assert!(
                    back == model || back == after,
                    "{at}: {back:?}, {model:?}, {after:?}"
                );
                back == after
            };
            if was_made {
                model = after;
            }
            if !matches!(policy, PublishPolicy::Every(_))
                && result.is_ok()
                && !matches!(op, 13 | 23)
            {
                // Unless it rolled back what followed a deferred batch.
                let pending = matches!(op, 10 | 12 | 14 | 15 | 19 | 22 | 25);
                if !pending {
                    assert_eq!(contents(map.read().iter()), model, "{at}");
                }
            }
            if write.looks {
                map.publish();
                assert_eq!(contents(map.read().iter()), model, "{at}, published");
                let batch = map.write();
                assert_eq!(contents(batch.iter()), model, "{at}, followed");
                assert_eq!(contents(batch.published().iter()), model, "{at}, front");
            }
        }
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, n: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as u32 % n
    }
}

fn random(seed: u64, policy: Policy) -> Program {
    let mut random = Random(seed | 1);
    let write = |_| Write {
        op: random.below(27),
        k: random.below(24),
        v: random.below(24),
        fuse: match random.below(3) {
            0 => random.below(60),
            _ => 0,
        },
        looks: random.below(4) == 0,
    };
    Program {
        policy,
        writes: (0..if cfg!(miri) { 12 } else { 300 }).map(write).collect(),
    }
}

/// Both copies agree with the model, whatever call panics.
#[test]
fn copies_stay_equal() {
    for seed in 1..=if cfg!(miri) { 1 } else { 40 } {
        let seed = 0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(seed);
        println!("seed {seed}");
        for policy in [Policy::Immediate, Policy::EveryThree, Policy::EveryFifty] {
            random(seed, policy).run(EpochStrategy::new());
            random(seed ^ 7, policy).run(FlashStrategy::new());
            random(seed ^ 77, policy).run(CountStrategy::new());
            random(seed ^ 777, policy).run(LockStrategy::new());
        }
    }
}
