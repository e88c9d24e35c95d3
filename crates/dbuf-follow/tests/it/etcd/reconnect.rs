//! A follower of etcd that is cut off continues, or loads again.

use dbuf_follow::etcd_client::{self, TxnOp};
use dbuf_follow::{Builder, Etcd};

use super::{client, delete, key, put, put_all, source, transact, with_etcd};
use crate::common::engine::{Engine, Line};
use crate::common::{SOON, cut_off, live, run, spawn, start, state};
use crate::engines;

#[test]
fn cut_follower_resumes_with_deletes_and_fragmented_revisions() {
    with_etcd(async |engine, client| {
        transact(&client, put_all(0..10, 0)).await;
        let line = Line::to(engine.port).await;
        let length = |value: Vec<u8>| Ok::<_, String>(value.len());
        let builder = Builder::decoding(source(&line.address()), String::from_utf8, length);
        let follower = spawn(builder.delays(SOON, SOON));
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
            let halves = ["/k/first", "/k/second"].map(|key| map.get(key));
            assert_eq!(halves[0], halves[1], "half a transaction");
            if map.revision() == revision {
                break;
            }
        }
        live(&follower).await;
        let map = follower.map().read();
        assert_eq!(map.len(), 10 - 2 + 2);
        assert_eq!(map["/k/first"], 600_007);
        // Each revision is a publish, so nothing was loaded.
        assert_eq!(map.version(), version + 10);
    });
}

#[test]
fn compacted_revision_is_loaded_again() {
    with_etcd(async |engine, client| {
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
        let follower = start(Etcd::new([to_old.address(), to_new.address()], "/k/"));
        live(&follower).await;
        assert_eq!(follower.map().len(), 1);
        to_old.cut();
        cut_off(&follower).await;
        to_new.mend();
        live(&follower).await;
        assert_eq!(follower.map().len(), 20);
        assert_eq!(follower.map().get_cloned(&key(1)), None);
    });
}
