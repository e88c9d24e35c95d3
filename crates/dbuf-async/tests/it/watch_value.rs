//! Watchers that check values while they wait: which versions are seen, and when they close.

use std::sync::Arc;
use std::task::{Context, Poll};

use crate::common::{Count, poll, yield_now};
use dbuf_async::Watcher;
use dbuf_async::core::{ArcReader, ArcWriter, Closed, ReadGuard, Writer, arc};
use dbuf_async::strategies::{EpochStrategy, Watched};

type Strategy = Watched<EpochStrategy>;

fn handles() -> (ArcWriter<u32, Strategy>, ArcReader<u32, Strategy>) {
    arc(0, 0, Watched::new(EpochStrategy::new()))
}

#[test]
fn borrowed_version_is_not_reported_again() {
    let (mut writer, reader) = handles();
    let mut watcher = Watcher::new(reader);
    writer.store(1);
    assert_eq!(*watcher.borrow_and_update(), 1);
    assert!(poll(&mut watcher.changed()).is_pending());
    writer.store(2);
    assert_eq!(poll(&mut watcher.changed()), Poll::Ready(Ok(2)));
    assert!(poll(&mut watcher.changed()).is_pending());
}

#[test]
fn last_seen_version_never_goes_back() {
    let (mut writer, reader) = handles();
    let mut watcher = Watcher::new(reader.clone());
    let old = reader.read();
    writer.store(1);
    assert_eq!(poll(&mut watcher.changed()), Poll::Ready(Ok(1)));
    watcher.mark_seen(ReadGuard::version(&old));
    assert_eq!(watcher.last_seen(), 1);
}

#[test]
fn has_changed_agrees_with_changed() {
    let (mut writer, reader) = handles();
    let mut watcher = Watcher::new(reader);
    assert_eq!(watcher.has_changed(), Ok(false));
    writer.store(1);
    drop(writer);
    assert_eq!(watcher.has_changed(), Ok(true)); // a new version before `Closed`
    assert_eq!(poll(&mut watcher.changed()), Poll::Ready(Ok(1)));
    assert_eq!(watcher.has_changed(), Err(Closed));
}

#[test]
fn wait_for_checks_each_version_once() {
    let (mut writer, reader) = handles();
    let mut watcher = Watcher::new(reader);
    let mut seen = vec![];
    {
        let mut waits = Box::pin(watcher.wait_for(|n| {
            seen.push(*n);
            *n == 3
        }));
        for n in 1..=3 {
            assert!(poll(&mut waits).is_pending());
            assert!(poll(&mut waits).is_pending()); // no publish, no check
            writer.store(n);
        }
        assert_eq!(poll(&mut waits), Poll::Ready(Ok(3)));
    }
    assert_eq!(seen, [0, 1, 2, 3]);
    assert_eq!(watcher.last_seen(), 3);
    assert!(poll(&mut Box::pin(watcher.wait_for(|n| *n == 3))).is_ready());
}

#[test]
fn wait_for_holds_no_guard_and_ends_with_the_writer() {
    let (mut writer, reader) = handles();
    let mut watcher = Watcher::new(reader);
    let mut waits = Box::pin(watcher.wait_for(|n| *n == 9));
    assert!(poll(&mut waits).is_pending());
    writer.store(1);
    assert!(writer.try_finish());
    assert!(poll(&mut waits).is_pending());
    drop(writer);
    assert_eq!(poll(&mut waits), Poll::Ready(Err(Closed)));
}

#[test]
fn closed_marks_nothing_as_seen_and_keeps_no_waker() {
    let (mut writer, reader) = handles();
    let mut watcher = Watcher::new(reader);
    let (count, waker) = Count::waker();
    {
        let mut closed = Box::pin(watcher.closed());
        let mut cx = Context::from_waker(&waker);
        assert!(closed.as_mut().poll(&mut cx).is_pending());
        writer.store(1);
        assert!(closed.as_mut().poll(&mut cx).is_pending());
    }
    drop(waker);
    assert_eq!((count.wakes(), Arc::strong_count(&count)), (1, 1));
    drop(writer);
    assert!(poll(&mut Box::pin(watcher.closed())).is_ready());
    assert_eq!(poll(&mut watcher.changed()), Poll::Ready(Ok(1)));
}

#[test]
fn closed_is_returned_at_once_and_then_after_a_yield() {
    let (writer, reader) = handles();
    let mut watcher = Watcher::new(reader);
    drop(writer);
    let closed = Poll::Ready(Err(Closed));
    assert_eq!(poll(&mut watcher.changed()), closed);
    {
        let (count, waker) = Count::waker();
        let mut again = Box::pin(watcher.changed());
        let mut cx = Context::from_waker(&waker);
        assert!(again.as_mut().poll(&mut cx).is_pending());
        assert_eq!(count.wakes(), 1);
        assert_eq!(again.as_mut().poll(&mut cx), closed);
    }
    let mut writer = Writer::claim(watcher.ptr().clone()).unwrap();
    writer.store(1);
    assert_eq!(poll(&mut watcher.changed()), Poll::Ready(Ok(1)));
    drop(writer);
    assert_eq!(poll(&mut watcher.changed()), closed);
}

/// A task that ignores `Closed` yields to the task that claims, on one thread.
#[test]
fn loop_over_errors_lets_other_tasks_run() {
    let (writer, reader) = handles();
    let mut watcher = Watcher::new(reader);
    let ptr = watcher.ptr().clone();
    drop(writer);
    let local = smol::LocalExecutor::new();
    let ignores = local.spawn(async move {
        loop {
            if let Ok(version) = watcher.changed().await {
                return version;
            }
        }
    });
    let claims = local.spawn(async move {
        yield_now().await;
        Writer::claim(ptr).unwrap().store(1);
    });
    assert_eq!(
        smol::future::block_on(local.run(async {
            claims.await;
            ignores.await
        })),
        1
    );
}
