//! What becomes of an entry that does not decode.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use dbuf_follow::{Builder, Event, Memory, Problem, State, Stopped, Undecodable};

use crate::common::{SOON, cut_off, live, run, spawn, state};

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
        let follower = spawn(builder);
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
        let follower = spawn(builder);
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
        let mut seen = reports.lock().unwrap().clone();
        seen[2..].sort();
        assert_eq!(seen, ["3", "1", "1", "3"]);
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
