//! Watchers of the map: they are notified at least once, can read what is reported, and are polled
//! no more often than they are notified.

use std::thread;

use dbuf_hashmap::{Closed, Operation, Refused};

use super::{MapStrategy, map, over_strategies};
use crate::futures::{Polled, poll_and_cancel};

over_strategies! {
    a_reported_publish_can_be_read
    a_thousand_watchers_are_notified_at_once
    closed_when_the_last_handle_goes
    pending_changes_are_not_reported
    a_write_that_changes_nothing_wakes_no_watcher
    a_borrowed_publish_is_not_reported_again
}

fn a_write_that_changes_nothing_wakes_no_watcher<S: MapStrategy>(new: fn() -> S) {
    let map = map(new());
    map.insert(1, 1);
    let mut watcher = map.watcher();
    let mut waits = Polled::new(watcher.changed());
    assert!(waits.poll().is_pending());
    assert_eq!(map.remove(&2), None);
    assert_eq!(map.remove_entry(&2), None);
    assert_eq!(map.remove_if(&1, |_, _| false), Err(Refused));
    assert_eq!(map.update(&2, |n| *n += 1), None);
    assert!(!map.change(&2, |n| *n += 1));
    assert_eq!(map.try_insert(1, 2), Err((1, 2)));
    assert_eq!(map.get_or_insert_with(1, || 2), 1);
    assert_eq!(map.get_or_try_insert_with(2, || Err(3)), Err(3));
    assert_eq!(map.compute(1, |_| Operation::Abort(4)), Err(4));
    assert_eq!(map.compute(2, |_| Operation::<_>::Remove), Ok(None));
    assert_eq!(map.entry(1, |entry| *entry.key()), 1);
    map.retain(|_, _| true);
    map.shrink_to_fit();
    map.write().extract_if(|_, _| false).for_each(drop);
    map.catch_up();
    drop(map.write());
    pollster::block_on(async {
        assert_eq!(map.remove_async(&2).await, None);
        map.catch_up_async().await;
    });
    assert!(waits.poll().is_pending());
    assert_eq!(waits.count.wakes(), 0);
    map.insert(1, 2);
    assert_eq!(waits.count.wakes(), 1);
}

fn a_borrowed_publish_is_not_reported_again<S: MapStrategy>(new: fn() -> S) {
    let map = map(new());
    let mut watcher = map.watcher();
    map.insert(1, 1);
    assert_eq!(watcher.has_changed(), Ok(true));
    assert_eq!(watcher.borrow_and_update()[&1], 1);
    assert_eq!(watcher.has_changed(), Ok(false));
    assert!(Polled::new(watcher.changed()).poll().is_pending());
    {
        let mut waits = Polled::new(watcher.wait_for(|map| map.len() == 3));
        assert!(waits.poll().is_pending());
        map.insert(2, 2);
        assert!(waits.poll().is_pending());
        assert_eq!(map.stragglers(), 0); // the watcher holds no guard
        map.insert(3, 3);
        assert_eq!(waits.poll(), std::task::Poll::Ready(Ok(3)));
    }
    drop(map);
    assert_eq!(watcher.has_changed(), Err(Closed));
    pollster::block_on(watcher.closed());
}

fn a_reported_publish_can_be_read<S: MapStrategy>(new: fn() -> S) {
    const LAST: u32 = if cfg!(miri) { 20 } else { 3000 };
    let map = map(new());
    let mut watchers: Vec<_> = (0..3).map(|_| map.watcher()).collect();
    thread::scope(|scope| {
        for watcher in &mut watchers {
            scope.spawn(|| {
                pollster::block_on(async {
                    let mut last_seen = 0;
                    while last_seen < u64::from(LAST) {
                        let version = watcher.changed().await.unwrap();
                        assert!(
                            version > last_seen,
                            "version {version} is reported after {last_seen}"
                        );
                        last_seen = version;
                        let guard = watcher.read();
                        assert!(
                            guard.version() >= last_seen,
                            "a reported publish cannot be read yet"
                        );
                        // The n-th publish inserted n.
                        assert_eq!(guard.get(&0).map(|n| u64::from(*n)), Some(guard.version()));
                    }
                    assert_eq!(
                        (last_seen, watcher.last_seen()),
                        (u64::from(LAST), last_seen)
                    );
                });
            });
        }
        pollster::block_on(async {
            for n in 1..=LAST {
                map.insert_async(0, n).await;
            }
        });
    });
}

