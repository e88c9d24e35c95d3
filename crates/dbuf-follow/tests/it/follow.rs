//! Followers of the engine in memory, and of streams that a test makes by hand.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{Script, cut_off, live, run, state};
use dbuf_follow::{Builder, Event, Memory, Problem, State, Stopped, Undecodable, events};
use tokio::sync::oneshot;

const SOON: Duration = Duration::from_millis(1);

#[test]
fn readers_see_whole_transactions_only() {
    const KEYS: u32 = 20;
    run(async {
        let engine = Memory::new();
        let (follower, driver) = Builder::new(engine.clone()).delays(SOON, SOON).start();
        let driver = tokio::spawn(driver);
        let all = |n: u64| (0..KEYS).map(move |key| Event::Put(key, n));
        let first = engine.commit(all(0));
        follower.wait_for(first).await.unwrap();

        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            let readers: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        let (mut seen, mut reads) = (0, 0_u64);
                        while !done.load(Ordering::Relaxed) {
                            let map = follower.map().read();
                            let n = map[&0];
                            assert!(map.values().all(|&value| value == n), "half a commit");
                            assert_eq!(map.revision(), first + n, "the revision of another state");
                            assert!(n >= seen, "{n} after {seen}");
                            (seen, reads) = (n, reads + 1);
                            drop(map);
                            thread::yield_now();
                        }
                        reads
                    })
                })
                .collect();
            for n in 1..=300 {
                engine.commit(all(n));
                if n % 50 == 0 {
                    engine.cut();
                }
            }
            pollster::block_on(follower.wait_for(first + 300)).unwrap();
            done.store(true, Ordering::Relaxed);
            for reader in readers {
                assert!(reader.join().unwrap() > 0);
            }
        });
        driver.abort();
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
        for event in [Event::Reset, Event::Put(1, 1), Event::Commit(5)] {
            stream.send(Ok(event)).unwrap();
        }
        assert_eq!(follower.wait_for(5).await, Ok(5));
        live(&follower).await;
        assert!(follower.lag().is_some());
        let old = follower.map().read().version();

        stream.send(Ok(Event::Reset)).unwrap();
        for n in 100..1100 {
            stream.send(Ok(Event::Put(n, n))).unwrap();
        }
        follower
            .wait_until(|state| state == State::Loading)
            .await
            .unwrap();
        assert_eq!(state(&follower), (5, BTreeMap::from([(1, 1)])));

        stream.send(Ok(Event::Commit(3))).unwrap(); // an older revision, as of a restored engine
        live(&follower).await;
        let map = follower.map().read();
        assert_eq!((map.revision(), map.len()), (3, 1000));
        assert_eq!(map.version(), old + 1);
    });
}

#[test]
fn cut_follower_serves_the_old_state_and_resumes() {
    run(async {
        let engine = Memory::new();
        engine.commit([Event::Put("a", 1), Event::Put("b", 1)]);
        let (follower, driver) = Builder::new(engine.clone()).delays(SOON, SOON).start();
        tokio::spawn(driver);
        live(&follower).await;
        let before = state(&follower);

        engine.shut_down();
        cut_off(&follower).await;
        let since = follower.state();
        engine.delete("a");
        let revision = engine.put("c", 3);
        assert_eq!(state(&follower), before);
        let version = follower.map().read().version();
        assert_eq!(since, follower.state(), "cut off since the same moment");

        engine.restart();
        assert_eq!(follower.wait_for(revision).await, Ok(revision));
        live(&follower).await;
        let entries = BTreeMap::from([("b", 1), ("c", 3)]);
        assert_eq!(state(&follower), (revision, entries));
        // Each of the two commits is one publish, so the state was not loaded again.
        assert_eq!(follower.map().read().version(), version + 2);
    });
}

#[test]
fn compacted_revision_is_loaded_again() {
    run(async {
        let engine = Memory::new();
        engine.commit((0..100).map(|n| Event::Put(n, n)));
        let (follower, driver) = Builder::new(engine.clone()).delays(SOON, SOON).start();
        tokio::spawn(driver);
        live(&follower).await;

        engine.shut_down();
        cut_off(&follower).await;
        engine.commit((0..90).map(Event::Delete));
        let revision = engine.put(7, 70);
        engine.compact(revision);
        let version = follower.map().read().version();
        engine.restart();
        follower.wait_for(revision).await.unwrap();
        let entries = (90..100).map(|n| (n, n)).chain([(7, 70)]).collect();
        assert_eq!(state(&follower), (revision, entries));
        assert_eq!(follower.map().read().version(), version + 1);
    });
}

