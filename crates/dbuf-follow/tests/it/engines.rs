//! Tests that every engine passes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use dbuf_follow::{Follower, Problem, Revision, Source, State};

use crate::common::engine::Engine;
use crate::common::{SOON, builder, cut_off, live, run, start, state};

/// A client of an engine, and the source that follows the same keys.
pub(crate) trait Client: Sized {
    type Source: Source<Key = Vec<u8>, Value = Vec<u8>>;

    /// Connects once the engine answers.
    async fn connect(engine: &Engine) -> Self;

    fn source(address: &str, silence: Duration) -> Self::Source;

    fn key(n: u64) -> String;

    async fn put(&self, key: &str, value: impl ToString) -> Revision;
}

/// How long the sources of these tests may be silent.
pub(crate) const SILENCE: Duration = Duration::from_secs(5);

/// Checks that the first publish of a follower is the whole state.
pub(crate) async fn load_is_one_publish(
    follower: &Follower<String, u64>,
    entries: u64,
    revision: Revision,
) {
    let mut watcher = follower.map().watcher();
    let loaded = watcher.wait_for(|map| !map.is_empty()).await;
    assert_eq!(loaded, Ok(1), "the first publish is the whole state");
    let map = follower.map().read();
    assert_eq!((map.len() as u64, map.revision()), (entries, revision));
}

pub(crate) fn killed_engine_is_followed_again<C: Client>(engine: Option<Engine>) {
    let Some(mut engine) = engine else { return };
    run(async {
        let revision = C::connect(&engine).await.put(&C::key(1), 1).await;
        let follower = start(C::source(&engine.address(), SILENCE));
        follower.wait_for(revision).await.unwrap();
        live(&follower).await;
        for n in 2..5 {
            engine.kill();
            cut_off(&follower).await;
            assert_eq!(follower.map().get_cloned(&C::key(n - 1)), Some(n - 1));
            engine.restart();
            let revision = C::connect(&engine).await.put(&C::key(n), n).await;
            follower.wait_for(revision).await.unwrap();
            assert_eq!(follower.map().get_cloned(&C::key(n)), Some(n));
            live(&follower).await;
        }
        assert_eq!(follower.map().len(), 4);
    });
}

pub(crate) fn paused_engine_is_noticed<C: Client>(engine: Option<Engine>) {
    let Some(engine) = engine else { return };
    run(async {
        let client = C::connect(&engine).await;
        let revision = client.put(&C::key(1), 1).await;
        let silence = Duration::from_millis(900);
        let follower = start(C::source(&engine.address(), silence));
        follower.wait_for(revision).await.unwrap();
        live(&follower).await;
        engine.pause(true);
        cut_off(&follower).await;
        assert_eq!(follower.map().get_cloned(&C::key(1)), Some(1));
        engine.pause(false);
        let revision = client.put(&C::key(2), 2).await;
        follower.wait_for(revision).await.unwrap();
        live(&follower).await;
        stays_live(&follower, silence).await;
    });
}

/// Checks that a follower without changes stays live, for longer than its silence.
pub(crate) async fn stays_live(follower: &Follower<String, u64>, silence: Duration) {
    let version = follower.map().read().version();
    let began = Instant::now();
    while began.elapsed() < 2 * silence {
        assert_eq!(follower.state(), State::Live);
        tokio::time::sleep(SOON).await;
    }
    let lag = follower.lag().unwrap();
    assert!(lag < silence, "{lag:?} behind");
    assert_eq!(follower.map().read().version(), version);
}

pub(crate) fn undecodable_entry_is_reported<C: Client>(engine: Option<Engine>) {
    let Some(engine) = engine else { return };
    run(async {
        let client = C::connect(&engine).await;
        client.put(&C::key(1), "one").await;
        client.put(&C::key(2), 2).await;
        let reported = Arc::new(Mutex::new(Vec::new()));
        let reports = Arc::clone(&reported);
        let (follower, driver) = builder(C::source(&engine.address(), SILENCE))
            .on_problem(move |problem| {
                if let Problem::Entry { key, .. } = problem {
                    reports.lock().unwrap().push(key.cloned());
                }
            })
            .start();
        tokio::spawn(driver);
        live(&follower).await;
        assert_eq!(state(&follower).1, BTreeMap::from([(C::key(2), 2)]));
        let revision = client.put(&C::key(1), 1).await;
        follower.wait_for(revision).await.unwrap();
        assert_eq!(state(&follower).1.len(), 2);
        assert_eq!(*reported.lock().unwrap(), [Some(C::key(1))]);
    });
}
