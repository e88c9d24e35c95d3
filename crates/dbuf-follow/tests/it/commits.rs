//! Readers see whole commits of the engine in memory, or of streams that a test makes by hand.

use std::collections::BTreeMap;
use std::sync::mpsc;
use std::task::Poll;
use std::thread;

use dbuf_follow::{Builder, Event, Memory, State};

use crate::common::script::{Script, send};
use crate::common::{agree, follow, live, reaches, read_whole_commits, run, state};

#[test]
fn readers_see_whole_transactions_only() {
    run(async {
        let engine = Memory::new();
        let all = |n: u64| (0..20).map(move |key| Event::Put(key, n));
        let first = engine.commit(all(0));
        let follower = follow(&engine).await;
        let stop = read_whole_commits(&follower, first);
        for n in 1..=300 {
            engine.commit(all(n));
            if n % 50 == 0 {
                engine.cut();
            }
        }
        follower.wait_for(first + 300).await.unwrap();
        stop();
    });
}

#[test]
fn load_is_one_publish_and_the_old_state_is_served_until_then() {
    run(async {
        let script = Script::new(None);
        let stream = script.stream();
        let (follower, driver) = Builder::new(script.clone()).start();
        assert_eq!(follower.state(), State::Loading);
        assert_eq!(follower.lag(), None);
        tokio::spawn(driver);
        send(&stream, [Event::Reset, Event::Put(1, 1), Event::Commit(5)]);
        assert_eq!(follower.wait_for(5).await, Ok(5));
        live(&follower).await;
        assert_ne!(follower.lag(), None);
        let old = follower.map().read().version();

        send(&stream, [Event::Reset]);
        send(&stream, (100..1100).map(|n| Event::Put(n, n)));
        reaches(&follower, State::Loading).await;
        assert_eq!(state(&follower), (5, BTreeMap::from([(1, 1)])));

        send(&stream, [Event::Commit(3)]); // an older revision, as of a restored engine
        live(&follower).await;
        let map = follower.map().read();
        assert_eq!((map.revision(), map.len()), (3, 1000));
        assert_eq!(map.version(), old + 1);
    });
}

#[test]
fn followers_agree_at_each_revision_and_wait_for_reads_writes() {
    run(async {
        let engine = Memory::new();
        let mut followers = Vec::new();
        for _ in 0..3 {
            followers.push(follow(&engine).await);
        }
        // Another thread writes at the same time.
        let load = {
            let engine = engine.clone();
            thread::spawn(move || (0..5000).for_each(|n| _ = engine.put(n % 100, n)))
        };
        for n in 0..500 {
            let revision = engine.put(1000, n);
            for follower in &followers {
                let seen = follower.wait_for(revision).await.unwrap();
                assert!(seen >= revision, "{seen} is seen, not {revision}");
                assert_eq!(follower.map().get_cloned(&1000), Some(n));
            }
        }
        load.join().unwrap();
        agree(&followers, engine.revision()).await;
        for n in 0..50 {
            let revision = engine.commit([Event::Delete(n), Event::Put(n + 1, n)]);
            agree(&followers, revision).await;
        }
    });
}

#[test]
fn changes_are_awaited() {
    run(async {
        let engine = Memory::new();
        let follower = follow(&engine).await;
        let mut watcher = follower.map().watcher();
        let waiting = {
            let follower = follower.clone();
            let mut changed = Box::pin(async move { follower.changed().await });
            // The first poll records the version that it has seen.
            let polled = std::future::poll_fn(|cx| Poll::Ready(changed.as_mut().poll(cx))).await;
            assert_eq!(polled, Poll::Pending);
            tokio::spawn(changed)
        };
        let revision = engine.put(1, 1);
        assert_eq!(waiting.await.unwrap(), Ok(revision));
        watcher.changed().await.unwrap();
        assert_eq!(watcher.borrow_and_update().revision(), revision);
    });
}

#[test]
fn guard_delays_the_driver_and_not_the_engine() {
    run(async {
        let engine = Memory::new();
        engine.put(1, 1);
        let follower = follow(&engine).await;
        let (held, hold) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        let reader = {
            let map = follower.map().clone();
            thread::spawn(move || {
                let guard = map.read();
                held.send(()).unwrap();
                released.recv().unwrap();
                guard[&1]
            })
        };
        hold.recv().unwrap();
        (2..100).for_each(|n| _ = engine.put(1, n));
        release.send(()).unwrap();
        assert_eq!(reader.join().unwrap(), 1, "the guard's value has changed");
        follower.wait_for(engine.revision()).await.unwrap();
        assert_eq!(follower.map().get_cloned(&1), Some(99));
    });
}

#[test]
fn panic_in_a_decoder_ends_the_driver_and_publishes_nothing() {
    run(async {
        let engine = Memory::new();
        let odd = |n: u32| match n {
            666 => panic!("a panic on purpose"),
            _ => Ok::<_, String>(n),
        };
        let (follower, driver) = Builder::decoding(engine.clone(), odd, odd).start();
        let driver = tokio::spawn(driver);
        let revision = engine.put(1, 1);
        follower.wait_for(revision).await.unwrap();
        engine.commit([Event::Put(2, 2), Event::Put(3, 666)]);
        let ended = driver.await;
        assert!(ended.as_ref().is_err_and(|end| end.is_panic()), "{ended:?}");
        assert_eq!(state(&follower), (revision, BTreeMap::from([(1, 1)])));
        assert_eq!(follower.state(), State::Stopped);
    });
}

#[test]
fn driver_that_is_dropped_while_loading_publishes_nothing() {
    run(async {
        let script = Script::new(None);
        let stream = script.stream();
        let (follower, driver) = Builder::new(script).start();
        let driver = tokio::spawn(driver);
        send(&stream, [Event::Reset, Event::Put(1, 1), Event::Commit(1)]);
        follower.wait_for(1).await.unwrap();
        live(&follower).await;
        send(&stream, [Event::Reset, Event::Put(2, 2)]);
        reaches(&follower, State::Loading).await;
        driver.abort();
        reaches(&follower, State::Stopped).await;
        assert_eq!(state(&follower), (1, BTreeMap::from([(1, 1)])));
        assert!(follower.map().is_closed(), "the map still has a writer");
        follower.wait_for(2).await.unwrap_err();
        assert!(stream.is_closed(), "the stream was not dropped");
    });
}

#[test]
fn dropped_driver_that_never_ran_is_stopped() {
    let (follower, driver) = Builder::new(Memory::<u32, u32>::new()).start();
    drop(driver);
    assert_eq!(follower.state(), State::Stopped);
    assert_eq!(follower.revision(), 0);
}

#[test]
fn handles_can_be_sent_to_any_thread() {
    fn any<T: Send + Sync + Clone>(_: &T) {}
    let (follower, driver) = Builder::new(Memory::<u32, u32>::new()).start();
    any(&follower);
    any(follower.map());
    fn send<T: Send>(_: T) {}
    send(driver);
    send(follower.wait_for(1));
    send(follower.changed());
    send(follower.wait_until(|_| true));
}
