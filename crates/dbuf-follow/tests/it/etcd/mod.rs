//! Following a real etcd.

mod access;
mod reconnect;

use std::time::Duration;

use dbuf_follow::etcd_client::{self, Compare, CompareOp, DeleteOptions, Txn, TxnOp};
use dbuf_follow::{Etcd, Revision, State};

use crate::common::engine::{Engine, Line, ready};
use crate::common::{agree, builder, live, reaches, read_whole_commits, run, spawn, start};
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

/// Runs a test with a new etcd and its client, if etcd is installed.
fn with_etcd(test: impl AsyncFnOnce(&Engine, etcd_client::Client)) {
    let Some(engine) = Engine::etcd() else { return };
    run(async {
        let client = client(&engine).await;
        test(&engine, client).await;
    });
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
    with_etcd(async |engine, client| {
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
        reaches(&dropped, State::Stopped).await;
        let len = dropped.map().len();
        assert!(matches!(len, 0 | 100_000), "a part of {len} keys");

        for follower in &followers {
            load_is_one_publish(follower, KEYS, last).await;
            let map = follower.map().read();
            assert_eq!(map[&key(77_777)], 77_777 / 5000);
        }
        // Then all keys are deleted.
        let options = DeleteOptions::new().with_prefix();
        let gone = client.kv_client().delete("/k/", Some(options)).await;
        let gone = gone.unwrap().header().unwrap().revision() as Revision;
        agree(&followers, gone).await;
        assert_eq!(followers[0].map().len(), 0);
    });
}

#[test]
fn readers_see_whole_transactions_only() {
    with_etcd(async |engine, client| {
        let first = transact(&client, put_all(0..10, 0)).await;
        let line = Line::to(engine.port).await;
        let follower = start(source(&line.address()));
        follower.wait_for(first).await.unwrap();
        let stop = read_whole_commits(&follower, first);
        for n in 1..=1000 {
            let revision = transact(&client, put_all(0..10, n)).await;
            assert_eq!(revision, first + n);
            if n % 250 == 0 {
                line.cut();
                line.mend();
            }
        }
        assert_eq!(follower.wait_for(first + 1000).await, Ok(first + 1000));
        stop();
    });
}

#[test]
fn quiet_engine_is_live_and_followers_agree() {
    with_etcd(async |engine, client| {
        let silence = Duration::from_millis(600);
        let followers = [(); 3].map(|()| {
            let builder = builder(source(&engine.address()).silence(silence));
            spawn(builder.on_problem(|problem| panic!("{problem}")))
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
            agree(&followers, revision).await;
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
fn compare_and_set_is_followed() {
    with_etcd(async |engine, client| {
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
