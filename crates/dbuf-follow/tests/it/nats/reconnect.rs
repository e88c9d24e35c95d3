//! A follower of a bucket that is cut off continues, or loads again.

use std::collections::BTreeMap;
use std::time::Duration;

use dbuf_follow::async_nats::jetstream::kv::Store;

use super::{bucket, delete, put, source, with_nats};
use crate::common::engine::{Engine, Line};
use crate::common::{cut_off, live, start, state};
use crate::engines;

#[test]
fn cut_follower_resumes_with_deletes() {
    with_nats(async |engine, _, bucket| {
        for n in 0..10 {
            put(&bucket, &format!("key{n}"), n).await;
        }
        let line = Line::to(engine.port).await;
        let follower = start(source(&line.address()));
        let whole = start(source(&line.address()));
        live(&follower).await;
        live(&whole).await;
        let before = state(&follower);
        line.cut();
        cut_off(&follower).await;
        cut_off(&whole).await;
        delete(&bucket, "key3").await;
        bucket.purge("key4").await.unwrap();
        let revision = put(&bucket, "key5", 50).await;
        assert_eq!(state(&follower), before, "the old state is served");
        line.mend();
        follower.wait_for(revision).await.unwrap();
        whole.wait_for(revision).await.unwrap();
        let mut expected = before.1;
        expected.remove("key3");
        expected.remove("key4");
        expected.insert("key5".to_owned(), 50);
        expected.insert("mark".to_owned(), 0);
        assert_eq!(state(&follower).1, expected);
        live(&follower).await;
    });
}

#[test]
fn removed_delete_marker_needs_a_whole_load() {
    with_nats(async |engine, _, bucket| {
        put(&bucket, "gone", 1).await;
        let line = Line::to(engine.port).await;
        let resumes = start(source(&line.address()));
        let whole = start(source(&line.address()).resume(false));
        live(&resumes).await;
        live(&whole).await;
        line.cut();
        cut_off(&resumes).await;
        cut_off(&whole).await;
        bucket.delete("gone").await.unwrap();
        let purged = bucket.stream.purge().filter("$KV.flags.gone").await;
        assert_eq!(purged.unwrap().purged, 1);
        let revision = put(&bucket, "key", 2).await;
        line.mend();
        resumes.wait_for(revision).await.unwrap();
        whole.wait_for(revision).await.unwrap();
        assert_eq!(state(&whole).1, BTreeMap::from([("key".to_owned(), 2)]));
        // This is documented at `Nats`.
        assert_eq!(resumes.map().get_cloned("gone"), Some(1));
    });
}

#[test]
fn bucket_made_again_is_loaded_again() {
    with_nats(async |engine, context, old| {
        for n in 0..10 {
            put(&old, &format!("key{n}"), n).await;
        }
        let silence = Duration::from_millis(600);
        let follower = start(source(&engine.address()).silence(silence));
        live(&follower).await;
        assert_eq!(follower.revision(), 10);
        context.delete_key_value("flags").await.unwrap();
        let new = bucket(&context).await;
        put(&new, "new", 1).await;
        let mut watcher = follower.map().watcher();
        let changed = watcher.wait_for(|map| map.revision() == 1).await;
        changed.unwrap();
        assert_eq!(
            state(&follower),
            (1, BTreeMap::from([("new".to_owned(), 1)]))
        );

        // A new bucket with a later revision than the follower's.
        context.delete_key_value("flags").await.unwrap();
        let new = bucket(&context).await;
        for n in 0..20 {
            put(&new, "newer", n).await;
        }
        follower.wait_for(20).await.unwrap();
        assert_eq!(
            state(&follower).1,
            BTreeMap::from([("newer".to_owned(), 19)])
        );
    });
}

#[test]
fn killed_engine_is_followed_again() {
    engines::killed_engine_is_followed_again::<Store>(Engine::nats(&[]));
}

#[test]
fn paused_engine_is_noticed() {
    engines::paused_engine_is_noticed::<Store>(Engine::nats(&[]));
}
