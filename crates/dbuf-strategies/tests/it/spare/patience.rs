//! A write that waits for readers before it clones.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use dbuf_strategies::EpochStrategy;
use dbuf_strategies::core::{OnStraggler, OpWriter, Operation, arc};

use super::Copies;

/// A write clones nothing if the readers leave within its patience.
#[test]
fn readers_that_leave_within_the_patience_cost_no_clone() {
    thread_local! {
        static WAITS: Cell<Option<mpsc::Sender<()>>> = const { Cell::new(None) };
    }
    struct Asked;
    impl Operation<Copies> for Asked {
        fn apply(&mut self, value: &mut Copies, (): &()) {
            value.0 += 1;
        }
        /// The writer asks when it has found a reader in its way.
        fn entries(_: &Copies) -> usize {
            if let Some(waits) = WAITS.take() {
                waits.send(()).unwrap();
            }
            1
        }
    }
    let live = Arc::new(AtomicUsize::new(0));
    let (writer, reader) = arc(
        Copies::new(0, &live),
        Copies::new(0, &live),
        EpochStrategy::new(),
    );
    let mut writer = OpWriter::new(writer);
    writer.on_straggler(OnStraggler::Spare {
        after: Duration::from_secs(60),
        up_to: 1,
    });
    let (waits, is_waiting) = mpsc::channel();
    WAITS.set(Some(waits));
    let (reads, has_read) = mpsc::channel();
    let holder = thread::spawn(move || {
        let guard = reader.read();
        reads.send(()).unwrap();
        is_waiting.recv().unwrap();
        // A writer that does not wait is faster than this.
        thread::sleep(Duration::from_millis(20));
        drop(guard);
    });
    has_read.recv().unwrap();
    writer.write().apply(Asked);
    writer.write().apply(Asked);
    assert_eq!((writer.front().0, writer.spare_since()), (2, None));
    assert_eq!(live.load(SeqCst), 2);
    holder.join().unwrap();
}
