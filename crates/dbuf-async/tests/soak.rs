//! 4 tasks write, 8 read, 100 watch; every look is checked against the history.
//!
//! The short form runs with the tests; `.ci/soak` runs the long one for 10 s.
#![cfg(not(any(dbuf_loom, miri)))]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests always have std"
)]

mod common;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use common::yield_now;
use dbuf_async::core::{Batch, BufferPtr, OpWriter, Operation, ReadGuard, arc};
use dbuf_async::strategies::{EpochStrategy, Watched};
use dbuf_async::{Watcher, WriterAsyncExt};
use tokio::runtime::Builder;
use tokio::task::JoinSet;

const WRITERS: usize = 4;
const READERS: usize = 8;
const WATCHERS: usize = 100;

/// How often each task wrote, and the sum, counted apart: half a batch shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Counts {
    of: [u64; WRITERS],
    sum: u64,
}

/// The two halves of a change.
enum Op {
    Count(usize),
    Sum,
}

impl Operation<Counts> for Op {
    fn apply(&mut self, counts: &mut Counts, (): &()) {
        match *self {
            Self::Count(who) => counts.of[who] += 1,
            Self::Sum => counts.sum += 1,
        }
    }
}

/// What was published as which version. A look may come before the writer's note.
#[derive(Default)]
struct History(Mutex<Vec<Option<Counts>>>);

impl History {
    /// Notes what somebody knows of a version; everybody must know the same.
    fn agrees(&self, version: u64, counts: &Counts) {
        let mut noted = self.0.lock().unwrap();
        let at = version as usize;
        if noted.len() <= at {
            noted.resize(at + 1, None);
        }
        let known = noted[at].get_or_insert_with(|| counts.clone());
        assert_eq!(known, counts, "two contents of version {version}");
    }
}

/// One writer's next change: a batch, a transaction, one that fails, or one that is
/// cancelled halfway. Whether it was published.
async fn change<P>(writer: &mut OpWriter<P, Op>, who: usize, kind: u64) -> bool
where
    P: BufferPtr<T = Counts, X = ()>,
{
    match kind % 4 {
        0 => {
            let mut batch = writer.write_async().await;
            batch.apply(Op::Count(who));
            batch.apply(Op::Sum);
            batch.publish();
            true
        }
        kind => {
            let transacts = writer.transact_async(async |batch: &mut Batch<_>| {
                batch.apply(Op::Count(who));
                yield_now().await;
                if kind == 1 {
                    return Err(());
                }
                batch.apply(Op::Sum);
                Ok(())
            });
            if kind == 2 {
                // Cancelled at its first await or the second.
                return common::poll_and_cancel(transacts, 1).is_some();
            }
            transacts.await.is_ok()
        }
    }
}

fn soak(duration: Duration, least: u64) {
    let runtime = Builder::new_multi_thread()
        .worker_threads(4)
        .build()
        .unwrap();
    let end = Instant::now() + duration;
    let (writer, reader) = arc(
        Counts::default(),
        Counts::default(),
        Watched::new(EpochStrategy::new()),
    );
    let writer = Arc::new(tokio::sync::Mutex::new(OpWriter::<_, Op>::new(writer)));
    let history = Arc::new(History::default());
    let (looks, tells) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let last = Arc::new(Mutex::new(Counts::default()));
    let mut tasks = JoinSet::new();
    let _in = runtime.enter();
    for _ in 0..WATCHERS {
        let mut watcher = Watcher::new(reader.clone());
        let (history, tells) = (Arc::clone(&history), Arc::clone(&tells));
        let last = Arc::clone(&last);
        tasks.spawn(async move {
            let mut told = 0;
            while let Ok(version) = watcher.changed().await {
                assert!(version > told);
                told = version;
                let guard = watcher.read();
                let read = ReadGuard::version(&guard);
                assert!(read >= told, "told of {told}, read {read}");
                history.agrees(read, &guard);
                tells.fetch_add(1, Relaxed);
            }
            assert_eq!(told, watcher.version(), "the last publish was not told of");
            assert_eq!(*watcher.read(), *last.lock().unwrap());
        });
    }
    for _ in 0..READERS {
        let reader = reader.clone();
        let (history, looks) = (Arc::clone(&history), Arc::clone(&looks));
        tasks.spawn(async move {
            let mut seen = 0;
            while !reader.is_closed() {
                for _ in 0..20 {
                    let guard = reader.read();
                    let version = ReadGuard::version(&guard);
                    assert!(version >= seen, "read {version} after {seen}");
                    seen = version;
                    assert_eq!(guard.sum, guard.of.iter().sum(), "half a batch");
                    history.agrees(version, &guard);
                    looks.fetch_add(1, Relaxed);
                }
                yield_now().await;
            }
        });
    }
    for who in 0..WRITERS {
        let writer = Arc::clone(&writer);
        let (history, last) = (Arc::clone(&history), Arc::clone(&last));
        tasks.spawn(async move {
            let mut kind = who as u64;
            let mut published = 0;
            while Instant::now() < end || published < least {
                kind += 1;
                let mut writer = writer.lock().await;
                let before = writer.as_writer().version();
                let was = change(&mut writer, who, kind).await;
                published += u64::from(was);
                let version = writer.as_writer().version();
                assert_eq!(version, before + u64::from(was));
                assert_eq!(writer.front().of[who], published, "a write was lost");
                history.agrees(version, writer.front());
                last.lock().unwrap().clone_from(writer.front());
                drop(writer);
                yield_now().await;
            }
        });
    }
    drop(writer);
    runtime.block_on(async {
        while let Some(ended) = tasks.join_next().await {
            ended.unwrap();
        }
    });
    let publishes = reader.version();
    let tells = tells.load(Relaxed);
    assert!(publishes >= least * WRITERS as u64);
    assert!(tells >= WATCHERS as u64);
    println!(
        "{publishes} publishes, {} looks, {tells} announcements, {} versions noted",
        looks.load(Relaxed),
        history.0.lock().unwrap().iter().flatten().count(),
    );
}

#[test]
fn short_soak() {
    soak(Duration::ZERO, 100);
}

#[test]
#[ignore = "takes 10 s: .ci/soak"]
fn long_soak() {
    soak(Duration::from_secs(10), 100);
}
