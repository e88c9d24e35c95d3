//! A follower that is cut off serves its old state, reconnects, and continues or loads again.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex};
use std::task::Context;
use std::time::{Duration, Instant};

use dbuf_follow::{Builder, Event, Memory, Problem, State, Stopped, events};
use tokio::sync::oneshot;

use crate::common::script::{Script, send};
use crate::common::{SOON, cut_off, follow, live, run, spawn, state};

#[test]
fn cut_follower_serves_the_old_state_and_resumes() {
    run(async {
        let engine = Memory::new();
        engine.commit([Event::Put("a", 1), Event::Put("b", 1)]);
        let follower = follow(&engine).await;
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
        let follower = follow(&engine).await;
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
        let follower = follow(&engine).await;
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
        let streams = [(); 4].map(|()| script.stream());
        let lose = |n: usize| streams[n].send(Err("lost".into())).unwrap();
        let follower = spawn(Builder::new(script.clone()).delays(SOON, SOON));
        // A load that does not finish is discarded.
        send(&streams[0], [Event::Reset, Event::Put(9, 9)]);
        lose(0);
        let load = [Event::Reset, Event::Put(1, 1), Event::Commit(4)];
        send(&streams[1], load);
        follower.wait_for(4).await.unwrap();
        // So is a transaction that does not finish.
        send(&streams[1], [Event::Put(8, 8)]);
        lose(1);
        // After a progress, the next stream continues there.
        send(&streams[2], [Event::Progress(6)]);
        follower.wait_for(6).await.unwrap();
        lose(2);
        send(&streams[3], [Event::Put(2, 2), Event::Commit(7)]);
        follower.wait_for(7).await.unwrap();
        assert_eq!(script.opened(), [None, None, Some(4), Some(6)]);
        assert_eq!(state(&follower).1, BTreeMap::from([(1, 1), (2, 2)]));
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
        let builder = Builder::new(script.clone()).delays(SOON, SOON);
        let follower = spawn(builder.on_problem(move |problem| {
            if let Some(report) = report.take() {
                report.send(problem.to_string()).unwrap();
            }
        }));
        send(&silent, [Event::Reset, Event::Commit(1)]);
        live(&follower).await;
        let began = Instant::now();
        let problem = reported.await.unwrap();
        assert!(problem.contains("nothing was heard for 50ms"), "{problem}");
        let took = began.elapsed();
        assert!(took < Duration::from_secs(20), "noticed after {took:?}");
        send(&next, [Event::Progress(1)]);
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
        let state = follower.state();
        assert!(matches!(state, State::CutOff { .. }), "{state:?}");
        driver.abort();
        let delays = delays.lock().unwrap();
        for (n, delay) in delays.iter().enumerate() {
            let base = (first * 2_u32.pow(n.min(10) as u32)).min(longest);
            assert!((base..=2 * base).contains(delay), "{n}: {delay:?}");
        }
        let last: HashSet<_> = delays[5..].iter().collect();
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
        let follower = spawn(builder());
        live(&follower).await;
        engine.shut_down();
        cut_off(&follower).await;
        engine.restart();
        live(&follower).await;
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
        for _ in 0..2 {
            let more = next().await;
            assert!(more.is_none(), "{more:?}");
        }
    });
}
