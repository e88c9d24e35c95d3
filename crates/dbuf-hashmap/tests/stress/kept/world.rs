//! The map, what its writers have done, and what a read must show.

use std::array::from_fn;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use dbuf_hashmap::{Builder, ConcurrentHashMap, MapRef, OnStraggler, Version, Watched};

use crate::setup::Stressed;

/// The number of writers: the first ones are threads, the others tasks.
pub(super) const WRITERS: usize = 4;
pub(super) const THREADS: usize = 2;
pub(super) const READERS: usize = 2;
/// The number of keys that every batch stamps.
pub(super) const STAMPED: u32 = 6;
/// The first of the writers' own keys, which their batches change too.
pub(super) const OWN: u32 = 100;
/// A key that is written after a guard was forgotten, and at the end.
pub(super) const FORGOTTEN: u32 = OWN - 1;
/// A value that no reader may see.
pub(super) const UNDONE: u32 = u32::MAX;
pub(super) const ROUND: Duration = Duration::from_millis(450);

pub(super) type Map<S> = ConcurrentHashMap<u32, u32, RandomState, Watched<S>>;

pub(super) struct World<S: Stressed> {
    pub(super) map: Map<S>,
    /// The results of each writer's writes that have returned.
    pub(super) returned: [AtomicU32; WRITERS],
    /// The number of published batches.
    pub(super) batches: AtomicU32,
    /// Read-locked by a thread that writes under its own guard, and write-locked by one that forgets
    /// a guard: a thread that waits for a forgotten guard, while it holds the copy that was set
    /// aside, would wait for itself.
    pub(super) own_guards: RwLock<()>,
    /// The time after which a guard may be forgotten.
    pub(super) half: Instant,
    /// The number of copies that were set aside, and whether a guard was forgotten.
    pub(super) set_aside: Arc<AtomicU32>,
    pub(super) forgot: AtomicBool,
    /// The last version, once it is known.
    pub(super) last: AtomicU64,
    pub(super) done: AtomicBool,
}

/// The contents of a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Contents {
    pub(super) stamp: u32,
    pub(super) own: [u32; WRITERS],
    len: usize,
}

impl Contents {
    pub(super) fn of<H: BuildHasher>(map: MapRef<'_, u32, u32, H>) -> Self {
        let at = |key: u32| map.get(&key).copied().unwrap_or(0);
        let stamps: [u32; STAMPED as usize] = from_fn(|key| at(key as u32));
        assert_eq!(stamps, [stamps[0]; STAMPED as usize], "half a batch");
        let own = from_fn(|id| at(OWN + id as u32));
        assert!(!own.contains(&UNDONE), "a rolled back change is seen");
        let len = map.len();
        Self {
            stamp: stamps[0],
            own,
            len,
        }
    }

    /// Returns whether nothing is older than before.
    pub(super) fn is_after(&self, stamp: u32, own: &[u32; WRITERS]) -> bool {
        self.stamp >= stamp && self.own.iter().zip(own).all(|(now, before)| now >= before)
    }
}

impl<S: Stressed + 'static> World<S> {
    pub(super) fn new(after: Duration) -> Self {
        let set_aside = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&set_aside);
        let on_straggler = OnStraggler::Spare {
            after,
            up_to: usize::MAX,
        };
        Self {
            map: Builder::new()
                .strategy(S::default())
                .watched()
                .on_straggler(on_straggler)
                .on_spare(move |_| _ = counted.fetch_add(1, SeqCst))
                .sleep(|time| async move { _ = smol::Timer::after(time).await })
                .build_concurrent(),
            returned: Default::default(),
            batches: AtomicU32::new(0),
            own_guards: RwLock::new(()),
            half: Instant::now() + ROUND / 2,
            set_aside,
            forgot: AtomicBool::new(false),
            last: AtomicU64::new(Version::MAX),
            done: AtomicBool::new(false),
        }
    }

    pub(super) fn returned(&self) -> [u32; WRITERS] {
        self.returned.each_ref().map(|own| own.load(SeqCst))
    }

    /// Records a write that has returned: its writer sees it, and so does every later read.
    pub(super) fn wrote(&self, id: usize, own: u32) {
        let now = Contents::of(self.map.read().as_map());
        assert_eq!(
            now.own[id], own,
            "a write is lost, or its writer does not see it"
        );
        self.returned[id].store(own, SeqCst);
    }
}

/// What one thread or task has seen last.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) version: Version,
    pub(super) stamp: u32,
    pub(super) own: [u32; WRITERS],
}

impl Seen {
    /// Checks a read that began after these writes had returned.
    pub(super) fn check(&mut self, returned: &[u32; WRITERS], version: Version, now: &Contents) {
        assert!(
            now.is_after(0, returned),
            "{now:?} does not show {returned:?}"
        );
        assert!(
            version >= self.version && now.is_after(self.stamp, &self.own),
            "a reader went back from version {} to {version}, {now:?}",
            self.version
        );
        (self.version, self.stamp, self.own) = (version, now.stamp, now.own);
    }
}
