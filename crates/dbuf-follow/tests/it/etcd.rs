//! Following a real etcd.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::common::engine::{Engine, Line, ready};
use crate::common::{cut_off, live, run, state};
use dbuf_follow::etcd_client::{
    Client, Compare, CompareOp, ConnectOptions, DeleteOptions, Permission, Txn, TxnOp,
};
use dbuf_follow::{Builder, Etcd, Follower, Problem, Revision, State, Stopped, etcd_client};

const SOON: Duration = Duration::from_millis(10);

/// A client of an engine that answers.
async fn client(engine: &Engine) -> Client {
    ready(async || {
        let client = Client::connect([engine.address()], None).await?;
        client.kv_client().get("ready", None).await?;
        Ok::<_, etcd_client::Error>(client)
    })
    .await
}

fn source(address: &str) -> Etcd {
    Etcd::new([address], "/k/").silence(Duration::from_secs(5))
}

fn builder(source: Etcd) -> Builder<Etcd, String, u64> {
    Builder::decoding(source, String::from_utf8, |value| {
        String::from_utf8(value)?
            .parse::<u64>()
            .map_err(dbuf_follow::Error::from)
    })
    .delays(SOON, SOON)
}

fn start(address: &str) -> Follower<String, u64> {
    let (follower, driver) = builder(source(address)).start();
    tokio::spawn(driver);
    follower
}

fn key(n: u64) -> String {
    format!("/k/{n:06}")
}

async fn put(client: &Client, key: &str, value: impl ToString) -> Revision {
    let mut kv = client.kv_client();
    let response = kv.put(key, value.to_string(), None).await.unwrap();
    response.header().unwrap().revision() as Revision
}

async fn delete(client: &Client, key: &str) -> Revision {
    let response = client.kv_client().delete(key, None).await.unwrap();
    response.header().unwrap().revision() as Revision
}

async fn transact(client: &Client, operations: Vec<TxnOp>) -> Revision {
    let txn = Txn::new().and_then(operations);
    let response = client.kv_client().txn(txn).await.unwrap();
    assert!(response.succeeded());
    response.header().unwrap().revision() as Revision
}

fn put_all(keys: impl Iterator<Item = u64>, value: u64) -> Vec<TxnOp> {
    keys.map(|n| TxnOp::put(key(n), value.to_string(), None))
        .collect()
}

#[test]
fn many_keys_are_loaded_as_one() {
    const KEYS: u64 = 100_000;
    let Some(engine) = Engine::etcd() else { return };
    run(async {
        let client = client(&engine).await;
        put(&client, "/j/other", 1).await;
        put(&client, "/k0", 1).await; // behind the prefix
        let mut last = 0;
        for page in 0..KEYS / 5000 {
            last = transact(&client, put_all(page * 5000..(page + 1) * 5000, page)).await;
        }

        // One that is dropped while it loads.
        let (dropped, driver) = builder(source(&engine.address())).start();
        let driver = tokio::spawn(driver);
        let followers = [(); 3].map(|()| start(&engine.address()));
        dropped
            .wait_until(|state| state != State::Stopped)
            .await
            .unwrap();
        driver.abort();
        dropped
            .wait_until(|state| state == State::Stopped)
            .await
            .unwrap();
        assert!(matches!(dropped.map().len(), 0 | 100_000));

        for follower in &followers {
            let whole = follower
                .map()
                .watcher()
                .wait_for(|map| !map.is_empty())
                .await;
            assert_eq!(whole, Ok(1), "the first publish is the whole");
            let map = follower.map().read();
            assert_eq!(map.len() as u64, KEYS);
            assert_eq!(map.revision(), last);
            assert_eq!(map[&key(77_777)], 77_777 / 5000);
        }
        // And all of them gone.
        let options = DeleteOptions::new().with_prefix();
        let gone = client.kv_client().delete("/k/", Some(options)).await;
        let gone = gone.unwrap().header().unwrap().revision() as Revision;
        for follower in &followers {
            follower.wait_for(gone).await.unwrap();
            assert_eq!(state(follower), (gone, BTreeMap::new()));
        }
    });
}

