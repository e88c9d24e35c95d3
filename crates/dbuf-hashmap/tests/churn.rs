//! Thousands of threads start and end: the map stays usable and does not grow. Alone in its
//! process, which counts bytes.
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests always have std"
)]

use std::sync::Barrier;
use std::thread;

use dbuf_hashmap::strategies::{CountStrategy, EpochStrategy, FlashStrategy, LockStrategy};
use dbuf_hashmap::{BlockingStrategy, Builder};
use dbuf_testing::Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The number of threads that live at the same time.
const AT_ONCE: u32 = if cfg!(miri) { 3 } else { 8 };
const WAVES: u32 = if cfg!(miri) { 4 } else { 500 };
const KEYS: u32 = 16;

fn threads_leave_nothing<S>(name: &str, strategy: S)
where
    S: BlockingStrategy,
{
    let map = Builder::new()
        .strategy(strategy)
        .build_concurrent::<u32, u32>();
    for key in 0..KEYS {
        map.insert(key, 0);
    }
    let (map, all_there) = (&map, &Barrier::new(AT_ONCE as usize));
    let wave = |number: u32| {
        thread::scope(|scope| {
            let threads: Vec<_> = (0..AT_ONCE)
                .map(|thread| {
                    scope.spawn(move || {
                        let snapshot = map.read();
                        // A nested read.
                        let again = map.read();
                        let [now, before] = [again.version(), snapshot.version()];
                        assert!(now >= before, "version {now} under {before}");
                        drop((snapshot, again));
                        all_there.wait();
                        map.update(&(number % KEYS), |n| *n += 1);
                        assert!(map.contains_key(&(thread % KEYS)));
                    })
                })
                .collect();
            // `join` also waits for the thread's destructors.
            threads
                .into_iter()
                .for_each(|thread| thread.join().unwrap());
        });
        Counting::live()
    };
    let before = (0..WAVES / 10 + 1).map(wave).max().unwrap();
    let after = (0..WAVES).map(wave).max().unwrap();
    let total: u32 = map.read().values().sum();
    assert_eq!(total, AT_ONCE * (WAVES + WAVES / 10 + 1), "{name}");
    println!(
        "{name}: {before} bytes, and {after} after {} threads more",
        AT_ONCE * WAVES
    );
    assert!(
        after <= before + 4096,
        "{name}: {before} bytes grew to {after}"
    );
    let snapshot = map.write();
    assert_eq!(snapshot.as_map(), snapshot.published());
}

#[test]
fn threads_by_the_thousand_leave_nothing() {
    threads_leave_nothing("Count", CountStrategy::new());
    threads_leave_nothing("Epoch", EpochStrategy::new());
    threads_leave_nothing("Flash", FlashStrategy::new());
    threads_leave_nothing("Lock", LockStrategy::new());
}
