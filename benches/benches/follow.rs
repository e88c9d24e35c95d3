//! A map that follows a real etcd on loopback: a load of 100,000 keys, the time from a
//! commit's acknowledgement to its visibility, and reads beside commits and reloads.
//!
//! `cargo bench -p dbuf-bench --features etcd --bench follow`
//!
//! Criterion has the load and the reads; the percentiles are printed behind.
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "as the file of the tests that it shares"
)]

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group};
use dbuf_follow::etcd_client::{self, Client, Txn, TxnOp};
use dbuf_follow::{Builder, Etcd, Event, Follower, Memory, Revision, Source, State};
use foldhash::fast::FixedState;
use futures_core::Stream;
use hdrhistogram::Histogram;
use tokio::runtime::Runtime;

#[allow(
    dead_code,
    unreachable_pub,
    reason = "the tests' own, of which a part is used"
)]
#[path = "../../crates/dbuf-follow/tests/common/engine.rs"]
mod engine;

use engine::{Engine, ready};

const KEYS: u64 = 100_000;
/// A map of so few fits into the cache twice.
const FEW_KEYS: u64 = 5_000;
/// What one transaction puts in the load.
const PAGE: u64 = 5000;
const PAUSE: Duration = Duration::from_millis(10);
/// Lookups that are timed as one.
const BLOCK: u64 = 1000;

type Map = Follower<u64, u64, FixedState>;

/// An etcd with all keys, and a client of it.
struct World {
    keys: u64,
    runtime: Runtime,
    engine: Engine,
    client: Client,
}

impl World {
    fn new(keys: u64) -> Option<Self> {
        let engine = Engine::etcd()?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let client = runtime.block_on(ready(async || {
            let client = Client::connect([engine.address()], None).await?;
            client.kv_client().get("ready", None).await?;
            Ok::<_, etcd_client::Error>(client)
        }));
        let world = Self {
            keys,
            runtime,
            engine,
            client,
        };
        for page in 0..keys / PAGE {
            let keys = page * PAGE..(page + 1) * PAGE;
            let puts: Vec<_> = keys.map(|key| TxnOp::put(name(key), "0", None)).collect();
            let txn = Txn::new().and_then(puts);
            let done = world.client.kv_client();
            let response = world.runtime.block_on(async { { done }.txn(txn).await });
            assert!(response.unwrap().succeeded());
        }
        Some(world)
    }

    /// A follower that has loaded all.
    fn follow(&self) -> Map {
        let source = Etcd::new([self.engine.address()], "/k/");
        let number = |bytes: Vec<u8>| String::from_utf8(bytes)?.parse::<u64>().map_err(boxed);
        let builder = Builder::decoding(source, move |key| number(key[3..].into()), number);
        let (follower, driver) = builder.hasher(FixedState::default()).start();
        self.runtime.spawn(driver);
        let live = follower.wait_until(|state| state == State::Live);
        self.runtime.block_on(live).unwrap();
        assert_eq!(follower.map().len() as u64, self.keys);
        follower
    }

    async fn put(client: &Client, key: u64, value: u64) -> Revision {
        let mut kv = client.kv_client();
        let response = kv.put(name(key), value.to_string(), None).await.unwrap();
        response.header().unwrap().revision() as Revision
    }

    /// Runs something beside a commit every 10 ms.
    fn beside_commits<R>(&self, run: impl FnOnce() -> R) -> R {
        let (client, keys) = (self.client.clone(), self.keys);
        let writer = self.runtime.spawn(async move {
            let mut ticks = tokio::time::interval(PAUSE);
            for n in 0_u64.. {
                ticks.tick().await;
                Self::put(&client, n * 7919 % keys, n).await;
            }
        });
        let result = run();
        writer.abort();
        result
    }
}

fn boxed(error: std::num::ParseIntError) -> dbuf_follow::Error {
    error.into()
}

fn name(key: u64) -> String {
    format!("/k/{key}")
}

/// A block of lookups in a map of `keys`.
fn lookups(follower: &Map, keys: u64, at: &mut u64) {
    for _ in 0..BLOCK {
        *at = (*at + 7919) % keys;
        black_box(follower.map().get_with(at, |&value| value));
    }
}

fn follow(criterion: &mut Criterion) {
    let Some(world) = World::new(KEYS) else {
        return;
    };
    let mut group = criterion.benchmark_group("follow");
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500));
    group.measurement_time(Duration::from_secs(3));
    group.bench_function("load", |bencher| bencher.iter(|| world.follow()));

    drop((group, world));
    for keys in [FEW_KEYS, KEYS] {
        reads(criterion, keys);
    }
}

/// Reads of a map without commits, of one that follows, and of one that only shares the
/// machine with the same commits.
fn reads(criterion: &mut Criterion, keys: u64) {
    let Some(world) = World::new(keys) else {
        return;
    };
    let mut group = criterion.benchmark_group(format!("follow/reads of {keys} keys"));
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3))
        .throughput(criterion::Throughput::Elements(BLOCK));
    let follower = world.follow();
    let mut at = 0;
    group.bench_function("still", |bencher| {
        bencher.iter(|| lookups(&follower, keys, &mut at));
    });
    world.beside_commits(|| {
        group.bench_function("following", |bencher| {
            bencher.iter(|| lookups(&follower, keys, &mut at));
        });
    });
    let engine = Memory::new();
    engine.commit((0..keys).map(|key| Event::Put(key, 0)));
    let (other, driver) = Builder::new(engine).hasher(FixedState::default()).start();
    world.runtime.spawn(driver);
    let live = other.wait_until(|state| state == State::Live);
    world.runtime.block_on(live).unwrap();
    world.beside_commits(|| {
        group.bench_function("still beside the commits", |bencher| {
            bencher.iter(|| lookups(&other, keys, &mut at));
        });
    });
}

