//! Helpers that the tests share.
#![allow(dead_code, unreachable_pub, reason = "each test uses some of them")]

pub mod engine;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dbuf_follow::{Builder, Error, Event, Follower, Revision, Source, State, Stopped, events};
use futures_core::Stream;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Far more than any test takes.
const LIMIT: Duration = Duration::from_secs(120);

/// The delay between attempts to connect.
pub const SOON: Duration = Duration::from_millis(10);

/// Runs a test on its own runtime.
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

/// Returns the revision and the entries that readers see.
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

/// A builder of a map of strings and numbers, from an engine of bytes.
pub fn builder<S>(source: S) -> Builder<S, String, u64>
where
    S: Source<Key = Vec<u8>, Value = Vec<u8>>,
{
    let number = |value| {
        String::from_utf8(value)?
            .parse::<u64>()
            .map_err(Error::from)
    };
    Builder::decoding(source, String::from_utf8, number).delays(SOON, SOON)
}

/// Follows a source, with the driver in a task.
pub fn start<S>(source: S) -> Follower<String, u64>
where
    S: Source<Key = Vec<u8>, Value = Vec<u8>>,
{
    let (follower, driver) = builder(source).start();
    tokio::spawn(driver);
    follower
}

/// Follows a source until it is live, or returns why it cannot be followed.
pub async fn attempt<S>(source: S) -> Result<Follower<String, u64>, String>
where
    S: Source<Key = Vec<u8>, Value = Vec<u8>>,
{
    let (follower, driver) = builder(source).fail_fast(true).start();
    let driver = tokio::spawn(driver);
    match follower.wait_until(|state| state == State::Live).await {
        Ok(_) => Ok(follower),
        Err(_) => match driver.await.unwrap() {
            Stopped::Unreachable(error) => Err(error.to_string()),
            stopped => panic!("{stopped:?}"),
        },
    }
}

pub type Item<K, V> = Result<Event<K, V>, Error>;

/// A source whose streams a test makes by hand.
pub struct Script<K, V>(Arc<Streams<K, V>>);

struct Streams<K, V> {
    streams: Mutex<VecDeque<UnboundedReceiver<Item<K, V>>>>,
    opened: Mutex<Vec<Option<Revision>>>,
    silence: Option<Duration>,
}

impl<K, V> Script<K, V> {
    pub fn new(silence: Option<Duration>) -> Self {
        Self(Arc::new(Streams {
            streams: Mutex::default(),
            opened: Mutex::default(),
            silence,
        }))
    }

    /// Adds a stream, and returns its sender.
    pub fn stream(&self) -> UnboundedSender<Item<K, V>> {
        let (sender, receiver) = unbounded_channel();
        self.0.streams.lock().unwrap().push_back(receiver);
        sender
    }

    /// Returns the revisions after which streams were opened.
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
