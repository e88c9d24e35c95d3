//! Readers register, read, move to other threads and go, while a writer writes to each back
//! that it gets.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::{Duration, Instant};

use dbuf_strategies::core::{ArcReader, BlockingStrategy, ReadGuard, Reader, arc};
use dbuf_strategies::{EpochStrategy, Fence, FlashStrategy};

type Wide = [u64; 64];

fn read_value<S: BlockingStrategy>(reader: &ArcReader<Wide, S>, last: &mut u64) {
    let mut guard = reader.read();
    for _ in 0..3 {
        // SAFETY: a reference to a word is valid for a read.
        let first = unsafe { (&raw const guard[0]).read_volatile() };
        assert!(first >= *last, "an older value after a newer one");
        for word in guard.iter() {
            // SAFETY: a reference to a word is valid for a read.
            let word = unsafe { (&raw const *word).read_volatile() };
            assert_eq!(word, first, "written under a guard");
        }
        *last = first;
        ReadGuard::refresh(&mut guard);
    }
}

fn churn<S>(strategy: S)
where
    S: BlockingStrategy + 'static,
{
    let (mut writer, reader) = arc([0; 64], [0; 64], strategy);
    let ptr = Arc::clone(writer.ptr());
    drop(reader);
    let stop = &AtomicBool::new(false);
    let (give, take) = sync_channel::<ArcReader<Wide, S>>(1);
    thread::scope(|scope| {
        for n in 0..2 {
            let (ptr, give) = (Arc::clone(&ptr), give.clone());
            scope.spawn(move || {
                let mut last = 0;
                while !stop.load(Relaxed) {
                    let reader = Reader::new(Arc::clone(&ptr));
                    read_value(&reader, &mut last);
                    if n == 0 {
                        std::mem::forget(reader.read());
                        drop(reader);
                        let again = Reader::new(Arc::clone(&ptr));
                        read_value(&again, &mut last);
                        let _ = give.try_send(again);
                    }
                }
            });
        }
        drop(give);
        scope.spawn(move || {
            let mut last = 0;
            for reader in take {
                read_value(&reader, &mut last);
            }
        });
        let ends = Instant::now() + Duration::from_secs(1);
        let mut value = 0;
        while Instant::now() < ends {
            for _ in 0..100 {
                if let Some(back) = writer.try_back_mut() {
                    value += 1;
                    for word in back.iter_mut() {
                        // SAFETY: an exclusive reference to a word is valid for a write.
                        unsafe { (&raw mut *word).write_volatile(value) };
                    }
                    writer.start_swap();
                }
            }
        }
        stop.store(true, Relaxed);
        assert!(
            writer.finish_timeout(Duration::from_secs(10)),
            "a reader was overlooked, or a wait did not end"
        );
        eprintln!("{value} swaps");
    });
}

#[test]
fn adaptive() {
    churn(EpochStrategy::new());
}
#[test]
fn asymmetric() {
    churn(EpochStrategy::with_fence(Fence::Asymmetric));
}
#[test]
fn symmetric() {
    churn(EpochStrategy::with_fence(Fence::Symmetric));
}
#[test]
fn flash() {
    churn(FlashStrategy::new());
}