fn show(what: &str, times: &Histogram<u64>) {
    let at = |quantile| Duration::from_nanos(times.value_at_quantile(quantile));
    println!(
        "{what}: p50 {:?}, p99 {:?}, worst {:?} ({} times)",
        at(0.5),
        at(0.99),
        Duration::from_nanos(times.max()),
        times.len()
    );
}

/// From the acknowledgement of a put to its visibility.
fn visibility() {
    let Some(world) = World::new(KEYS) else {
        return;
    };
    let follower = world.follow();
    let mut times = Histogram::<u64>::new(3).unwrap();
    let mut whole = Histogram::<u64>::new(3).unwrap();
    world.runtime.block_on(async {
        for n in 0..2000 {
            let began = Instant::now();
            let revision = World::put(&world.client, n, n).await;
            let done = Instant::now();
            follower.wait_for(revision).await.unwrap();
            times.record(done.elapsed().as_nanos() as u64).unwrap();
            whole.record(began.elapsed().as_nanos() as u64).unwrap();
        }
    });
    show("from the acknowledgement to the follower", &times);
    show("from the put to the follower", &whole);
}

/// Reads, each timed singly, while all keys are loaded anew five times.
fn reload() {
    const RELOADS: u64 = 5;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    // Both are fed by the same stream: the engine in memory, reset as etcd's load does it.
    let timed = |done: &AtomicBool, read: &dyn Fn(u64) -> Option<u64>| {
        let mut times = Histogram::<u64>::new(3).unwrap();
        let (mut at, mut missing) = (0, 0_u64);
        while !done.load(Ordering::Relaxed) {
            at = (at + 7919) % KEYS;
            let began = Instant::now();
            let found = black_box(read(at));
            times.record(began.elapsed().as_nanos() as u64).unwrap();
            missing += u64::from(found.is_none());
        }
        (times, missing)
    };
    let load = |n: u64| {
        let puts = (0..KEYS).map(move |key| Event::Put(key, n));
        [Event::Reset].into_iter().chain(puts)
    };

    let engine = Memory::new();
    engine.commit(load(0));
    let (follower, driver) = Builder::new(engine.clone())
        .hasher(FixedState::default())
        .start();
    runtime.spawn(driver);
    let live = follower.wait_until(|state| state == State::Live);
    runtime.block_on(live).unwrap();
    let done = AtomicBool::new(false);
    let (times, missing) = thread::scope(|scope| {
        let reader = scope.spawn(|| timed(&done, &|key| follower.map().get_cloned(&key)));
        for n in 1..=RELOADS {
            let revision = engine.commit(load(n));
            runtime.block_on(follower.wait_for(revision)).unwrap();
        }
        done.store(true, Ordering::Relaxed);
        reader.join().unwrap()
    });
    show("a read during reloads: follower", &times);
    assert_eq!(missing, 0);

    let map = Arc::new(RwLock::new(HashMap::with_hasher(FixedState::default())));
    map.write().unwrap().extend((0..KEYS).map(|key| (key, 0)));
    let engine = Memory::new();
    engine.commit(load(0));
    let done = AtomicBool::new(false);
    // As loops written by hand apply it: a lock for each event, or for a whole commit.
    for whole in [false, true] {
        done.store(false, Ordering::Relaxed);
        let (times, missing) = thread::scope(|scope| {
            let reader =
                scope.spawn(|| timed(&done, &|key| map.read().unwrap().get(&key).copied()));
            let mut stream = std::pin::pin!(engine.open(None));
            let mut next = async || {
                let poll = |cx: &mut std::task::Context<'_>| stream.as_mut().poll_next(cx);
                std::future::poll_fn(poll).await.unwrap().unwrap()
            };
            let mut commits = 0;
            let mut events = Vec::new();
            let apply = |map: &mut HashMap<u64, u64, FixedState>, event| match event {
                Event::Reset => map.clear(),
                Event::Put(key, value) => _ = map.insert(key, value),
                Event::Delete(key) => _ = map.remove(&key),
                Event::Commit(_) | Event::Progress(_) => {}
            };
            runtime.block_on(async {
                while commits <= RELOADS {
                    let event = next().await;
                    let commit = matches!(event, Event::Commit(_));
                    match whole {
                        false => apply(&mut map.write().unwrap(), event),
                        true => events.push(event),
                    }
                    if commit {
                        if whole {
                            let mut map = map.write().unwrap();
                            events.drain(..).for_each(|event| apply(&mut map, event));
                        }
                        commits += 1;
                        engine.commit(load(commits));
                    }
                }
            });
            done.store(true, Ordering::Relaxed);
            reader.join().unwrap()
        });
        let how = if whole { "a commit" } else { "an event" };
        show(
            &format!("a read during reloads: RwLock, locked for {how}"),
            &times,
        );
        println!("   {missing} of them missed a key that the engine had all the time");
    }
}

criterion_group!(benches, follow);

fn main() {
    benches();
    Criterion::default().configure_from_args().final_summary();
    if !std::env::args().any(|argument| argument == "--test") {
        visibility();
        reload();
    }
}