fn a_thousand_watchers_are_notified_at_once<S: MapStrategy>(new: fn() -> S) {
    let many = if cfg!(miri) { 10 } else { 1000 };
    let map = map(new());
    let mut watchers: Vec<_> = (0..many).map(|_| map.watcher()).collect();
    for round in 1..=3 {
        let mut waiting: Vec<_> = watchers
            .iter_mut()
            .map(|watcher| Polled::new(watcher.changed()))
            .collect();
        for changed in &mut waiting {
            assert!(changed.poll().is_pending());
        }
        for _ in 0..100 {
            assert_eq!(map.get_cloned(&9), None);
        }
        let wakes: usize = waiting.iter().map(|changed| changed.count.wakes()).sum();
        assert_eq!(wakes, 0, "a read wakes a watcher");
        pollster::block_on(map.insert_async(1, round));
        for changed in &mut waiting {
            assert_eq!(changed.count.wakes(), 1);
            assert_eq!(changed.poll(), std::task::Poll::Ready(Ok(u64::from(round))));
            assert_eq!(changed.polls, 2);
        }
    }
}

fn closed_when_the_last_handle_goes<S: MapStrategy>(new: fn() -> S) {
    let map = map(new());
    let other = map.clone();
    let mut watcher = map.watcher();
    let mut news = map.watcher();
    let mut waits = Polled::new(watcher.changed());
    assert!(waits.poll().is_pending());
    pollster::block_on(other.insert_async(1, 1));
    assert!(waits.poll().is_ready());
    drop(waits);
    let mut waits = Polled::new(watcher.changed());
    assert!(waits.poll().is_pending());
    drop(map);
    assert!(waits.poll().is_pending());
    waits.count.take();
    drop(other);
    assert_eq!(waits.count.wakes(), 1);
    assert_eq!(waits.poll(), std::task::Poll::Ready(Err(Closed)));
    drop(waits);
    // The watcher first reports the last publish, then the end. The map stays readable.
    assert_eq!(poll_and_cancel(news.changed(), 1), Some(Ok(1)));
    assert_eq!(poll_and_cancel(news.changed(), 1), Some(Err(Closed)));
    assert_eq!(news.get(&1).as_deref(), Some(&1));
}

fn pending_changes_are_not_reported<S: MapStrategy>(new: fn() -> S) {
    let map = map(new());
    let mut watcher = map.watcher();
    let mut changed = Polled::new(watcher.changed());
    assert!(changed.poll().is_pending());
    pollster::block_on(async {
        map.write_async().await.rollback();
        assert_eq!(
            map.transact_async(async |b| {
                b.insert(1, 1);
                Err::<(), _>(1)
            })
            .await,
            Err(1)
        );
        assert_eq!(map.remove_async(&1).await, None);
        let mut batch = map.write_async().await;
        batch.insert(1, 1);
        batch.defer();
    });
    assert_eq!(changed.count.wakes(), 0);
    assert!(map.publish().is_published());
    assert_eq!(changed.count.wakes(), 1);
    assert_eq!(changed.poll(), std::task::Poll::Ready(Ok(1)));
}

/// On an executor too, a watcher is polled at most twice for each notification.
#[test]
#[cfg(not(miri))]
fn watchers_on_tokio_do_not_poll_busily() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    use crate::futures::counted;

    const WATCHERS: usize = 200;
    const PUBLISHES: u32 = 200;
    let map = map(dbuf_hashmap::DefaultStrategy::new());
    let (polls, last_seen) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build();
    runtime.unwrap().block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..WATCHERS {
            let mut watcher = map.watcher();
            let (polls, last_seen) = (Arc::clone(&polls), Arc::clone(&last_seen));
            tasks.spawn(async move {
                while counted(watcher.changed(), &polls).await.is_ok() {
                    last_seen.fetch_add(1, SeqCst);
                }
                watcher.last_seen()
            });
        }
        for n in 0..PUBLISHES {
            map.insert_async(n, n).await;
            tokio::task::yield_now().await;
        }
        drop(map);
        while let Some(last) = tasks.join_next().await {
            assert_eq!(last.unwrap(), u64::from(PUBLISHES));
        }
    });
    // A pending and a ready poll for each notification, and for the end.
    let (polls, last_seen) = (polls.load(SeqCst), last_seen.load(SeqCst));
    assert!(last_seen >= WATCHERS, "{last_seen} announcements");
    assert!(
        polls <= 2 * (last_seen + WATCHERS),
        "{polls} polls, {last_seen} announcements"
    );
}