#[test]
fn readers_see_whole_transactions_only() {
    let Some(engine) = Engine::etcd() else { return };
    run(async {
        let client = client(&engine).await;
        let first = transact(&client, put_all(0..10, 0)).await;
        let line = Line::to(engine.port).await;
        let follower = start(&line.address());
        follower.wait_for(first).await.unwrap();
        let done = Arc::new(AtomicBool::new(false));
        let readers: Vec<_> = (0..4)
            .map(|_| {
                let (map, done) = (follower.map().clone(), Arc::clone(&done));
                thread::spawn(move || {
                    let (mut seen, mut reads) = (0, 0_u64);
                    while !done.load(Ordering::Relaxed) {
                        let map = map.read();
                        let n = map[&key(0)];
                        assert!(map.values().all(|&value| value == n), "half a transaction");
                        assert_eq!(map.revision(), first + n, "another state's revision");
                        assert!(n >= seen, "back from {seen} to {n}");
                        (seen, reads) = (n, reads + 1);
                        drop(map);
                        thread::yield_now();
                    }
                    reads
                })
            })
            .collect();
        for n in 1..=1000 {
            let revision = transact(&client, put_all(0..10, n)).await;
            assert_eq!(revision, first + n);
            if n % 250 == 0 {
                line.cut();
                line.mend();
            }
        }
        assert_eq!(follower.wait_for(first + 1000).await, Ok(first + 1000));
        done.store(true, Ordering::Relaxed);
        for reader in readers {
            assert!(reader.join().unwrap() > 0);
        }
    });
}

#[test]
fn cut_follower_resumes_with_deletes_and_with_revisions_in_fragments() {
    let Some(engine) = Engine::etcd() else { return };
    run(async {
        let client = client(&engine).await;
        transact(&client, put_all(0..10, 0)).await;
        let line = Line::to(engine.port).await;
        let (follower, driver) =
            Builder::decoding(source(&line.address()), String::from_utf8, |value| {
                Ok::<_, String>(value.len())
            })
            .delays(SOON, SOON)
            .start();
        tokio::spawn(driver);
        live(&follower).await;
        let before = state(&follower);
        let version = follower.map().read().version();

        line.cut();
        cut_off(&follower).await;
        delete(&client, &key(3)).await;
        // More than a message of etcd holds: transactions of two halves.
        for n in 0..8 {
            let half = "x".repeat(600_000 + n);
            let halves = ["/k/left", "/k/right"].map(|key| TxnOp::put(key, half.clone(), None));
            transact(&client, halves.into()).await;
        }
        let revision = delete(&client, &key(4)).await;
        assert_eq!(state(&follower), before, "the old state is served");

        let mut watcher = follower.map().watcher();
        line.mend();
        loop {
            watcher.changed().await.unwrap();
            let map = watcher.borrow_and_update();
            assert_eq!(
                map.get("/k/left"),
                map.get("/k/right"),
                "half a transaction"
            );
            if map.revision() == revision {
                break;
            }
        }
        live(&follower).await;
        let map = follower.map().read();
        assert_eq!(map.len(), 10 - 2 + 2);
        assert_eq!(map["/k/left"], 600_007);
        assert_eq!(map.version(), version + 10, "a publish each: no load");
    });
}

#[test]
fn compacted_revision_is_loaded_anew() {
    let Some(engine) = Engine::etcd() else { return };
    run(async {
        let client = client(&engine).await;
        transact(&client, put_all(0..100, 0)).await;
        let line = Line::to(engine.port).await;
        let follower = start(&line.address());
        live(&follower).await;
        line.cut();
        cut_off(&follower).await;
        for n in 0..90 {
            delete(&client, &key(n)).await;
        }
        let revision = put(&client, &key(500), 5).await;
        client
            .kv_client()
            .compact(revision as i64, None)
            .await
            .unwrap();
        let version = follower.map().read().version();
        line.mend();
        follower.wait_for(revision).await.unwrap();
        let expected = (90..100).map(|n| (key(n), 0)).chain([(key(500), 5)]);
        assert_eq!(state(&follower), (revision, expected.collect()));
        assert_eq!(follower.map().read().version(), version + 1);
        // And it goes on from there.
        let revision = put(&client, &key(501), 6).await;
        follower.wait_for(revision).await.unwrap();
    });
}

