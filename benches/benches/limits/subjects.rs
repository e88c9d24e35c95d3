//! What is read, and by whom.

use std::hash::BuildHasher;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering, fence};

use arc_swap::{ArcSwap, Cache};
use dbuf_hashmap::{BlockingStrategy, Builder};
use dbuf_strategies::core::{OwnedReadGuard, Strategy, arc, rc};
use dbuf_strategies::{
    CountStrategy, EpochStrategy, Fence, FlashStrategy, LocalStrategy, LockStrategy,
};
use hashbrown::HashTable;

pub(crate) type Hash = foldhash::fast::FixedState;

/// A contender: does so many reads when it is called.
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

/// Enter, look at a number, leave.
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

const KEYS: usize = 1024;

/// Spread out, as keys are: the hash of small numbers is a special case.
fn key(n: usize) -> u64 {
    (n as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// Every key in turn, in an order that is none. The table of keys is looked up by all.
fn turns() -> impl Fn(usize) -> u64 {
    let keys: Box<[u64; KEYS]> = Box::new(std::array::from_fn(|n| key(n * 389 % KEYS)));
    move |turn| keys[turn % KEYS]
}

fn our_map<S: BlockingStrategy + 'static>(name: &'static str, strategy: S) -> Subject {
    let builder = Builder::new().hasher(Hash::default()).strategy(strategy);
    let (mut writer, reader) = builder.build::<u64, u64>();
    let mut batch = writer.write();
    (0..KEYS).for_each(|n| {
        batch.insert(key(n), n as u64);
    });
    batch.publish();
    let turns = turns();
    subject(name, writer, reader, move |reader, turn| {
        reader.get(&turns(turn)).map_or(0, |value| *value)
    })
}

/// The same with one guard, brought up to date for each lookup.
fn our_map_refreshed() -> Subject {
    let builder = Builder::new().hasher(Hash::default());
    let (mut writer, reader) = builder.strategy(EpochStrategy::new()).build::<u64, u64>();
    writer.write().extend((0..KEYS).map(|n| (key(n), n as u64)));
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
    macro_rules! filled {
        ($map:expr, $insert:expr) => {{
            let mut map = $map;
            (0..KEYS).for_each(|n| $insert(&mut map, key(n), n as u64));
            map
        }};
    }
    let hash = Hash::default;
    // SAFETY: foldhash with a fixed seed hashes equal keys alike, always.
    let flash = unsafe { flashmap::Builder::new().with_hasher(hash()) };
    let (mut flash, flash_reader) = flash.build::<u64, u64>();
    let mut batch = flash.guard();
    (0..KEYS).for_each(|n| {
        batch.insert(key(n), n as u64);
    });
    batch.publish();
    // SAFETY: as above.
    let ev = unsafe { evmap::Options::default().with_hasher(hash()) };
    let (mut ev, ev_reader) = ev.construct::<u64, u64>();
    (0..KEYS).for_each(|n| {
        ev.insert(key(n), n as u64);
    });
    ev.publish();
    let bare = filled!(
        hashbrown::HashMap::with_hasher(hash()),
        |map: &mut hashbrown::HashMap<u64, u64, Hash>, key, value| {
            map.insert(key, value);
        }
    );
    let dash = filled!(
        dashmap::DashMap::with_hasher(hash()),
        |map: &mut dashmap::DashMap<u64, u64, Hash>, key, value| {
            map.insert(key, value);
        }
    );
    let papaya = filled!(
        papaya::HashMap::with_hasher(hash()),
        |map: &mut papaya::HashMap<u64, u64, Hash>, key, value| {
            map.pin().insert(key, value);
        }
    );
    let shared = Builder::new().hasher(hash()).build_concurrent();
    shared.write().extend((0..KEYS).map(|n| (key(n), n as u64)));
    let [t1, t2, t3, t4, t5, t6, t7] = std::array::from_fn(|_| turns());
    vec![
        subject("nothing", (), (), move |(), turn| t1(turn)),
        subject("hashbrown", (), bare, move |map, turn| {
            map.get(&t2(turn)).map_or(0, |value| *value)
        }),
        our_map("epoch", EpochStrategy::new()),
        our_map_refreshed(),
        our_map("epoch-fenced", EpochStrategy::with_fence(Fence::Symmetric)),
        our_map("flash", FlashStrategy::new()),
        our_map("count", CountStrategy::new()),
        subject("get_with", (), shared, move |map, turn| {
            map.get_with(&t7(turn), |value| *value).unwrap_or(0)
        }),
        subject("flashmap", flash, flash_reader, move |reader, turn| {
            reader.guard().get(&t3(turn)).map_or(0, |value| *value)
        }),
        subject("papaya", (), papaya, move |map, turn| {
            map.pin().get(&t4(turn)).map_or(0, |value| *value)
        }),
        subject("dashmap", (), dash, move |map, turn| {
            map.get(&t5(turn)).map_or(0, |value| *value)
        }),
        subject("evmap", ev, ev_reader, move |reader, turn| {
            reader.get_one(&t6(turn)).map_or(0, |value| *value)
        }),
    ]
}

/// Overwrites one of 1,024 `u64` keys, published before the next: both copies included.
pub(crate) fn inserts() -> Vec<Subject> {
    fn filled<S>(builder: Builder<Hash, S>) -> impl FnMut(u64)
    where
        S: BlockingStrategy,
    {
        let map = builder.build_concurrent();
        map.write().extend((0..KEYS).map(|n| (key(n), n as u64)));
        move |key| _ = map.insert(key, key)
    }
    fn insert(name: &'static str, mut insert: impl FnMut(u64) + 'static) -> Subject {
        let turns = turns();
        subject(name, (), (), move |(), turn| {
            insert(turns(turn));
            0
        })
    }
    let builder = || Builder::new().hasher(Hash::default());
    let (mut writer, _reader) = builder().build::<u64, u64>();
    writer.write().extend((0..KEYS).map(|n| (key(n), n as u64)));
    let mutex = std::sync::Mutex::new(writer);
    let dash = dashmap::DashMap::with_hasher(Hash::default());
    (0..KEYS).for_each(|n| _ = dash.insert(key(n), n as u64));
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
/// its bucket, the store that publishes and its fence. Nobody can read it, and no panic,
/// growth or rollback is provided for.
fn two_tables() -> impl FnMut(u64) {
    struct Copies {
        tables: [HashTable<(u64, u64)>; 2],
        log: Vec<(usize, u64, u64)>,
        front: AtomicUsize,
    }
    let hasher = Hash::default();
    let tables = [(); 2].map(|()| {
        let mut table = HashTable::with_capacity(KEYS);
        for n in 0..KEYS {
            let entry = (key(n), n as u64);
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
