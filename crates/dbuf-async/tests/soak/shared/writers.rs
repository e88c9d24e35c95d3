//! Threads and tasks that write.

use std::sync::Arc;
use std::thread;
use std::time::Instant;

use dbuf_async::core::Version;

use super::{Log, Soaked, World};
use crate::common::yield_now;
use crate::ledger::{change, change_async};

/// The least number of turns that a writer takes in a wave. A turn hands the writer over between
/// threads, so it makes several changes.
const MIN_TURNS: u64 = 2;
const CHANGES_PER_TURN: u64 = 16;

/// Returns the version, and how often this writer wrote.
pub(super) fn before<S: Soaked>(log: &Log<S>, writer_index: usize) -> (Version, u64) {
    (log.as_writer().version(), log.front().of[writer_index])
}

pub(super) fn writes<S: Soaked>(world: &World<S>, writer_index: usize, end: Instant) {
    let mut turns = 0;
    while Instant::now() < end || turns < MIN_TURNS {
        turns += 1;
        let mut slot = world.writer.blocking_lock();
        for kind in 0..CHANGES_PER_TURN {
            if kind + turns % CHANGES_PER_TURN == CHANGES_PER_TURN {
                world.claim_again(&mut slot);
            }
            let log = slot.as_mut().unwrap();
            let before = before(log, writer_index);
            let was = change(log, writer_index, kind);
            world.changed(log, writer_index, before, was);
        }
        drop(slot);
        thread::yield_now();
    }
}

pub(super) async fn writes_async<S: Soaked>(
    world: Arc<World<S>>,
    writer_index: usize,
    end: Instant,
) {
    let mut turns = 0;
    while Instant::now() < end || turns < MIN_TURNS {
        turns += 1;
        let mut slot = world.writer.lock().await;
        let log = slot.as_mut().unwrap();
        for kind in 0..CHANGES_PER_TURN {
            let before = before(log, writer_index);
            let was = change_async(log, writer_index, kind).await;
            world.changed(log, writer_index, before, was);
        }
        drop(slot);
        yield_now().await;
    }
}
