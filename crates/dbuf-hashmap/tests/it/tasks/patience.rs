//! A task that waits for a reader goes on without it once it has waited for long enough.

use std::thread;
use std::time::{Duration, Instant};

use dbuf_hashmap::{Builder, ConcurrentHashMap, OnStraggler};
use pollster::block_on;

use crate::futures::Polled;

const PATIENCE: Duration = Duration::from_millis(50);

fn map() -> ConcurrentHashMap<u32, u32> {
    Builder::new()
        .on_straggler(OnStraggler::Spare {
            after: PATIENCE,
            up_to: usize::MAX,
        })
        .build_concurrent()
}

#[test]
fn the_wait_does_not_begin_again_with_each_poll() {
    let map = map();
    let reader = map.reader();
    let _guard = reader.read();
    block_on(map.insert_async(0, 0));
    let began = Instant::now();
    let mut waits = Polled::new(map.insert_async(1, 1));
    while waits.poll().is_pending() {
        assert!(
            began.elapsed() < 100 * PATIENCE,
            "it waits forever while it is polled"
        );
    }
    assert!(began.elapsed() >= PATIENCE, "it has not waited");
    assert_eq!(map.get_cloned(&1), Some(1));
}

/// The time for which it waited for one reader does not count for the next one.
#[test]
fn the_wait_begins_again_with_the_next_reader() {
    loop {
        let map = map();
        let (first, second) = (map.reader(), map.reader());
        let first = first.read();
        block_on(map.insert_async(0, 0));
        let mut waits = Polled::new(map.insert_async(1, 1));
        assert!(waits.poll().is_pending(), "the first reader has a guard");
        thread::sleep(PATIENCE);
        let _second = second.read();
        drop(first);
        block_on(map.insert_async(2, 2));
        let began = Instant::now();
        let polled = waits.poll();
        // This thread may have been stopped for long.
        if began.elapsed() < PATIENCE {
            assert!(polled.is_pending(), "it has not waited for the second");
            return;
        }
    }
}
