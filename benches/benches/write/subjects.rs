//! The maps that are written to, behind one trait.

use std::collections::HashMap;
use std::sync::Mutex;

use dashmap::DashMap;
use dbuf_bench::Hash;
use dbuf_hashmap::{BlockingStrategy, Builder, ConcurrentHashMap, Reader, Writer};
use dbuf_strategies::DefaultStrategy;

fn hash() -> Hash {
    Hash::with_seed(0)
}

/// Spread out, as keys are: a hash of small numbers is a special case.
pub(crate) fn key(n: u64) -> u64 {
    n.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// A map and what it takes to write to it.
pub(crate) trait Subject {
    fn empty() -> Self;
    /// Sets values and makes them visible.
    fn write(&mut self, entries: impl Iterator<Item = (u64, u64)>);
    /// Does what the last write still owes.
    fn settle(&mut self) {}
}

pub(crate) struct Std(HashMap<u64, u64, Hash>);

impl Subject for Std {
    fn empty() -> Self {
        Self(HashMap::with_hasher(hash()))
    }

    fn write(&mut self, entries: impl Iterator<Item = (u64, u64)>) {
        for (key, value) in entries {
            self.0.insert(key, value);
        }
    }
}

pub(crate) struct Dbuf<S: BlockingStrategy>(Writer<u64, u64, Hash, S>, Reader<u64, u64, Hash, S>);

impl<S: BlockingStrategy + Default> Subject for Dbuf<S> {
    fn empty() -> Self {
        let builder = Builder::new().hasher(hash()).strategy(S::default());
        let (writer, reader) = builder.build();
        Self(writer, reader)
    }

    fn write(&mut self, entries: impl Iterator<Item = (u64, u64)>) {
        let mut batch = self.0.write();
        for (key, value) in entries {
            batch.insert(key, value);
        }
        batch.publish();
    }

    fn settle(&mut self) {
        self.0.catch_up();
    }
}

pub(crate) struct Flashmap(
    flashmap::WriteHandle<u64, u64, Hash>,
    #[expect(dead_code, reason = "is there")] flashmap::ReadHandle<u64, u64, Hash>,
);

impl Subject for Flashmap {
    fn empty() -> Self {
        // SAFETY: it asks for a `Hash` and an `Eq` that never change their mind,
        // and for a hasher whose clones agree; these are such.
        let (writer, reader) = unsafe { flashmap::Builder::new().with_hasher(hash()) }.build();
        Self(writer, reader)
    }

    fn write(&mut self, entries: impl Iterator<Item = (u64, u64)>) {
        let mut guard = self.0.guard();
        for (key, value) in entries {
            guard.insert(key, value);
        }
        guard.publish();
    }

    fn settle(&mut self) {
        // A guard replays the log as it is taken.
        self.0.guard().publish();
    }
}

pub(crate) struct Evmap(
    evmap::handles::WriteHandle<u64, u64, (), Hash>,
    #[expect(dead_code, reason = "is there")] evmap::handles::ReadHandle<u64, u64, (), Hash>,
);

impl Subject for Evmap {
    fn empty() -> Self {
        // SAFETY: as above.
        let options = unsafe { evmap::Options::default().with_hasher(hash()) };
        let (writer, reader) = options.construct();
        Self(writer, reader)
    }

    fn write(&mut self, entries: impl Iterator<Item = (u64, u64)>) {
        for (key, value) in entries {
            // Replaces what is there, as a map does.
            self.0.update(key, value);
        }
        self.0.publish();
    }

    fn settle(&mut self) {
        // What is owed is replayed as the next publish begins.
        self.0.update(key(0), 0);
        self.0.publish();
    }
}

/// The map that many threads may write to, a call for each entry.
pub(crate) struct Concurrent(ConcurrentHashMap<u64, u64, Hash>);

impl Subject for Concurrent {
    fn empty() -> Self {
        Self(Builder::new().hasher(hash()).build_concurrent())
    }

    fn write(&mut self, entries: impl Iterator<Item = (u64, u64)>) {
        for (key, value) in entries {
            self.0.insert(key, value);
        }
    }
}

/// One writer in a mutex, which is locked for each entry.
pub(crate) struct Locked<T>(Mutex<T>);

/// The parts of [`Concurrent`], put together without it.
pub(crate) type MutexWriter = Locked<Dbuf<DefaultStrategy>>;
pub(crate) type MutexEvmap = Locked<Evmap>;

impl<T: Subject> Subject for Locked<T> {
    fn empty() -> Self {
        Self(Mutex::new(T::empty()))
    }

    fn write(&mut self, entries: impl Iterator<Item = (u64, u64)>) {
        for entry in entries {
            let mut writer = self.0.lock().expect("no writer panicked");
            writer.write([entry].into_iter());
        }
    }
}

pub(crate) struct Dashmap(DashMap<u64, u64, Hash>);

impl Subject for Dashmap {
    fn empty() -> Self {
        Self(DashMap::with_hasher(hash()))
    }

    fn write(&mut self, entries: impl Iterator<Item = (u64, u64)>) {
        for (key, value) in entries {
            self.0.insert(key, value);
        }
    }
}