#[test]
fn follower_that_missed_many_commits_is_loaded_again() {
    run(async {
        let engine = Memory::new();
        let (follower, driver) = Builder::new(engine.clone()).delays(SOON, SOON).start();
        tokio::spawn(driver);
        live(&follower).await;
        engine.shut_down();
        cut_off(&follower).await;
        (0..3000).for_each(|n| _ = engine.put(n % 7, n));
        let last = engine.revision();
        engine.restart();
        follower.wait_for(last).await.unwrap();
        assert_eq!(follower.map().read().version(), 2, "one load, then another");
        assert_eq!(state(&follower).1.len(), 7);
    });
}

#[test]
fn streams_are_opened_after_the_last_revision() {
    run(async {
        let script = Script::new(None);
        let streams: Vec<_> = (0..4).map(|_| script.stream()).collect();
        let (follower, driver) = Builder::new(script.clone()).delays(SOON, SOON).start();
        tokio::spawn(driver);
        let send = |n: usize, events: &[Event<u32, u32>]| {
            for event in events {
                streams[n].send(Ok(*event)).unwrap();
            }
        };
        // A load that does not finish is discarded.
        send(0, &[Event::Reset, Event::Put(9, 9)]);
        streams[0].send(Err("lost".into())).unwrap();
        send(1, &[Event::Reset, Event::Put(1, 1), Event::Commit(4)]);
        follower.wait_for(4).await.unwrap();
        // So is a transaction that does not finish.
        send(1, &[Event::Put(8, 8)]);
        streams[1].send(Err("lost".into())).unwrap();
        // After a progress, the next stream continues there.
        send(2, &[Event::Progress(6)]);
        follower.wait_for(6).await.unwrap();
        streams[2].send(Err("lost".into())).unwrap();
        send(3, &[Event::Put(2, 2), Event::Commit(7)]);
        follower.wait_for(7).await.unwrap();
        assert_eq!(script.opened(), [None, None, Some(4), Some(6)]);
        assert_eq!(state(&follower).1, BTreeMap::from([(1, 1), (2, 2)]));
    });
}

/// A builder of numbers from strings, and the keys of the entries that it reported.
fn numbers(
    engine: &Memory<String, String>,
    policy: Undecodable,
) -> (Builder<Memory<String, String>, u32, u32>, Reports) {
    let reports = Reports::default();
    let seen = Arc::clone(&reports);
    let number = |text: String| text.parse::<u32>();
    let builder = Builder::decoding(engine.clone(), number, number)
        .undecodable(policy)
        .delays(SOON, SOON)
        .on_problem(move |problem| {
            if let Problem::Entry { key, .. } = problem {
                let key = key.map(|key| key.to_string());
                seen.lock().unwrap().push(key.unwrap_or("?".into()));
            }
        });
    (builder, reports)
}

type Reports = Arc<Mutex<Vec<String>>>;

fn put(key: &str, value: &str) -> Event<String, String> {
    Event::Put(key.into(), value.into())
}

#[test]
fn undecodable_entry_is_skipped() {
    run(async {
        let engine = Memory::new();
        engine.commit([put("1", "1"), put("2", "two"), put("three", "3")]);
        let (builder, reports) = numbers(&engine, Undecodable::Skip);
        let (follower, driver) = builder.start();
        tokio::spawn(driver);
        live(&follower).await;
        assert_eq!(state(&follower).1, BTreeMap::from([(1, 1)]));
        let mut seen = reports.lock().unwrap().clone();
        seen.sort(); // a load has no order
        assert_eq!(seen, ["2", "?"]);

        let changes = [put("1", "one"), put("4", "4"), Event::Delete("no".into())];
        let revision = engine.commit(changes);
        follower.wait_for(revision).await.unwrap();
        assert_eq!(state(&follower).1, BTreeMap::from([(4, 4)]));
        assert_eq!(reports.lock().unwrap()[2..], ["1", "?"]);
    });
}

#[test]
fn undecodable_entry_keeps_its_old_value() {
    run(async {
        let engine = Memory::new();
        engine.commit([put("1", "1"), put("2", "2"), put("3", "x")]);
        let (builder, reports) = numbers(&engine, Undecodable::KeepOld);
        let (follower, driver) = builder.start();
        tokio::spawn(driver);
        live(&follower).await;
        let revision = engine.commit([put("1", "one"), put("2", "20")]);
        follower.wait_for(revision).await.unwrap();
        assert_eq!(state(&follower).1, BTreeMap::from([(1, 1), (2, 20)]));

        // It also keeps its value when the state is loaded again.
        engine.shut_down();
        cut_off(&follower).await;
        let revision = engine.commit([Event::Delete("2".into())]);
        engine.compact(revision);
        engine.restart();
        follower.wait_for(revision).await.unwrap();
        assert_eq!(state(&follower).1, BTreeMap::from([(1, 1)]));
        assert_eq!(reports.lock().unwrap().len(), 1 + 1 + 2);
    });
}

