//! The operation log when user code unwinds halfway, and when a batch's owner lies.
#![forbid(unsafe_code)]

mod kept;
mod owners;
mod panics;
mod rollback;
mod starts;
mod without_clone;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;

use dbuf_strategies::core::{BlockingStrategy, DoubleBuffer, OpWriter, Operation, Strategy, arc};

/// Pushes a number. It panics on its second application, or when dropped, on request.
struct Push {
    value: u32,
    replay_panics: bool,
    drop_panics: bool,
    dropped: Arc<AtomicUsize>,
}

impl Push {
    fn new(value: u32) -> Self {
        Self {
            value,
            replay_panics: false,
            drop_panics: false,
            dropped: Arc::default(),
        }
    }
}

impl Operation<Vec<u32>> for Push {
    fn apply(&mut self, target: &mut Vec<u32>, _: &()) {
        target.push(self.value);
    }
    fn apply_once(self, target: &mut Vec<u32>, _: &()) {
        target.push(self.value);
        assert!(!self.replay_panics, "replay panics halfway");
    }
}

impl Drop for Push {
    fn drop(&mut self) {
        self.dropped.fetch_add(1, SeqCst);
        assert!(!self.drop_panics || thread::panicking(), "drop panics");
    }
}

type Log<S> = OpWriter<Arc<DoubleBuffer<Vec<u32>, S>>, Push>;

fn log<S: Strategy>(strategy: S) -> Log<S> {
    OpWriter::new(arc(vec![], vec![], strategy).0)
}

/// Checks both copies, when the log is empty.
#[track_caller]
fn assert_copies<S: BlockingStrategy>(mut writer: Log<S>, expected: &[u32]) {
    writer.catch_up();
    let mut raw = writer.into_writer();
    let (front, back) = raw.split_mut();
    assert_eq!((&front[..], &back[..]), (expected, expected));
}
