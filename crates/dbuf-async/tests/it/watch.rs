//! Versions that a watcher reports, and when.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::common::{Count, poll, poll_and_cancel};
use dbuf_async::core::{
    ArcReader, ArcWriter, Closed, DoubleBuffer, ReadGuard, Reader, Writer, arc, rc,
};
use dbuf_async::strategies::{EpochStrategy, LocalStrategy, Watched};
use dbuf_async::{Changed, Watcher};
use smol::stream::StreamExt;

type Strategy = Watched<EpochStrategy>;

fn handles() -> (ArcWriter<u32, Strategy>, ArcReader<u32, Strategy>) {
    arc(0, 0, Watched::new(EpochStrategy::new()))
}

#[test]
fn newer_publish_is_reported_at_once_and_once() {
    let (mut writer, reader) = handles();
    let mut watcher = Watcher::new(reader);
    assert!(poll(&mut watcher.changed()).is_pending());
    writer.store(1);
    writer.store(2);
    writer.store(3);
    assert_eq!(poll(&mut watcher.changed()), Poll::Ready(Ok(3)));
    assert_eq!(*watcher.read(), 3);
    assert!(poll(&mut watcher.changed()).is_pending());
}

#[test]
fn new_watcher_has_seen_the_current_version() {
    let (mut writer, reader) = handles();
    let mut early = Watcher::new(reader.clone());
    writer.store(1);
    let mut late = Watcher::new(reader);
    assert_eq!((early.last_seen(), late.last_seen()), (0, 1));
    assert!(poll(&mut late.changed()).is_pending());
    let mut clone = early.clone();
    assert_eq!(poll(&mut early.changed()), Poll::Ready(Ok(1)));
    assert_eq!(poll(&mut clone.changed()), Poll::Ready(Ok(1)));
}

#[test]
fn plain_read_marks_nothing_as_seen() {
    let (mut writer, reader) = handles();
    let mut watcher = Watcher::new(reader);
    writer.store(1);
    assert_eq!(*watcher.read(), 1);
    assert_eq!(watcher.version(), 1);
    assert_eq!(poll(&mut watcher.changed()), Poll::Ready(Ok(1)));
}