#[test]
fn undecodable_entry_stops_the_follower() {
    run(async {
        let engine = Memory::new();
        engine.commit([put("1", "1")]);
        let (builder, reports) = numbers(&engine, Undecodable::Stop);
        let (follower, driver) = builder.start();
        let driver = tokio::spawn(driver);
        live(&follower).await;
        let before = state(&follower);
        let revision = engine.commit([put("2", "2"), put("1", "one")]);
        let stopped = driver.await.unwrap();
        assert!(matches!(stopped, Stopped::Undecodable(_)), "{stopped:?}");
        assert_eq!(reports.lock().unwrap()[..], ["1"]);
        assert_eq!(state(&follower), before);
        assert_eq!(follower.state(), State::Stopped);
        follower.wait_for(revision).await.unwrap_err();
        follower.changed().await.unwrap_err();
        follower
            .wait_until(|state| state == State::Live)
            .await
            .unwrap_err();
        assert_eq!(follower.wait_for(before.0).await, Ok(before.0));
    });
}

#[test]
fn followers_agree_at_each_revision_and_wait_for_reads_writes() {
    run(async {
        let engine = Memory::new();
        let mut followers = Vec::new();
        for _ in 0..3 {
            let (follower, driver) = Builder::new(engine.clone()).delays(SOON, SOON).start();
            tokio::spawn(driver);
            live(&follower).await;
            followers.push(follower);
        }
        // Another thread writes at the same time.
        let load = {
            let engine = engine.clone();
            thread::spawn(move || (0..5000).for_each(|n| _ = engine.put(n % 100, n)))
        };
        for n in 0..500 {
            let revision = engine.put(1000, n);
            for follower in &followers {
                assert!(follower.wait_for(revision).await.unwrap() >= revision);
                assert_eq!(follower.map().get_cloned(&1000), Some(n));
            }
        }
        load.join().unwrap();
        let last = engine.revision();
        for follower in &followers {
            follower.wait_for(last).await.unwrap();
        }
        let states: Vec<_> = followers.iter().map(state).collect();
        assert!(states.iter().all(|state| *state == states[0]));

        // All followers have the same state at each revision.
        for n in 0..50 {
            let revision = engine.commit([Event::Delete(n), Event::Put(n + 1, n)]);
            for follower in &followers {
                follower.wait_for(revision).await.unwrap();
            }
            let states: Vec<_> = followers.iter().map(state).collect();
            assert!(states.iter().all(|state| *state == states[0]));
            assert_eq!(states[0].0, revision);
        }
    });
}

#[test]
fn driver_that_is_dropped_while_loading_publishes_nothing() {
    run(async {
        let script = Script::new(None);
        let stream = script.stream();
        let (follower, driver) = Builder::new(script).start();
        let driver = tokio::spawn(driver);
        for event in [Event::Reset, Event::Put(1, 1), Event::Commit(1)] {
            stream.send(Ok(event)).unwrap();
        }
        follower.wait_for(1).await.unwrap();
        live(&follower).await;
        for event in [Event::Reset, Event::Put(2, 2)] {
            stream.send(Ok(event)).unwrap();
        }
        follower
            .wait_until(|state| state == State::Loading)
            .await
            .unwrap();
        driver.abort();
        let stopped = follower.wait_until(|state| state == State::Stopped).await;
        assert_eq!(stopped, Ok(State::Stopped));
        assert_eq!(state(&follower), (1, BTreeMap::from([(1, 1)])));
        assert!(follower.map().is_closed());
        follower.wait_for(2).await.unwrap_err();
        assert!(stream.is_closed(), "the stream was dropped");
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
        assert!(driver.await.unwrap_err().is_panic());
        assert_eq!(state(&follower), (revision, BTreeMap::from([(1, 1)])));
        assert_eq!(follower.state(), State::Stopped);
    });
}