#[test]
fn killed_engine_is_followed_again() {
    let Some(mut engine) = Engine::etcd() else {
        return;
    };
    run(async {
        let first = client(&engine).await;
        let revision = put(&first, &key(1), 1).await;
        let follower = start(&engine.address());
        follower.wait_for(revision).await.unwrap();
        live(&follower).await;
        for n in 2..5 {
            engine.kill();
            cut_off(&follower).await;
            assert_eq!(follower.map().get_cloned(&key(n - 1)), Some(n - 1));
            engine.restart();
            let client = client(&engine).await;
            let revision = put(&client, &key(n), n).await;
            follower.wait_for(revision).await.unwrap();
            assert_eq!(follower.map().get_cloned(&key(n)), Some(n));
            live(&follower).await;
        }
        assert_eq!(follower.map().len(), 4);
    });
}

#[test]
fn paused_engine_is_noticed() {
    let Some(engine) = Engine::etcd() else { return };
    run(async {
        let client = client(&engine).await;
        let revision = put(&client, &key(1), 1).await;
        let silence = Duration::from_millis(900);
        let (follower, driver) = builder(source(&engine.address()).silence(silence)).start();
        tokio::spawn(driver);
        follower.wait_for(revision).await.unwrap();
        live(&follower).await;
        engine.pause(true);
        cut_off(&follower).await;
        assert!(follower.lag().unwrap() >= silence / 2);
        assert_eq!(follower.map().get_cloned(&key(1)), Some(1));
        engine.pause(false);
        let revision = put(&client, &key(2), 2).await;
        follower.wait_for(revision).await.unwrap();
        live(&follower).await;
    });
}

#[test]
fn quiet_engine_is_live_and_followers_agree() {
    let Some(engine) = Engine::etcd() else { return };
    run(async {
        let client = client(&engine).await;
        let silence = Duration::from_millis(600);
        let followers = [(); 3].map(|()| {
            let (follower, driver) = builder(source(&engine.address()).silence(silence))
                .on_problem(|problem| panic!("{problem}"))
                .start();
            tokio::spawn(driver);
            follower
        });
        for n in 0..200 {
            let operations = vec![
                TxnOp::put(key(n), n.to_string(), None),
                TxnOp::delete(key(n / 2), None),
            ];
            let revision = match n % 2 {
                0 => put(&client, &key(n + 1000), n).await,
                _ => transact(&client, operations).await,
            };
            for follower in &followers {
                follower.wait_for(revision).await.unwrap();
            }
            let states = followers.each_ref().map(state);
            assert!(states.iter().all(|state| *state == states[0]));
            assert_eq!(states[0].0, revision);
        }
        // A read-your-writes beside a load.
        let writer = {
            let client = client.clone();
            tokio::spawn(async move {
                let mut last = 0;
                for n in 0..500 {
                    last = put(&client, &key(9000), n).await;
                }
                last
            })
        };
        for n in 0..100 {
            let revision = put(&client, &key(8000), n).await;
            for follower in &followers {
                follower.wait_for(revision).await.unwrap();
                assert_eq!(follower.map().get_cloned(&key(8000)), Some(n));
            }
        }
        let last = writer.await.unwrap().max(followers[0].revision());
        followers[0].wait_for(last).await.unwrap();
        // Nothing happens, and the engine is heard all the same: longer than it may be silent.
        let before = followers[0].map().read().version();
        let began = std::time::Instant::now();
        while began.elapsed() < 2 * silence {
            assert_eq!(followers[0].state(), State::Live);
            tokio::time::sleep(SOON).await;
        }
        assert!(followers[0].lag().unwrap() < silence);
        assert_eq!(followers[0].map().read().version(), before);
    });
}

#[test]
fn undecodable_entry_is_reported() {
    let Some(engine) = Engine::etcd() else { return };
    run(async {
        let client = client(&engine).await;
        put(&client, &key(1), "one").await;
        put(&client, &key(2), 2).await;
        let reported = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&reported);
        let (follower, driver) = builder(source(&engine.address()))
            .on_problem(move |problem| {
                if let Problem::Entry { key, .. } = problem {
                    seen.lock().unwrap().push(key.cloned());
                }
            })
            .start();
        tokio::spawn(driver);
        live(&follower).await;
        assert_eq!(state(&follower).1, BTreeMap::from([(key(2), 2)]));
        let revision = put(&client, &key(1), 1).await;
        follower.wait_for(revision).await.unwrap();
        assert_eq!(state(&follower).1.len(), 2);
        assert_eq!(*reported.lock().unwrap(), [Some(key(1))]);
    });
}

