//! Count's acquire may take a count back, which is a leave and wakes (S6). If the waker panics,
//! `read` unwinds before it has a guard.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::task::{Context, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use dbuf_strategies::CountStrategy;
use dbuf_strategies::core::{DoubleBuffer, SharedReader, arc};

struct Unwinds;
impl Wake for Unwinds {
    // Thousands of times, so without a message.
    fn wake(self: Arc<Self>) {
        resume_unwind(Box::new("from a waker"));
    }
}

type Shared = SharedReader<Arc<DoubleBuffer<u32, CountStrategy>>>;

/// Runs `read` while a writer swaps all the time and waits with a waker that panics.
fn against_a_writer(reads: impl FnOnce(&Shared, &dyn Fn() -> bool) + Send) {
    let (mut writer, reader) = arc(0, 0, CountStrategy::new());
    let shared = reader.shared();
    let stop = &AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(move || {
            let ends = Instant::now() + Duration::from_secs(20);
            let goes_on = move || Instant::now() < ends;
            let result = catch_unwind(AssertUnwindSafe(|| reads(&shared, &goes_on)));
            stop.store(true, SeqCst);
            if let Err(payload) = result {
                resume_unwind(payload);
            }
        });
        let waker = Waker::from(Arc::new(Unwinds));
        while !stop.load(SeqCst) {
            let _ = catch_unwind(AssertUnwindSafe(|| {
                writer.start_swap();
                let _ = writer.poll_finish(&mut Context::from_waker(&waker));
            }));
        }
    });
}

#[test]
fn read_that_unwinds_counts_no_guard() {
    against_a_writer(|shared, goes_on| {
        while goes_on() {
            match catch_unwind(AssertUnwindSafe(|| shared.read())) {
                Ok(guard) => drop(catch_unwind(AssertUnwindSafe(|| drop(guard)))),
                Err(_) => {
                    assert!(!shared.has_guard(), "a guard that does not exist");
                    return;
                }
            }
        }
        panic!("no read unwound");
    });
}
