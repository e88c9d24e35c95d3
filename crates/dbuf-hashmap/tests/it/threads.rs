//! Readers on other threads see whole batches, in order.

use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::Barrier;
use std::thread;

use dbuf_hashmap::strategies::{CountStrategy, EpochStrategy, FlashStrategy, LockStrategy};
use dbuf_hashmap::{BlockingStrategy, Builder};

const ACCOUNTS: u32 = 8;
const EACH: u32 = 100;

fn transfers_are_never_seen_halfway<S>(strategy: S)
where
    S: BlockingStrategy,
{
    let rounds = if cfg!(miri) { 20 } else { 2000 };
    let (mut writer, reader) = Builder::new().strategy(strategy).build::<u32, u32>();
    let mut batch = writer.write();
    for account in 0..ACCOUNTS {
        batch.insert(account, EACH);
    }
    batch.publish();

    let (done, start) = (AtomicBool::new(false), Barrier::new(3));
    thread::scope(|scope| {
        for reader in [reader.clone(), reader] {
            let (done, start) = (&done, &start);
            scope.spawn(move || {
                start.wait();
                let mut last = 0;
                while !done.load(Ordering::Relaxed) {
                    let map = reader.read();
                    let version = map.version();
                    assert!(version >= last, "version {version} after {last}");
                    last = version;
                    assert_eq!(map.values().sum::<u32>(), ACCOUNTS * EACH);
                    assert_eq!(map.len() as u32, ACCOUNTS);
                    assert!(reader.get(&(ACCOUNTS - 1)).is_some());
                }
            });
        }
        start.wait();
        for round in 0..rounds {
            let (from, to) = (round % ACCOUNTS, (round * 3 + 1) % ACCOUNTS);
            let mut batch = writer.write();
            if *batch.get(&from).unwrap() > 0 {
                batch.update(&from, |n| *n -= 1);
                batch.update(&to, |n| *n += 1);
            }
            // Removes a key and adds it again while others read.
            let value = batch.remove(&0).unwrap();
            batch.insert(0, value);
            batch.publish();
        }
        done.store(true, Ordering::Relaxed);
    });
    assert_eq!(writer.version(), u64::from(rounds) + 1);
}

#[test]
fn lock() {
    transfers_are_never_seen_halfway(LockStrategy::new());
}

#[test]
fn epoch() {
    transfers_are_never_seen_halfway(EpochStrategy::new());
}

#[test]
fn flash() {
    transfers_are_never_seen_halfway(FlashStrategy::new());
}

#[test]
fn count() {
    transfers_are_never_seen_halfway(CountStrategy::new());
}

#[test]
fn shared_reader_serves_any_thread() {
    let (mut writer, reader) = dbuf_hashmap::new::<u32, u32>();
    let shared = reader.shared();
    let start = Barrier::new(4);
    thread::scope(|scope| {
        for _ in 0..3 {
            let (shared, start) = (shared.clone(), &start);
            scope.spawn(move || {
                start.wait();
                let mut last = 0;
                while last < 20 {
                    let map = shared.read();
                    // A nested read is at least as new.
                    let now = shared.get(&0).map_or(0, |n| *n);
                    let outer = map.get(&0).copied().unwrap_or(0);
                    assert!(now >= outer.max(last), "{now} under {outer}, after {last}");
                    last = now;
                }
            });
        }
        start.wait();
        for n in 1..=20 {
            writer.write().insert(0, n);
        }
    });
}

/// Threads keep and refresh snapshots while a writer moves amounts between keys.
#[test]
fn refreshed_snapshots_are_consistent() {
    let (mut writer, reader) = dbuf_hashmap::new::<u32, u32>();
    writer.write().extend([(0, EACH), (1, EACH)]);
    let shared = &reader.shared();
    let last = if cfg!(miri) { 10 } else { 200 };
    let start = &Barrier::new(3);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(move || {
                let mut map = shared.read();
                start.wait();
                while map.version() <= last {
                    let before = map.version();
                    assert_eq!(map.refresh(), map.version() > before);
                    assert_eq!(map.values().sum::<u32>(), 2 * EACH);
                    thread::yield_now();
                }
            });
        }
        start.wait();
        for round in 0..last as u32 {
            let mut batch = writer.write();
            batch.update(&(round % 2), |n| *n -= 1);
            batch.update(&((round + 1) % 2), |n| *n += 1);
        }
    });
}
