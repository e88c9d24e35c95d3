//! After its patience, a writer that waits reserves the next turn, and is not overtaken once.

use dbuf_hashmap::DefaultStrategy;

use super::{Map, map};
use crate::futures::Polled;

/// An insert that waits behind a batch until it has reserved the next turn.
macro_rules! reserved {
    ($map:ident, $waits:ident) => {
        let batch = pollster::block_on($map.write_async());
        let mut $waits = Polled::new($map.insert_async(1, 1));
        $waits.poll_for_long();
        drop(batch);
    };
}

/// Checks that another writer leaves the turn to the one that waits.
fn assert_next(map: &Map<DefaultStrategy>, mut waits: Polled<'_, Option<u32>>) {
    let mut later = Polled::new(map.insert_async(2, 2));
    assert!(later.poll().is_pending(), "leaves the turn to the first");
    // A publish needs no turn.
    assert!(!map.publish().is_published(), "nothing is pending");
    assert!(waits.poll().is_ready(), "the turn is the first's");
    assert!(later.poll().is_ready(), "the turn is over");
}

#[test]
fn a_writer_that_waited_for_long_gets_the_next_turn() {
    let map = map(DefaultStrategy::new());
    // The second waits when the turn of the first is long over.
    for _ in 0..2 {
        reserved!(map, waits);
        assert_next(&map, waits);
    }
}

/// Nor is a writer that waits for readers, although others arrive after the readers are gone.
#[test]
fn a_writer_that_waited_for_readers_gets_the_next_turn() {
    let map = map(DefaultStrategy::new());
    let reader = map.reader();
    let guard = reader.read();
    pollster::block_on(map.insert_async(0, 0));
    let mut waits = Polled::new(map.insert_async(1, 1));
    waits.poll_for_long();
    drop(guard);
    assert_next(&map, waits);
}

/// The turn of a writer ends when the writer is dropped.
#[test]
fn a_turn_ends_with_its_writer() {
    let map = map(DefaultStrategy::new());
    reserved!(map, waits);
    drop(waits);
    let later = Polled::new(map.insert_async(2, 2)).poll();
    assert!(later.is_ready(), "a dropped writer keeps its turn");
}

/// A task that has reserved the next turn, and is neither polled nor dropped, delays other
/// writers only until its turn lapses.
#[test]
fn an_unused_turn_lapses() {
    let map = map(DefaultStrategy::new());
    reserved!(map, waits);
    // A thread waits for the turn to lapse; a task is woken by then.
    map.insert(2, 2);
    let mut later = Polled::new(map.insert_async(3, 3));
    while later.poll().is_pending() {
        assert!(
            later.count.wakes() > 0,
            "the writer sleeps until a task runs that is never polled"
        );
    }
    assert!(map.try_write().is_some(), "the lock is not free");
    assert_eq!(map.len(), 2);
    assert!(waits.poll().is_ready(), "the first waits on");
}
