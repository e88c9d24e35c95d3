//! Following a bucket of a real NATS server.

mod access;
mod reconnect;

use std::collections::BTreeMap;
use std::time::Duration;

use dbuf_follow::async_nats::jetstream::kv::Store;
use dbuf_follow::async_nats::jetstream::stream::{Config, DiscardPolicy};
use dbuf_follow::async_nats::{self, ConnectOptions, jetstream};
use dbuf_follow::{Nats, Revision, State};

use crate::common::engine::{Engine, ready};
use crate::common::{agree, builder, live, reaches, run, start, state};
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

/// Runs a test with a new server, its client and an empty bucket, if NATS is installed.
fn with_nats(test: impl AsyncFnOnce(&Engine, jetstream::Context, Store)) {
    let Some(engine) = Engine::nats(&[]) else {
        return;
    };
    run(async {
        let context = context(&engine, None).await;
        let bucket = bucket(&context).await;
        test(&engine, context, bucket).await;
    });
}

async fn context(engine: &Engine, token: Option<&str>) -> jetstream::Context {
    let options = || {
        token.map_or_else(ConnectOptions::new, |token| {
            ConnectOptions::with_token(token.to_owned())
        })
    };
    connected(engine, options).await
}

async fn connected(engine: &Engine, options: impl Fn() -> ConnectOptions) -> jetstream::Context {
    ready(async || {
        let client = options().connect(engine.address()).await?;
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
    with_nats(async |engine, context, bucket| {
        let mut acks = Vec::new();
        for n in 0..KEYS {
            let subject = format!("$KV.flags.key.{n}");
            let ack = context.publish(subject, n.to_string().into()).await;
            acks.push(ack.unwrap());
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
        reaches(&dropped, State::Stopped).await;
        let len = dropped.map().len();
        assert!(matches!(len, 0 | 100_001), "a part of {len} keys");

        for follower in &followers {
            load_is_one_publish(follower, KEYS + 1, last).await;
            let map = follower.map().read();
            assert_eq!(map["key.77777"], 77_777);
        }
        // A follower of a part of the keys.
        let part = start(source(&engine.address()).keys("key.7.>"));
        live(&part).await;
        assert_eq!((part.map().len(), part.revision()), (0, last));
        let revision = put(&bucket, "key.7.x", 3).await;
        part.wait_for(revision).await.unwrap();
        assert_eq!(state(&part).1, BTreeMap::from([("key.7.x".to_owned(), 3)]));
    });
}

#[test]
fn followers_agree_and_wait_for_reads_writes() {
    with_nats(async |engine, _, bucket| {
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
            agree(&followers, revision).await;
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
fn undecodable_entry_is_reported() {
    engines::undecodable_entry_is_reported::<Store>(Engine::nats(&[]));
}
