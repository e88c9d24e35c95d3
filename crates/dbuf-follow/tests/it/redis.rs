//! The source of `examples/redis_source.rs` follows a real Redis server.

#[path = "../../examples/redis_source.rs"]
#[allow(dead_code, unreachable_pub, reason = "the test does not call its main")]
mod redis_source;

use std::collections::BTreeMap;

use dbuf_follow::{Builder, Revision};

use crate::common::engine::{Engine, Line, ready};
use crate::common::{SOON, cut_off, live, run, state};
use redis_source::{RedisStream, revision};

async fn add(client: &redis::Client, fields: &[&str]) -> Revision {
    let mut redis = ready(async || client.get_multiplexed_async_connection().await).await;
    let mut command = redis::cmd("XADD");
    let id = command.arg("flags").arg("*").arg(fields);
    let id: String = id.query_async(&mut redis).await.unwrap();
    revision(&id).unwrap()
}

#[test]
fn redis_stream_is_followed() {
    let Some(engine) = Engine::redis() else {
        return;
    };
    run(async {
        let open = |address| redis::Client::open(format!("redis://{address}")).unwrap();
        let client = open(engine.address());
        for n in 0..2500_u32 {
            let n = (n % 10).to_string();
            add(&client, &["key", &n, "value", &n]).await;
        }
        let line = Line::to(engine.port).await;
        let source = RedisStream {
            client: open(line.address()),
            stream: "flags".to_owned(),
        };
        let (follower, driver) = Builder::new(source).delays(SOON, SOON).start();
        tokio::spawn(driver);
        live(&follower).await;
        assert_eq!(follower.map().len(), 10);
        assert_eq!(follower.map().read().version(), 1, "a load is one publish");

        let at = add(&client, &["key", "a", "value", "1"]).await;
        follower.wait_for(at).await.unwrap();
        line.cut();
        cut_off(&follower).await;
        add(&client, &["delete", "a"]).await;
        let at = add(&client, &["key", "3", "value", "30"]).await;
        line.mend();
        follower.wait_for(at).await.unwrap();
        let numbers = (0..10).map(|n| (n.to_string(), n.to_string()));
        let mut expected: BTreeMap<_, _> = numbers.collect();
        expected.insert("3".to_owned(), "30".to_owned());
        assert_eq!(state(&follower), (at, expected));
    });
}
