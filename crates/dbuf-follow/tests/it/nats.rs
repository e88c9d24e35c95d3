//! Following a bucket of a real NATS server.

use std::collections::BTreeMap;
use std::time::Duration;

use dbuf_follow::async_nats::jetstream::kv::Store;
use dbuf_follow::async_nats::jetstream::stream::{Config, DiscardPolicy};
use dbuf_follow::async_nats::{self, ConnectOptions, jetstream};
use dbuf_follow::{Nats, Revision, State};

use crate::common::engine::{Engine, Line, free_port, ready};
use crate::common::{attempt, builder, cut_off, live, run, start, state};
use crate::engines::{self, Client, SILENCE, load_is_one_publish};

impl Client for Store {
    type Source = Nats;

    async fn connect(engine: &Engine) -> Self {
        bucket(&context(engine, None).await).await
    }

    fn source(address: &str, silence: Duration) -> Nats {
        Nats::new([address], "flags").silence(silence)
    }

    fn key(n: u64) -> String {
        format!("key{n}")
    }

    async fn put(&self, key: &str, value: impl ToString) -> Revision {
        ready(async || self.put(key, value.to_string().into()).await).await
    }
}

async fn context(engine: &Engine, token: Option<&str>) -> jetstream::Context {
    ready(async || {
        let options = token.map_or_else(ConnectOptions::new, |token| {
            ConnectOptions::with_token(token.to_owned())
        });
        let client = options.connect(engine.address()).await?;
        Ok::<_, async_nats::ConnectError>(jetstream::new(client))
    })
    .await
}

/// Returns the bucket, and makes it first if there is none.
async fn bucket(context: &jetstream::Context) -> Store {
    // `create_key_value` of this client fails with the replies of a server of version 2.9.
    ready(async || {
        let config = Config {
            name: "KV_flags".to_owned(),
            subjects: vec!["$KV.flags.>".to_owned()],
            max_messages_per_subject: 1,
            discard: DiscardPolicy::New,
            allow_rollup: true,
            allow_direct: true,
            deny_delete: true,
            num_replicas: 1,
            ..Config::default()
        };
        context.create_stream(config).await
    })
    .await;
    context.get_key_value("flags").await.unwrap()
}

fn source(address: &str) -> Nats {
    Store::source(address, SILENCE)
}

async fn put(bucket: &Store, key: &str, value: impl ToString) -> u64 {
    bucket.put(key, value.to_string().into()).await.unwrap()
}

/// Deletes a key, and returns the revision of a put after that.
async fn delete(bucket: &Store, key: &str) -> u64 {
    bucket.delete(key).await.unwrap();
    put(bucket, "mark", 0).await
}

#[test]
fn many_keys_are_loaded_as_one() {
    const KEYS: u64 = 100_000;
    let Some(engine) = Engine::nats(&[]) else {
        return;
    };
    run(async {
        let context = context(&engine, None).await;
        let bucket = bucket(&context).await;
        let mut acks = Vec::new();
        for n in 0..KEYS {
            let subject = format!("$KV.flags.key.{n}");
            acks.push(
                context
                    .publish(subject, n.to_string().into())
                    .await
                    .unwrap(),
            );
            if acks.len() == 1000 {
                for ack in acks.drain(..) {
                    ack.await.unwrap();
                }
            }
        }
        let last = put(&bucket, "last", 1).await;

        // This driver is dropped while it loads.
        let (dropped, driver) = builder(source(&engine.address())).start();
        let driver = tokio::spawn(driver);
        let followers = [(); 3].map(|()| start(source(&engine.address())));
        driver.abort();
        dropped
            .wait_until(|state| state == State::Stopped)
            .await
            .unwrap();
        assert!(matches!(dropped.map().len(), 0 | 100_001));

        for follower in &followers {
            load_is_one_publish(follower, KEYS + 1, last).await;
            let map = follower.map().read();
            assert_eq!(map["key.77777"], 77_777);
        }
        // A follower of a part of the keys.
        let (part, driver) = builder(source(&engine.address()).keys("key.7.>")).start();
        tokio::spawn(driver);
        live(&part).await;
        assert_eq!((part.map().len(), part.revision()), (0, last));
        let revision = put(&bucket, "key.7.x", 3).await;
        part.wait_for(revision).await.unwrap();
        assert_eq!(state(&part).1, BTreeMap::from([("key.7.x".to_owned(), 3)]));
    });
}

