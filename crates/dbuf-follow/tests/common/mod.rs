//! What the tests share.
#![allow(dead_code, unreachable_pub, reason = "each test takes a part")]

pub mod engine;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dbuf_follow::{Error, Event, Follower, Revision, Source, State, events};
use futures_core::Stream;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Far more than any test takes.
const LIMIT: Duration = Duration::from_secs(120);

/// Runs a test on a runtime of its own.
pub fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime: Runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let result = runtime
        .block_on(async { tokio::time::timeout(LIMIT, test).await })
        .expect("the test hangs");
    runtime.shutdown_background();
    result
}

/// The state that readers see, and its revision.
pub fn state<K: Ord + Clone, V: Clone, H>(
    follower: &Follower<K, V, H>,
) -> (Revision, BTreeMap<K, V>) {
    let map = follower.map().read();
    let entries = map.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
    (map.revision(), entries)
}

pub async fn live<K, V, H>(follower: &Follower<K, V, H>) {
    let live = follower.wait_until(|state| state == State::Live).await;
    assert_eq!(live, Ok(State::Live));
}

pub async fn cut_off<K, V, H>(follower: &Follower<K, V, H>) {
    let cut_off = |state| matches!(state, State::CutOff { .. });
    follower.wait_until(cut_off).await.unwrap();
}

pub type Item<K, V> = Result<Event<K, V>, Error>;

/// A source whose streams a test plays by hand.
pub struct Script<K, V>(Arc<Played<K, V>>);

struct Played<K, V> {
    streams: Mutex<VecDeque<UnboundedReceiver<Item<K, V>>>>,
    opened: Mutex<Vec<Option<Revision>>>,
    silence: Option<Duration>,
}

impl<K, V> Script<K, V> {
    pub fn new(silence: Option<Duration>) -> Self {
        Self(Arc::new(Played {
            streams: Mutex::default(),
            opened: Mutex::default(),
            silence,
        }))
    }

    /// The next stream.
    pub fn stream(&self) -> UnboundedSender<Item<K, V>> {
        let (sender, receiver) = unbounded_channel();
        self.0.streams.lock().unwrap().push_back(receiver);
        sender
    }

    /// The revisions after which streams were opened.
    pub fn opened(&self) -> Vec<Option<Revision>> {
        self.0.opened.lock().unwrap().clone()
    }
}

impl<K, V> Clone for Script<K, V> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K: Send + 'static, V: Send + 'static> Source for Script<K, V> {
    type Key = K;
    type Value = V;

    fn open(&self, from: Option<Revision>) -> impl Stream<Item = Item<K, V>> + Send {
        self.0.opened.lock().unwrap().push(from);
        let stream = self.0.streams.lock().unwrap().pop_front();
        events(async move |emit| {
            let mut stream = stream.ok_or("no stream")?;
            while let Some(event) = stream.recv().await {
                emit.send(event?).await;
            }
            Ok(())
        })
    }

    fn name(&self) -> String {
        "script".to_owned()
    }

    fn silence(&self) -> Option<Duration> {
        self.0.silence
    }
}