#[test]
fn silent_stream_is_replaced() {
    run(async {
        let limit = Duration::from_millis(50);
        let script = Script::<u32, u32>::new(Some(limit));
        let (silent, next) = (script.stream(), script.stream());
        let (report, reported) = oneshot::channel();
        let mut report = Some(report);
        let (follower, driver) = Builder::new(script.clone())
            .delays(SOON, SOON)
            .on_problem(move |problem| {
                if let Some(report) = report.take() {
                    report.send(problem.to_string()).unwrap();
                }
            })
            .start();
        tokio::spawn(driver);
        silent.send(Ok(Event::Reset)).unwrap();
        silent.send(Ok(Event::Commit(1))).unwrap();
        live(&follower).await;
        let began = Instant::now();
        let problem = reported.await.unwrap();
        assert!(problem.contains("nothing was heard for 50ms"), "{problem}");
        assert!(began.elapsed() < Duration::from_secs(20));
        next.send(Ok(Event::Progress(1))).unwrap();
        live(&follower).await;
        assert_eq!(script.opened()[..2], [None, Some(1)]);
    });
}

#[test]
fn delays_grow_and_have_jitter() {
    run(async {
        let delays = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&delays);
        let script = Script::<u32, u32>::new(None); // without a stream
        let (first, longest) = (Duration::from_micros(100), Duration::from_micros(800));
        let (follower, driver) = Builder::new(script.clone())
            .delays(first, longest)
            .on_problem(move |problem| match problem {
                Problem::Cut { retry_in, error } => {
                    assert_eq!(error.to_string(), "no stream");
                    seen.lock().unwrap().push(retry_in);
                }
                problem => panic!("{problem:?}"),
            })
            .start();
        let driver = tokio::spawn(driver);
        while script.opened().len() < 30 {
            tokio::task::yield_now().await;
        }
        assert!(matches!(follower.state(), State::CutOff { .. }));
        driver.abort();
        let delays = delays.lock().unwrap();
        for (n, delay) in delays.iter().enumerate() {
            let base = (first * 2_u32.pow(n.min(10) as u32)).min(longest);
            assert!((base..=2 * base).contains(delay), "{n}: {delay:?}");
        }
        let last: std::collections::HashSet<_> = delays[5..].iter().collect();
        assert!(last.len() > 1, "no jitter: {last:?}");
    });
}

#[test]
fn fast_failure_ends_the_driver_before_the_first_load_only() {
    run(async {
        let engine = Memory::<u32, u32>::new();
        engine.shut_down();
        let builder = || {
            Builder::new(engine.clone())
                .fail_fast(true)
                .delays(SOON, SOON)
        };
        let (follower, driver) = builder().start();
        let stopped = driver.await;
        assert!(matches!(stopped, Stopped::Unreachable(_)), "{stopped:?}");
        assert_eq!(stopped.to_string(), "the engine was cut off");
        assert_eq!(follower.state(), State::Stopped);

        engine.restart();
        let (follower, driver) = builder().start();
        tokio::spawn(driver);
        live(&follower).await;
        engine.shut_down();
        cut_off(&follower).await;
        engine.restart();
        live(&follower).await;
    });
}

#[test]
fn changes_are_awaited() {
    run(async {
        let engine = Memory::new();
        let (follower, driver) = Builder::new(engine.clone()).start();
        tokio::spawn(driver);
        live(&follower).await;
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
        let (follower, driver) = Builder::new(engine.clone()).start();
        tokio::spawn(driver);
        let first = engine.put(1, 1);
        follower.wait_for(first).await.unwrap();
        let (held, hold) = std::sync::mpsc::channel();
        let (release, released) = std::sync::mpsc::channel::<()>();
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
        let last = engine.revision();
        release.send(()).unwrap();
        assert_eq!(reader.join().unwrap(), 1);
        follower.wait_for(last).await.unwrap();
        assert_eq!(follower.map().get_cloned(&1), Some(99));
    });
}

#[test]
fn events_makes_a_stream_of_a_future() {
    run(async {
        let emitted = Arc::new(Mutex::new(0_u64));
        let count = Arc::clone(&emitted);
        let mut stream = Box::pin(events::<u64, u64, _>(async move |emit| {
            for n in 0..10_000 {
                emit.send(Event::Put(n, n)).await;
                *count.lock().unwrap() += 1;
            }
            Err("the end".into())
        }));
        let mut next = async || {
            let poll = |cx: &mut Context<'_>| futures_core::Stream::poll_next(stream.as_mut(), cx);
            std::future::poll_fn(poll).await
        };
        for n in 0..10_000 {
            assert_eq!(next().await.unwrap().unwrap(), Event::Put(n, n));
            let ahead = *emitted.lock().unwrap() - n;
            assert!(ahead <= 256, "{ahead} events are queued");
        }
        assert_eq!(next().await.unwrap().unwrap_err().to_string(), "the end");
        assert!(next().await.is_none());
        assert!(next().await.is_none());
    });
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
