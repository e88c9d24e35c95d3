//! The reads, lookups and inserts, and the contenders that do them.

use std::hash::BuildHasher;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering, fence};

use arc_swap::{ArcSwap, Cache};
use dbuf_bench::maps::buffers::{Dbuf, Evmap, Flashmap};
use dbuf_bench::maps::shared::{DashMap, Papaya};
use dbuf_bench::maps::{Map, hasher};
use dbuf_bench::{Hash, number_key};
use dbuf_hashmap::{BlockingStrategy, Builder};
use dbuf_strategies::core::{OwnedReadGuard, Strategy, arc, rc};
use dbuf_strategies::{
    CountStrategy, EpochStrategy, Fence, FlashStrategy, LocalStrategy, LockStrategy,
};
use hashbrown::HashTable;

/// A contender: does as many reads as it is called with.
pub(crate) struct Subject {
    pub(crate) name: &'static str,
    pub(crate) run: Box<dyn FnMut(usize)>,
}

/// Keeps `kept` alive, and reads `handle` again and again. The handle goes through a
/// black box, so that nothing is known of it from the last time. `.ci/instructions`
/// counts in this function only.
#[inline(never)]
fn measured<H>(count: usize, handle: &mut H, read: &mut impl FnMut(&mut H, usize) -> u64) {
    for turn in 0..count {
        black_box(read(black_box(handle), turn));
    }
}

fn subject<H: 'static, K: 'static>(
    name: &'static str,
    kept: K,
    mut handle: H,
    mut read: impl FnMut(&mut H, usize) -> u64 + 'static,
) -> Subject {
    Subject {
        name,
        run: Box::new(move |count| {
            let _ = &kept;
            measured(count, &mut handle, &mut read);
        }),
    }
}

fn ours<S: Strategy + 'static>(name: &'static str, strategy: S) -> Subject {
    let (writer, reader) = arc(42_u64, 42, strategy);
    subject(name, writer, reader, |reader, _| *reader.read())
}

/// left-right's log needs a type of operation; none is ever made.
struct Never;

impl left_right::Absorb<Never> for u64 {
    fn absorb_first(&mut self, _: &mut Never, _: &Self) {}

    fn sync_with(&mut self, first: &Self) {
        *self = *first;
    }
}

/// Enter, copy a number, leave.
pub(crate) fn reads() -> Vec<Subject> {
    let (mut left, right) = left_right::new_from_empty::<u64, Never>(42);
    left.publish();
    let (mut flash, flash_reader) = flashmap::new::<u64, u64>();
    flash.guard().insert(1, 1);
    let (local, local_reader) = rc(42_u64, 42, LocalStrategy::new());
    let (shared_writer, shared) = arc(42_u64, 42, EpochStrategy::new());
    let (two_writer, two) = arc(42_u64, 42, EpochStrategy::new());
    let shared_two = two.shared();
    let (kept_writer, kept) = arc(42_u64, 42, EpochStrategy::new());
    let cache = Cache::new(Arc::new(ArcSwap::from_pointee(42_u64)));
    vec![
        subject("nothing", (), (), |(), _| 0),
        ours("epoch", EpochStrategy::new()),
        ours("epoch-fenced", EpochStrategy::with_fence(Fence::Symmetric)),
        ours("flash", FlashStrategy::new()),
        ours("count", CountStrategy::new()),
        ours("lock", LockStrategy::new()),
        subject("local", local, local_reader, |reader, _| *reader.read()),
        subject("left-right", left, right, |reader, _| {
            reader.enter().map_or(0, |guard| *guard)
        }),
        subject("flashmap", flash, flash_reader, |reader, _| {
            reader.guard().len() as u64
        }),
        subject(
            "arc-swap",
            (),
            Arc::new(ArcSwap::from_pointee(42_u64)),
            |swap, _| **swap.load(),
        ),
        subject("shared", shared_writer, shared.shared(), |shared, _| {
            *shared.read()
        }),
        // One guard, brought up to date each time.
        subject(
            "epoch-refresh",
            kept_writer,
            Box::new(kept).into_guard(),
            |guard, _| {
                OwnedReadGuard::refresh(guard);
                **guard
            },
        ),
        subject("arc-swap-cache", (), cache, |cache, _| **cache.load()),
        // A guard under a guard.
        subject("epoch-two", two_writer, two, |reader, _| {
            let outer = reader.read();
            *outer + *reader.read()
        }),
        subject("shared-two", (), shared_two, |shared, _| {
            let outer = shared.read();
            *outer + *shared.read()
        }),
    ]
}

const KEYS: u32 = 1024;

fn entries() -> impl ExactSizeIterator<Item = (u64, u64)> {
    (0..KEYS).map(|n| (number_key(n), u64::from(n)))
}

/// Every key in turn, in a scattered order. All subjects use this table of keys.
fn turns() -> impl Fn(usize) -> u64 {
    const KEYS: usize = self::KEYS as usize;
    let keys: Box<[u64; KEYS]> =
        Box::new(std::array::from_fn(|n| number_key((n * 389 % KEYS) as u32)));
    move |turn| keys[turn % KEYS]
}

/// Looks keys up in a map that has them all.
fn map<M: Map<Key = u64, Value = u64>>(name: &'static str, mut map: M) -> Subject {
    map.write(entries().map(|(key, value)| (key, Some(value))));
    let turns = turns();
    subject(name, (), map, move |map, turn| {
        Map::get(map, &turns(turn)).unwrap_or(0)
    })
}

