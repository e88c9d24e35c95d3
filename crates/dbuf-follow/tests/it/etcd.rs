//! Following a real etcd.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use dbuf_follow::etcd_client::{
    self, Compare, CompareOp, ConnectOptions, DeleteOptions, Permission, Txn, TxnOp,
};
use dbuf_follow::{Builder, Etcd, Revision, State};

use crate::common::engine::{Engine, Line, free_port, ready};
use crate::common::{SOON, attempt, builder, cut_off, live, run, start, state};
use crate::engines::{self, Client, SILENCE, load_is_one_publish, stays_live};

impl Client for etcd_client::Client {
    type Source = Etcd;

    async fn connect(engine: &Engine) -> Self {
        ready(async || {
            let client = Self::connect([engine.address()], None).await?;
            client.kv_client().get("ready", None).await?;
            Ok::<_, etcd_client::Error>(client)
        })
        .await
    }

    fn source(address: &str, silence: Duration) -> Etcd {
        Etcd::new([address], "/k/").silence(silence)
    }

    fn key(n: u64) -> String {
        key(n)
    }

    async fn put(&self, key: &str, value: impl ToString) -> Revision {
        put(self, key, value).await
    }
}

async fn client(engine: &Engine) -> etcd_client::Client {
    <etcd_client::Client as Client>::connect(engine).await
}

fn source(address: &str) -> Etcd {
    etcd_client::Client::source(address, SILENCE)
}

fn key(n: u64) -> String {
    format!("/k/{n:06}")
}

async fn put(client: &etcd_client::Client, key: &str, value: impl ToString) -> Revision {
    let mut kv = client.kv_client();
    let response = kv.put(key, value.to_string(), None).await.unwrap();
    response.header().unwrap().revision() as Revision
}

async fn delete(client: &etcd_client::Client, key: &str) -> Revision {
    let response = client.kv_client().delete(key, None).await.unwrap();
    response.header().unwrap().revision() as Revision
}

async fn transact(client: &etcd_client::Client, operations: Vec<TxnOp>) -> Revision {
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
        put(&client, "/k0", 1).await; // after the range
        let mut last = 0;
        for page in 0..KEYS / 5000 {
            last = transact(&client, put_all(page * 5000..(page + 1) * 5000, page)).await;
        }

        // This driver is dropped while it loads.
        let (dropped, driver) = builder(source(&engine.address())).start();
        let driver = tokio::spawn(driver);
        let followers = [(); 3].map(|()| start(source(&engine.address())));
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
            load_is_one_publish(follower, KEYS, last).await;
            let map = follower.map().read();
            assert_eq!(map[&key(77_777)], 77_777 / 5000);
        }
        // Then all keys are deleted.
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
        let follower = start(source(&line.address()));
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
fn cut_follower_resumes_with_deletes_and_fragmented_revisions() {
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
        // Transactions of two halves, larger than a message of etcd.
        for n in 0..8 {
            let half = "x".repeat(600_000 + n);
            let halves = ["/k/first", "/k/second"].map(|key| TxnOp::put(key, half.clone(), None));
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
                map.get("/k/first"),
                map.get("/k/second"),
                "half a transaction"
            );
            if map.revision() == revision {
                break;
            }
        }
        live(&follower).await;
        let map = follower.map().read();
        assert_eq!(map.len(), 10 - 2 + 2);
        assert_eq!(map["/k/first"], 600_007);
        assert_eq!(
            map.version(),
            version + 10,
            "each revision is a publish, without a load"
        );
    });
}

#[test]
fn compacted_revision_is_loaded_again() {
    let Some(engine) = Engine::etcd() else { return };
    run(async {
        let client = client(&engine).await;
        transact(&client, put_all(0..100, 0)).await;
        let line = Line::to(engine.port).await;
        let follower = start(source(&line.address()));
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
        // The follower continues after that.
        let revision = put(&client, &key(501), 6).await;
        follower.wait_for(revision).await.unwrap();
    });
}

#[test]
fn killed_engine_is_followed_again() {
    engines::killed_engine_is_followed_again::<etcd_client::Client>(Engine::etcd());
}

#[test]
fn paused_engine_is_noticed() {
    engines::paused_engine_is_noticed::<etcd_client::Client>(Engine::etcd());
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
        // Each write is read while another task writes, too.
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
        stays_live(&followers[0], silence).await;
    });
}

#[test]
fn undecodable_entry_is_reported() {
    engines::undecodable_entry_is_reported::<etcd_client::Client>(Engine::etcd());
}

#[test]
fn another_cluster_is_loaded_again() {
    let (Some(old), Some(new)) = (Engine::etcd(), Engine::etcd()) else {
        return;
    };
    run(async {
        // The follower has two endpoints: first one cluster answers, then the other, which has a
        // later revision.
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

#[test]
fn engine_checks_the_password_and_no_text_shows_it() {
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
fn unreachable_engine_is_reported_in_one_line() {
    run(async {
        let unused = format!("127.0.0.1:{}", free_port());
        let silence = Duration::from_millis(500);
        let error = attempt(source(&unused).silence(silence)).await.unwrap_err();
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
        let follower = start(source(&engine.address()));
        live(&follower).await;
        let mut wins = 0;
        for n in 0..20_u64 {
            let seen = follower.map().get_cloned(&key(7)).unwrap_or(0);
            let same = Compare::value(key(7), CompareOp::Equal, seen.to_string());
            let is_new = Compare::create_revision(key(7), CompareOp::Equal, 0);
            let txn = Txn::new()
                .when([if n == 0 { is_new } else { same }])
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
