//! Helpers that the tests share.
#![allow(dead_code, unreachable_pub, reason = "each test uses some of them")]

pub mod engine;
pub mod script;
pub mod tls;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use dbuf_follow::{Builder, Error, Follower, Memory, Revision, Source, State, Stopped};
use tokio::runtime::Runtime;

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

/// Waits until a follower is in a state.
pub async fn reaches<K, V, H>(follower: &Follower<K, V, H>, expected: State) {
    let reached = follower.wait_until(|state| state == expected).await;
    assert_eq!(reached, Ok(expected));
}

pub async fn live<K, V, H>(follower: &Follower<K, V, H>) {
    reaches(follower, State::Live).await;
}

pub async fn cut_off<K, V, H>(follower: &Follower<K, V, H>) {
    let cut_off = |state| matches!(state, State::CutOff { .. });
    follower.wait_until(cut_off).await.unwrap();
}

/// Checks that all followers see the same entries at a revision, which is the engine's last.
pub async fn agree<K, V, H>(followers: &[Follower<K, V, H>], revision: Revision)
where
    K: Ord + Clone + Debug,
    V: Clone + PartialEq + Debug,
{
    let mut first = None;
    for follower in followers {
        follower.wait_for(revision).await.unwrap();
        let state = state(follower);
        assert_eq!(state.0, revision, "the follower is ahead of the engine");
        assert_eq!(*first.get_or_insert_with(|| state.clone()), state);
    }
}

/// Starts threads that read a follower until the returned function is called. Each commit of the
/// engine must set all values to one number: 0 at revision `first`, 1 at the next, and so on.
pub fn read_whole_commits<K>(follower: &Follower<K, u64>, first: Revision) -> impl FnOnce()
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
{
    let done = Arc::new(AtomicBool::new(false));
    let readers = [(); 4].map(|()| {
        let (map, done) = (follower.map().clone(), Arc::clone(&done));
        thread::spawn(move || {
            let (mut seen, mut reads) = (0, 0_u64);
            while !done.load(Ordering::Relaxed) {
                let map = map.read();
                let n = *map.values().next().expect("the first commit is seen");
                assert!(map.values().all(|&value| value == n), "half a commit");
                assert_eq!(map.revision(), first + n, "the revision of another state");
                assert!(n >= seen, "{n} after {seen}");
                (seen, reads) = (n, reads + 1);
                drop(map);
                thread::yield_now();
            }
            reads
        })
    });
    move || {
        done.store(true, Ordering::Relaxed);
        for reader in readers {
            assert!(reader.join().unwrap() > 0, "a reader has read nothing");
        }
    }
}

/// Starts a follower, with the driver in a task.
pub fn spawn<S, K, V>(builder: Builder<S, K, V>) -> Follower<K, V>
where
    S: Source,
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    let (follower, driver) = builder.start();
    tokio::spawn(driver);
    follower
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

/// Follows an engine of bytes.
pub fn start<S>(source: S) -> Follower<String, u64>
where
    S: Source<Key = Vec<u8>, Value = Vec<u8>>,
{
    spawn(builder(source))
}

/// Follows an engine in memory until it is live.
pub async fn follow<K, V>(engine: &Memory<K, V>) -> Follower<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    let follower = spawn(Builder::new(engine.clone()).delays(SOON, SOON));
    live(&follower).await;
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