/// The same with one guard, brought up to date for each lookup.
fn refreshed() -> Subject {
    let builder = Builder::new().hasher(hasher());
    let (mut writer, reader) = builder.strategy(EpochStrategy::new()).build::<u64, u64>();
    writer.write().extend(entries());
    // The guard borrows it, and a subject owns what it has.
    let reader: &'static _ = Box::leak(Box::new(reader));
    let turns = turns();
    subject(
        "epoch-refresh",
        writer,
        reader.read(),
        move |guard, turn| {
            guard.refresh();
            guard.get(&turns(turn)).map_or(0, |value| *value)
        },
    )
}

/// One of 1,024 `u64` keys, foldhash for all.
pub(crate) fn gets() -> Vec<Subject> {
    let mut bare = hashbrown::HashMap::with_hasher(hasher());
    bare.extend(entries());
    // By its own calls: with one more caller, the `insert` that `inserts` counts is not inlined.
    let shared = Builder::new().hasher(hasher()).build_concurrent();
    shared.write().extend(entries());
    let [loop_turns, bare_turns, shared_turns] = [turns(), turns(), turns()];
    vec![
        subject("nothing", (), (), move |(), turn| loop_turns(turn)),
        subject("hashbrown", (), bare, move |map, turn| {
            map.get(&bare_turns(turn)).map_or(0, |value| *value)
        }),
        map("epoch", Dbuf::new(EpochStrategy::new(), 0)),
        refreshed(),
        map(
            "epoch-fenced",
            Dbuf::new(EpochStrategy::with_fence(Fence::Symmetric), 0),
        ),
        map("flash", Dbuf::new(FlashStrategy::new(), 0)),
        map("count", Dbuf::new(CountStrategy::new(), 0)),
        subject("get_with", (), shared, move |map, turn| {
            map.get_with(&shared_turns(turn), |value| *value)
                .unwrap_or(0)
        }),
        map("flashmap", Flashmap::with_capacity(0)),
        map("papaya", Papaya::with_capacity(0)),
        map("dashmap", DashMap::with_capacity(0)),
        map("evmap", Evmap::with_capacity(0)),
    ]
}

/// Overwrites one of 1,024 `u64` keys, published before the next: both copies included.
pub(crate) fn inserts() -> Vec<Subject> {
    fn filled<S>(builder: Builder<Hash, S>) -> impl FnMut(u64)
    where
        S: BlockingStrategy,
    {
        let map = builder.build_concurrent();
        map.write().extend(entries());
        move |key| _ = map.insert(key, key)
    }
    fn insert(name: &'static str, mut insert: impl FnMut(u64) + 'static) -> Subject {
        let turns = turns();
        subject(name, (), (), move |(), turn| {
            insert(turns(turn));
            0
        })
    }
    let builder = || Builder::new().hasher(hasher());
    let (mut writer, _reader) = builder().build::<u64, u64>();
    writer.write().extend(entries());
    let mutex = std::sync::Mutex::new(writer);
    let dash = dashmap::DashMap::with_hasher(hasher());
    entries().for_each(|(key, value)| _ = dash.insert(key, value));
    let fenced = EpochStrategy::with_fence(Fence::Symmetric);
    vec![
        insert("nothing", |key| _ = black_box(key)),
        insert("concurrent", filled(builder())),
        insert("concurrent-fenced", filled(builder().strategy(fenced))),
        insert(
            "concurrent-flash",
            filled(builder().strategy(FlashStrategy::new())),
        ),
        insert("mutex-writer", move |key| {
            _ = mutex.lock().unwrap().write().insert(key, key);
        }),
        insert("two-tables", two_tables()),
        insert("dashmap", move |key| _ = dash.insert(key, key)),
    ]
}

/// The least that two copies take: std's mutex, two tables, a log of one entry that names
/// its bucket, the store that publishes and its fence. No reader is provided for, and no panic,
/// growth or rollback.
fn two_tables() -> impl FnMut(u64) {
    struct Copies {
        tables: [HashTable<(u64, u64)>; 2],
        log: Vec<(usize, u64, u64)>,
        front: AtomicUsize,
    }
    let hasher = hasher();
    let tables = [(); 2].map(|()| {
        let mut table = HashTable::with_capacity(KEYS as usize);
        for entry in entries() {
            table.insert_unique(hasher.hash_one(entry.0), entry, |entry| {
                hasher.hash_one(entry.0)
            });
        }
        table
    });
    let copies = std::sync::Mutex::new(Copies {
        tables,
        log: Vec::with_capacity(1),
        front: AtomicUsize::new(0),
    });
    move |key| {
        let copies = &mut *copies.lock().unwrap();
        let back = 1 - *copies.front.get_mut();
        let table = &mut copies.tables[back];
        if let Some((bucket, key, value)) = copies.log.pop() {
            match table.get_bucket_mut(bucket) {
                Some(entry) if entry.0 == key => entry.1 = value,
                _ => unreachable!("no entry moves"),
            }
        }
        if let Ok(mut entry) = table.find_entry(hasher.hash_one(key), |entry| entry.0 == key) {
            entry.get_mut().1 = key;
            copies.log.push((entry.bucket_index(), key, key));
        }
        copies.front.store(back, Ordering::Release);
        fence(Ordering::SeqCst);
    }
}
