//! Models of tasks that await a publish while the writer publishes (V1 to V3, T1 to T3).

use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use core::task::{Context, Poll};
use std::sync::Arc;
use std::task::{Wake, Waker};

use dbuf_core::sync::Sleeper;
use dbuf_core::{ArcReader, ArcWriter, Closed, DoubleBuffer, ReadGuard, Reader, Writer, arc};
use dbuf_strategies::{CountStrategy, EpochStrategy, FlashStrategy, LockStrategy, Waiter, Watched};
use dbuf_testing::Tracked;
use dbuf_testing::models::Modelled;
use loom::thread;

struct WakeThread(Sleeper);

impl Wake for WakeThread {
    fn wake(self: Arc<Self>) {
        self.0.wake();
    }
}

/// Polls and sleeps until there is a change. A lost wake is a deadlock, which loom reports.
/// `slept` counts the sleeps.
fn wait(waiter: &mut Waiter, last_seen: u64, slept: &AtomicUsize) -> Result<u64, Closed> {
    let thread = Arc::new(WakeThread(Sleeper::new()));
    let waker = Waker::from(Arc::clone(&thread));
    let mut cx = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(change) = waiter.poll_changed(last_seen, &mut cx) {
            return change;
        }
        slept.fetch_add(1, Relaxed);
        thread.0.sleep(None);
    }
}

type Handles<S> = (
    ArcWriter<Tracked, Watched<S>>,
    ArcReader<Tracked, Watched<S>>,
);

fn handles<S: Modelled>(new: fn() -> S) -> Handles<S> {
    arc(Tracked::new(0), Tracked::new(0), Watched::new(new()))
}

/// Runs every interleaving with at most that many preemptions. In some of them a task must
/// have slept, or the model proves nothing.
fn check(preemptions: usize, body: impl Fn(&Arc<AtomicUsize>) + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(Some(preemptions));
    let slept = Arc::new(AtomicUsize::new(0));
    let in_model = Arc::clone(&slept);
    builder.check(move || body(&in_model));
    assert!(slept.load(Relaxed) > 0, "no task slept");
}

/// Makes two publishes and a close: each publish that is announced can be read, and the close
/// comes last.
fn announced_publish_can_be_read<S: Modelled>(new: fn() -> S) {
    check(2, move |slept| {
        let (mut writer, reader) = handles(new);
        let slept = Arc::clone(slept);
        let mut waiter = reader.strategy().waiter();
        let waits = thread::spawn(move || {
            let mut last_seen = 0;
            while let Ok(version) = wait(&mut waiter, last_seen, &slept) {
                assert!(version > last_seen, "version {version} after {last_seen}");
                last_seen = version;
                let guard = reader.read();
                let read = ReadGuard::version(&guard);
                assert!(read >= last_seen, "read version {read} after {last_seen}");
                assert_eq!(guard.get() as u64, read);
            }
            assert_eq!(last_seen, 2, "closed before the last publish was announced");
        });
        let writes = thread::spawn(move || {
            for value in 1..3 {
                writer.back_mut().set(value);
                assert!(writer.start_swap());
            }
        });
        writes.join().unwrap();
        waits.join().unwrap();
    });
}

/// Two tasks wait for one publish.
fn every_waiter_is_woken<S: Modelled>(new: fn() -> S) {
    check(2, move |slept| {
        let (mut writer, reader) = handles(new);
        let waits: Vec<_> = (0..2)
            .map(|_| {
                let slept = Arc::clone(slept);
                let mut waiter = reader.strategy().waiter();
                thread::spawn(move || assert_eq!(wait(&mut waiter, 0, &slept), Ok(1)))
            })
            .collect();
        assert!(writer.start_swap());
        for wait in waits {
            wait.join().unwrap();
        }
    });
}

/// One task cancels its wait, which must not take the other's wake away.
fn cancelled_wait_takes_no_wake_away<S: Modelled>(new: fn() -> S) {
    check(2, move |slept| {
        let (mut writer, reader) = handles(new);
        let slept = Arc::clone(slept);
        let mut stays = reader.strategy().waiter();
        let mut goes = reader.strategy().waiter();
        let waits = thread::spawn(move || assert_eq!(wait(&mut stays, 0, &slept), Ok(1)));
        let cancels = thread::spawn(move || {
            let mut cx = Context::from_waker(Waker::noop());
            let _ = goes.poll_changed(0, &mut cx);
            goes.leave();
            // Once more, when there is nothing newer.
            let last_seen = goes.version();
            let _ = goes.poll_changed(last_seen, &mut cx);
        });
        assert!(writer.start_swap());
        waits.join().unwrap();
        cancels.join().unwrap();
    });
}

/// The claim passes from one thread to another while a task waits: a task that gets `Closed`
/// can claim, and no two publishes have the same number.
fn closed_buffer_can_be_claimed<S: Modelled>(new: fn() -> S) {
    check(2, move |slept| {
        let buffer = Arc::new(DoubleBuffer::new(
            Tracked::new(0),
            Tracked::new(0),
            Watched::new(new()),
        ));
        let reader = Reader::new(Arc::clone(&buffer));
        let mut writer = Writer::claim(Arc::clone(&buffer)).unwrap();
        let slept = Arc::clone(slept);
        let waits = thread::spawn(move || {
            let mut waiter = reader.strategy().waiter();
            let mut last_seen = 0;
            while let Ok(version) = wait(&mut waiter, last_seen, &slept) {
                last_seen = version;
            }
            assert_eq!(last_seen, 1);
            let mut writer =
                Writer::claim(buffer).expect("the waiter reported that no writer is claimed");
            if let Some(back) = writer.try_back_mut() {
                back.set(2);
                assert!(writer.start_swap());
                assert_eq!((writer.version(), waiter.version()), (2, 2));
                assert_eq!(reader.read().get(), 2);
            }
        });
        let writes = thread::spawn(move || {
            writer.back_mut().set(1);
            assert!(writer.start_swap());
        });
        writes.join().unwrap();
        waits.join().unwrap();
    });
}

macro_rules! models {
    ($($name:ident, $strategy:ident;)+) => {
        $(mod $name {
            use super::*;

            #[test]
            fn announced_publish_can_be_read() {
                super::announced_publish_can_be_read($strategy::new);
            }

            #[test]
            fn every_waiter_is_woken() {
                super::every_waiter_is_woken($strategy::new);
            }

            #[test]
            fn cancelled_wait_takes_no_wake_away() {
                super::cancelled_wait_takes_no_wake_away($strategy::new);
            }

            #[test]
            fn closed_buffer_can_be_claimed() {
                super::closed_buffer_can_be_claimed($strategy::new);
            }
        })+
    };
}

models! {
    lock, LockStrategy;
    count, CountStrategy;
    epoch, EpochStrategy;
    flash, FlashStrategy;
}