#[test]
fn followers_agree_and_wait_for_reads_writes() {
    let Some(engine) = Engine::nats(&[]) else {
        return;
    };
    run(async {
        let context = context(&engine, None).await;
        let bucket = bucket(&context).await;
        let followers = [(); 3].map(|()| start(source(&engine.address())));
        for follower in &followers {
            live(follower).await; // at an empty bucket
            assert_eq!(state(follower), (0, BTreeMap::new()));
        }
        for n in 0..200 {
            let revision = match n % 3 {
                0 => delete(&bucket, &format!("key{}", n / 2)).await,
                _ => put(&bucket, &format!("key{n}"), n).await,
            };
            for follower in &followers {
                follower.wait_for(revision).await.unwrap();
            }
            let states = followers.each_ref().map(state);
            assert!(states.iter().all(|state| *state == states[0]));
            assert_eq!(states[0].0, revision);
        }
        let writer = {
            let bucket = bucket.clone();
            tokio::spawn(async move {
                for n in 0..2000 {
                    put(&bucket, "load", n).await;
                }
            })
        };
        for n in 0..200 {
            let revision = put(&bucket, "mine", n).await;
            for follower in &followers {
                follower.wait_for(revision).await.unwrap();
                assert_eq!(follower.map().get_cloned("mine"), Some(n));
            }
        }
        writer.await.unwrap();
    });
}

#[test]
fn cut_follower_resumes_with_deletes() {
    let Some(engine) = Engine::nats(&[]) else {
        return;
    };
    run(async {
        let context = context(&engine, None).await;
        let bucket = bucket(&context).await;
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
    let Some(engine) = Engine::nats(&[]) else {
        return;
    };
    run(async {
        let context = context(&engine, None).await;
        let bucket = bucket(&context).await;
        put(&bucket, "gone", 1).await;
        let line = Line::to(engine.port).await;
        let resumes = start(source(&line.address()));
        let (whole, driver) = builder(source(&line.address()).resume(false)).start();
        tokio::spawn(driver);
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
        assert!(resumes.map().contains_key("gone"));
    });
}

#[test]
fn bucket_made_again_is_loaded_again() {
    let Some(engine) = Engine::nats(&[]) else {
        return;
    };
    run(async {
        let context = context(&engine, None).await;
        let old = bucket(&context).await;
        for n in 0..10 {
            put(&old, &format!("key{n}"), n).await;
        }
        let silence = Duration::from_millis(600);
        let (follower, driver) = builder(source(&engine.address()).silence(silence)).start();
        tokio::spawn(driver);
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

#[test]
fn undecodable_entry_is_reported() {
    engines::undecodable_entry_is_reported::<Store>(Engine::nats(&[]));
}

#[test]
fn engine_checks_the_token_and_no_text_shows_it() {
    let Some(engine) = Engine::nats(&["--auth", "swordfish"]) else {
        return;
    };
    run(async {
        let context = context(&engine, Some("swordfish")).await;
        let bucket = bucket(&context).await;
        put(&bucket, "key", 1).await;
        let with = |token: &'static str| {
            source(&engine.address()).options(|| ConnectOptions::with_token(token.to_owned()))
        };
        let shown = format!("{:?} {:?}", with("swordfish"), builder(with("swordfish")));
        assert!(!shown.contains("swordfish"), "{shown}");
        assert!(shown.contains("nats:flags:>"), "{shown}");
        let follower = attempt(with("swordfish")).await.unwrap();
        assert_eq!(follower.map().get_cloned("key"), Some(1));
        let refused = attempt(with("trout")).await.unwrap_err();
        assert!(refused.contains("authorization violation"), "{refused}");
        assert!(!refused.contains("trout"), "{refused}");
    });
}

#[test]
fn unreachable_bucket_is_reported_in_one_line() {
    let Some(engine) = Engine::nats(&[]) else {
        return;
    };
    run(async {
        let context = context(&engine, None).await;
        bucket(&context).await;
        for (source, expected) in [
            (Nats::new([engine.address()], "other"), "bucket other"),
            (Nats::new([engine.address()], "no bucket"), "invalid"),
            (
                Nats::new([format!("127.0.0.1:{}", free_port())], "flags"),
                "refused",
            ),
            (Nats::new(["nats://user:swordfish@:1:2"], "flags"), "nats: "),
        ] {
            let error = attempt(source).await.unwrap_err();
            assert!(error.contains(expected), "{error}");
            assert!(!error.contains('\n'), "{error}");
            assert!(!error.contains("swordfish"), "{error}");
        }
    });
}
