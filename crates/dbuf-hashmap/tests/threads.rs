//! Readers on other threads see whole batches, in order.

use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::Barrier;
use std::thread;

use dbuf_hashmap::strategies::{EpochStrategy, LockStrategy};
use dbuf_hashmap::{BlockingStrategy, Builder};

const ACCOUNTS: u32 = 8;
const EACH: u32 = 100;

fn transfers_are_never_seen_halfway<S>(strategy: S)
where
    S: BlockingStrategy<ReaderToken: Send> + Send + Sync,
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
                    assert!(map.version() >= last);
                    last = map.version();
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
            // A key that goes and comes back under the readers' eyes.
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
