//! One thread without atomics: `LocalStrategy` and the writer of a pair. A task may hold a guard
//! across an await here, and the writer awaits its release.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use dbuf_hashmap::{Builder, LocalStrategy};

use crate::futures::{Polled, counted, poll_and_cancel, yield_now};

const MANY: u32 = if cfg!(miri) { 10 } else { 100 };

#[test]
fn a_local_writer_awaits_readers_of_its_own_thread() {
    let (mut writer, reader) = Builder::new()
        .strategy(LocalStrategy::new())
        .build::<u32, u32>();
    let (written, reads) = (Cell::new(0), Cell::new(0));
    let polls = AtomicUsize::new(0);
    let executor = smol::LocalExecutor::new();
    let readers = (0..3).map(|longer| {
        let reader = reader.clone();
        let (written, reads) = (&written, &reads);
        executor.spawn(async move {
            while written.get() < MANY {
                let guard = reader.read();
                let before: Vec<_> = guard.iter().map(|(k, v)| (*k, *v)).collect();
                // Some guards still live when the writer needs the copy again.
                for _ in 0..=longer {
                    yield_now().await;
                }
                let after: Vec<_> = guard.iter().map(|(k, v)| (*k, *v)).collect();
                assert_eq!(before, after, "a guarded copy was written");
                let len = guard.len() as u32;
                assert!(guard.values().all(|value| *value == len), "half a batch");
                reads.set(reads.get() + 1);
                drop(guard);
                yield_now().await;
            }
        })
    });
    let readers: Vec<_> = readers.collect();
    let (written, polls_of) = (&written, &polls);
    let writes = executor.spawn(async move {
        for n in 1..=MANY {
            let mut batch = counted(writer.write_async(), polls_of).await;
            batch.insert(n, n);
            for old in 1..n {
                batch.insert(old, n);
            }
            batch.publish();
            written.set(n);
            yield_now().await;
        }
    });
    pollster::block_on(executor.run(async {
        writes.await;
        for reader in readers {
            reader.await;
        }
    }));
    assert_ne!(reads.get(), 0, "nothing was read");
    // The writer waited at times; each wait costs one more poll.
    let polls = polls.load(SeqCst) as u32;
    assert!(polls > MANY && polls <= 2 * MANY, "{polls} polls");
    assert_eq!(reader.read().len(), MANY as usize);
}

#[test]
fn a_local_writer_is_woken_once_and_cancelled_at_will() {
    let (mut writer, reader) = Builder::new()
        .strategy(LocalStrategy::new())
        .build::<u32, u32>();
    let guard = reader.read();
    assert_eq!(
        poll_and_cancel(async { writer.write_async().await.insert(1, 1) }, 1),
        Some(None)
    );
    for polls in 0..3 {
        assert!(poll_and_cancel(writer.write_async(), polls).is_none());
        let transaction = writer.transact_async(async |batch| {
            batch.clear();
            Ok::<_, ()>(())
        });
        assert!(poll_and_cancel(transaction, polls).is_none());
    }
    let mut writes = Polled::new(async { writer.write_async().await.insert(2, 2) });
    assert!(writes.poll().is_pending());
    for _ in 0..100 {
        assert_eq!(reader.read().len(), 1);
    }
    assert_eq!(writes.count.wakes(), 0);
    assert!(guard.is_empty());
    drop(guard);
    assert_eq!(writes.count.wakes(), 1);
    assert!(writes.poll().is_ready());
    drop(writes);
    let cut = writer.transact_async(async |batch| {
        batch.clear();
        yield_now().await;
        Ok::<_, ()>(())
    });
    assert!(poll_and_cancel(cut, 1).is_none());
    assert_eq!(reader.read().len(), 2);
}
