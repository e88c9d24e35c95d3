//! The map, what its writers have done, and what each thread has seen.

use std::hash::RandomState;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread;

use dbuf_hashmap::{Builder, SharedReader, Version};
use dbuf_testing::soak::{Notes, Tally};

use crate::contents::{Contents, Made, Map, Number, Soaked, WRITERS};

/// Says whether a publish is one point for all readers, so that a task whose worker threads have
/// a reader each never sees the map go back.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Flips {
    AtOnce,
    ReaderByReader,
}

pub(crate) struct World<S: Soaked> {
    pub(crate) map: Map<S>,
    pub(crate) flips: Flips,
    /// The sums of each writer's changes that have returned.
    returned: [[AtomicU64; 2]; WRITERS as usize],
    /// The last version of this wave, once it is known.
    pub(crate) last: AtomicU64,
    pub(crate) done: AtomicBool,
}

impl<S: Soaked> World<S> {
    pub(crate) fn new(strategy: S, flips: Flips) -> Self {
        Self::with_map(Builder::new().strategy(strategy).build_concurrent(), flips)
    }

    pub(crate) fn with_map(map: Map<S>, flips: Flips) -> Self {
        Self {
            map,
            flips,
            returned: Default::default(),
            last: AtomicU64::new(Version::MAX),
            done: AtomicBool::new(false),
        }
    }

    pub(crate) fn returned(&self) -> Contents {
        let of = |id: usize| [0, 1].map(|kind: usize| self.returned[id][kind].load(SeqCst));
        Contents(std::array::from_fn(of))
    }

    /// Records changes that have returned, and checks that their writer sees them.
    pub(crate) fn changed(&self, id: u32, made: Made) {
        let contents = Contents::of(self.map.read().as_map());
        assert_eq!(
            contents.0[id as usize], made,
            "a write was lost, or not seen"
        );
        for (kind, made) in made.into_iter().enumerate() {
            self.returned[id as usize][kind].store(made, SeqCst);
        }
    }

    pub(crate) fn made(&self, id: u32) -> Made {
        self.returned().0[id as usize]
    }
}

/// What one thread or task has seen.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) tally: Tally,
    notes: Notes<Contents>,
    pub(crate) version: Version,
}

impl Seen {
    pub(crate) fn check(&mut self, returned: &Contents, version: Version, contents: Contents) {
        assert!(
            contents.is_after(returned),
            "{contents:?} after {returned:?}"
        );
        self.notes.note(version, contents);
        self.tally.reads += 1;
    }

    /// Like `check`, and also checks that no writer's numbers go back.
    fn check_next(&mut self, returned: &Contents, version: Version, contents: Contents) {
        assert!(version >= self.version, "{version} after {}", self.version);
        self.version = version;
        self.check(returned, version, contents);
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.tally += other.tally;
        self.notes.merge(other.notes);
    }
}

/// Reads one snapshot, and another one under it.
pub(crate) fn snapshots<S: Soaked>(
    world: &World<S>,
    reader: &SharedReader<u32, Number, RandomState, S>,
    seen: &mut Seen,
) {
    let returned = world.returned();
    let outer = reader.read();
    seen.check_next(&returned, outer.version(), Contents::of(outer.as_map()));
    if seen.tally.reads % 4 == 0 {
        let before = Contents::of(outer.as_map());
        let nested = reader.read();
        let versions = [outer.version(), nested.version()];
        assert!(versions.is_sorted(), "outer and nested: {versions:?}");
        thread::yield_now();
        assert_eq!(Contents::of(outer.as_map()), before, "a snapshot changed");
        drop(outer);
        seen.check(&returned, nested.version(), Contents::of(nested.as_map()));
        seen.tally.readers += 1;
    }
}