#[test]
fn dropped_future_loses_nothing() {
    let (mut writer, reader) = handles();
    let mut watcher = Watcher::new(reader);
    assert_eq!(poll_and_cancel(watcher.changed(), 3), None);
    let (count, waker) = Count::waker();
    let mut changed = watcher.changed();
    assert!(
        Pin::new(&mut changed)
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    drop((changed, waker));
    assert_eq!(
        Arc::strong_count(&count),
        1,
        "a dropped future keeps no waker"
    );
    let mut changed = watcher.changed();
    assert!(poll(&mut changed).is_pending());
    writer.store(1);
    // The woken future is dropped before it is polled again.
    drop(changed);
    assert_eq!(count.wakes(), 0);
    assert_eq!(poll(&mut watcher.changed()), Poll::Ready(Ok(1)));
}

#[test]
fn closed_while_no_writer_is_live() {
    let (writer, reader) = handles();
    let ptr = Arc::clone(reader.ptr());
    let mut watcher = Watcher::new(reader);
    let (count, waker) = Count::waker();
    let mut changed = watcher.changed();
    let mut cx = Context::from_waker(&waker);
    assert!(Pin::new(&mut changed).poll(&mut cx).is_pending());
    drop(writer);
    assert_eq!(count.wakes(), 1);
    assert_eq!(poll(&mut changed), Poll::Ready(Err(Closed)));
    // Polled again, the same future waits for the next publish.
    let mut writer = Writer::claim(Arc::clone(&ptr)).unwrap();
    assert!(Pin::new(&mut changed).poll(&mut cx).is_pending());
    writer.store(7);
    assert_eq!(count.wakes(), 2);
    assert_eq!(poll(&mut changed), Poll::Ready(Ok(1)));
    drop((changed, writer));
    assert!(watcher.is_closed());
    for value in 2..5 {
        let mut writer = Writer::claim(Arc::clone(&ptr)).unwrap();
        assert!(poll(&mut watcher.changed()).is_pending());
        writer.store(value);
        drop(writer);
        assert_eq!(
            poll(&mut watcher.changed()),
            Poll::Ready(Ok(u64::from(value)))
        );
        assert_eq!(*watcher.read(), value);
        assert_eq!(poll(&mut watcher.changed()), Poll::Ready(Err(Closed)));
    }
}

#[test]
fn pending_watch_of_a_weak_reader_does_not_keep_the_buffer_alive() {
    let alive = Arc::new(());
    let (writer, reader) = arc(
        Arc::clone(&alive),
        Arc::clone(&alive),
        Watched::new(EpochStrategy::new()),
    );
    let mut watcher = Watcher::new(writer.weak_reader());
    let (count, waker) = Count::waker();
    let mut changed = watcher.changed();
    let mut cx = Context::from_waker(&waker);
    assert!(Pin::new(&mut changed).poll(&mut cx).is_pending());
    drop(reader);
    drop(writer);
    assert_eq!(Arc::strong_count(&alive), 1);
    assert_eq!(count.wakes(), 1);
    assert_eq!(poll(&mut changed), Poll::Ready(Err(Closed)));
    drop(changed);
    assert!(matches!(watcher.try_read(), Err(Closed)));
    // So is a watcher that never pinned the buffer.
    let mut late = watcher.clone();
    assert_eq!(poll(&mut late.changed()), Poll::Ready(Err(Closed)));
    let mut dead = Watcher::new(watcher.into_reader());
    assert_eq!(poll(&mut dead.changed()), Poll::Ready(Err(Closed)));
}

#[test]
fn publish_of_a_dropped_buffer_is_not_reported() {
    let (mut writer, reader) = handles();
    let mut watcher = Watcher::new(writer.weak_reader());
    drop(reader);
    writer.store(1);
    drop(writer);
    assert_eq!(poll(&mut watcher.changed()), Poll::Ready(Err(Closed)));
}

/// The weak pointer exists before its buffer.
#[test]
fn watcher_made_before_its_buffer_reports_its_publishes() {
    let mut watcher = None;
    let buffer = Arc::new_cyclic(|weak| {
        let mut early = Watcher::new(Reader::new(weak.clone()));
        assert_eq!(poll(&mut early.changed()), Poll::Ready(Err(Closed)));
        watcher = Some(early);
        DoubleBuffer::new(0, 0, Watched::new(EpochStrategy::new()))
    });
    let mut watcher = watcher.unwrap();
    let mut writer = Writer::claim(buffer).unwrap();
    assert!(poll(&mut watcher.changed()).is_pending());
    writer.store(1);
    assert_eq!(poll(&mut watcher.changed()), Poll::Ready(Ok(1)));
}

#[test]
fn forgotten_future_does_not_break_the_watcher() {
    let (mut writer, reader) = handles();
    let mut watcher = Watcher::new(reader);
    let (count, waker) = Count::waker();
    let mut changed = watcher.changed();
    let mut cx = Context::from_waker(&waker);
    assert!(Pin::new(&mut changed).poll(&mut cx).is_pending());
    std::mem::forget(changed);
    let mut changed = watcher.changed();
    assert!(poll(&mut changed).is_pending());
    drop(waker);
    assert_eq!(
        Arc::strong_count(&count),
        1,
        "the new waker replaces the old one"
    );
    writer.store(1);
    assert_eq!(poll(&mut changed), Poll::Ready(Ok(1)));
}

#[test]
fn thousand_watchers_wake_on_one_publish() {
    let (mut writer, reader) = handles();
    let mut watchers: Vec<_> = (0..1000).map(|_| Watcher::new(reader.clone())).collect();
    let mut waits: Vec<_> = watchers.iter_mut().map(Watcher::changed).collect();
    let (count, waker) = Count::waker();
    let mut cx = Context::from_waker(&waker);
    for wait in &mut waits {
        assert!(Pin::new(wait).poll(&mut cx).is_pending());
    }
    writer.store(1);
    assert_eq!(
        count.wakes(),
        1000,
        "each watcher is woken once, by the publish alone"
    );
    let last_seen = |wait: &mut Changed<'_, _>| poll(wait) == Poll::Ready(Ok(1));
    assert!(waits.iter_mut().all(last_seen));
}

#[test]
fn versions_are_a_stream() {
    let (mut writer, reader) = handles();
    let mut watcher = Watcher::new(reader);
    let mut versions = watcher.versions();
    assert!(poll(&mut versions.next()).is_pending());
    for value in 1..4 {
        writer.store(value);
        assert_eq!(
            poll(&mut versions.next()),
            Poll::Ready(Some(u64::from(value)))
        );
        assert_eq!(*versions.read(), value);
    }
    drop(writer);
    assert_eq!(poll(&mut versions.next()), Poll::Ready(None));
    let mut writer = Writer::claim(versions.ptr().clone()).unwrap();
    writer.store(9);
    assert_eq!(poll(&mut versions.next()), Poll::Ready(Some(4)));
}

/// The writer publishes while its own thread holds a guard.
#[test]
fn local_strategy_is_watched() {
    let (mut writer, reader) = rc(0, 0, Watched::new(LocalStrategy::new()));
    let mut watcher = Watcher::new(reader.clone());
    let guard = reader.read();
    assert!(writer.start_swap());
    assert_eq!(poll(&mut watcher.changed()), Poll::Ready(Ok(1)));
    assert_eq!(ReadGuard::version(&guard), 0);
    assert_eq!(watcher.version(), 1);
}