#[test]
fn another_cluster_is_loaded_anew() {
    let (Some(old), Some(new)) = (Engine::etcd(), Engine::etcd()) else {
        return;
    };
    run(async {
        // Behind one address, first the one and then the other, which is further on.
        let (first, second) = (client(&old).await, client(&new).await);
        put(&first, &key(1), 1).await;
        for n in 0..20 {
            put(&second, &key(n + 100), n).await;
        }
        let (to_old, to_new) = (Line::to(old.port).await, Line::to(new.port).await);
        to_new.cut();
        let source = Etcd::new([to_old.address(), to_new.address()], "/k/");
        let (follower, driver) = builder(source).start();
        tokio::spawn(driver);
        live(&follower).await;
        assert_eq!(follower.map().len(), 1);
        to_old.cut();
        cut_off(&follower).await;
        to_new.mend();
        live(&follower).await;
        assert_eq!(follower.map().len(), 20);
        assert!(!follower.map().contains_key(&key(1)));
    });
}

/// Follows until it ends, or for a whole state.
async fn attempt(source: Etcd) -> Result<Follower<String, u64>, String> {
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

#[test]
fn engine_asks_for_a_password_and_nobody_says_it() {
    let Some(engine) = Engine::etcd() else { return };
    run(async {
        let client = client(&engine).await;
        put(&client, &key(1), 1).await;
        let mut auth = client.auth_client();
        auth.user_add("root", "hunter2", None).await.unwrap();
        auth.user_grant_role("root", "root").await.unwrap();
        auth.user_add("reader", "swordfish", None).await.unwrap();
        auth.role_add("reads").await.unwrap();
        let range = Permission::read("/k/").with_prefix();
        auth.role_grant_permission("reads", range).await.unwrap();
        auth.user_grant_role("reader", "reads").await.unwrap();
        auth.auth_enable().await.unwrap();

        let with = |password: &str| {
            let options = ConnectOptions::new().with_user("reader", password);
            source(&engine.address()).options(options)
        };
        let source = with("swordfish");
        let shown = format!("{source:?} {:?}", builder(with("swordfish")));
        assert!(!shown.contains("swordfish"), "{shown}");
        assert!(shown.contains("etcd:/k/"), "{shown}");
        let follower = attempt(source).await.unwrap();
        assert_eq!(follower.map().get_cloned(&key(1)), Some(1));

        let refused = attempt(with("trout")).await.unwrap_err();
        assert!(refused.contains("authentication failed"), "{refused}");
        assert!(!refused.contains("trout"), "{refused}");
        let other = Etcd::new([engine.address()], "/secret/")
            .options(ConnectOptions::new().with_user("reader", "swordfish"));
        let refused = attempt(other).await.unwrap_err();
        assert!(refused.contains("permission denied"), "{refused}");
    });
}

#[test]
fn unreachable_engine_is_said_in_one_line() {
    run(async {
        let nobody = format!("127.0.0.1:{}", crate::common::engine::free_port());
        let silence = Duration::from_millis(500);
        let error = attempt(source(&nobody).silence(silence)).await.unwrap_err();
        assert!(error.contains("refused"), "{error}");
        assert!(!error.contains('\n'), "{error}");
        let error = attempt(source("no address")).await.unwrap_err();
        assert!(error.contains("invalid uri"), "{error}");
        assert!(!error.contains('\n'), "{error}");
    });
}

#[test]
fn compare_and_set_is_followed() {
    let Some(engine) = Engine::etcd() else { return };
    run(async {
        let client = client(&engine).await;
        let follower = start(&engine.address());
        live(&follower).await;
        let mut wins = 0;
        for n in 0..20_u64 {
            // Follows the revision that the map shows.
            let seen = follower.map().get_cloned(&key(7)).unwrap_or(0);
            let same = Compare::value(key(7), CompareOp::Equal, seen.to_string());
            let fresh = Compare::create_revision(key(7), CompareOp::Equal, 0);
            let txn = Txn::new()
                .when([if n == 0 { fresh } else { same }])
                .and_then([TxnOp::put(key(7), (seen + 1).to_string(), None)]);
            let response = client.kv_client().txn(txn).await.unwrap();
            wins += u64::from(response.succeeded());
            let revision = response.header().unwrap().revision() as Revision;
            follower.wait_for(revision).await.unwrap();
        }
        assert_eq!(wins, 20);
        assert_eq!(follower.map().get_cloned(&key(7)), Some(20));
    });
}
