//! A source for a Redis stream. Writers append entries with the fields `key` and `value`, or with
//! the field `delete`. The stream has the whole log.
//!
//! ```sh
//! redis-cli XADD flags '*' key colour value blue
//! cargo run -p dbuf-follow --example redis_source -- redis://127.0.0.1:6379 flags
//! ```
#![allow(
    clippy::std_instead_of_core,
    reason = "an example for programs that have std"
)]

use std::time::Duration;

use dbuf_follow::{Builder, Emit, Error, Event, Revision, Source, events};
use futures_core::Stream;
use redis::AsyncCommands;
use redis::streams::{StreamId, StreamReadOptions, StreamReadReply};

/// How long one read waits for entries. A read without entries is a sign of life.
const WAIT: Duration = Duration::from_secs(1);

pub(crate) struct RedisStream {
    pub(crate) client: redis::Client,
    pub(crate) stream: String,
}

impl RedisStream {
    async fn run(&self, from: Option<Revision>, emit: Emit<String, String>) -> Result<(), Error> {
        let mut redis = self.client.get_multiplexed_async_connection().await?;
        let mut last = from.unwrap_or(0);
        let mut loading = from.is_none();
        if loading {
            emit.send(Event::Reset).await;
        }
        loop {
            // Reads all existing entries first, and then waits for new ones.
            let mut options = StreamReadOptions::default().count(1000);
            if !loading {
                options = options.block(WAIT.as_millis() as usize);
            }
            let streams = [self.stream.as_str()];
            let after = [id(last)];
            let reply = redis.xread_options(&streams, &after, &options);
            let reply: Option<StreamReadReply> = reply.await?;
            let keys = reply.map(|reply| reply.keys).unwrap_or_default();
            let entries: Vec<_> = keys.into_iter().flat_map(|key| key.ids).collect();
            let none = entries.is_empty();
            for entry in entries {
                last = revision(&entry.id)?;
                if let Some(event) = event(&entry) {
                    emit.send(event).await;
                }
                if !loading {
                    emit.send(Event::Commit(last)).await;
                }
            }
            if none {
                emit.send(Event::Commit(last)).await; // the end of a load, or a sign of life
                loading = false;
            }
        }
    }
}

impl Source for RedisStream {
    type Key = String;
    type Value = String;

    fn open(
        &self,
        from: Option<Revision>,
    ) -> impl Stream<Item = Result<Event<String, String>, Error>> + Send {
        events(move |emit| self.run(from, emit))
    }

    fn name(&self) -> String {
        format!("redis:{}", self.stream)
    }

    fn silence(&self) -> Option<Duration> {
        Some(5 * WAIT)
    }
}

/// Converts the id of an entry, a time in milliseconds and a number, to 44 and 20 bits of a
/// revision.
pub(crate) fn revision(id: &str) -> Result<Revision, Error> {
    let (time, number) = id.split_once('-').ok_or("not an id")?;
    let (time, number) = (time.parse::<u64>()?, number.parse::<u64>()?);
    match (time >> 44, number >> 20) {
        (0, 0) => Ok(time << 20 | number),
        _ => Err("the id is too large for a revision".into()),
    }
}

fn id(revision: Revision) -> String {
    format!("{}-{}", revision >> 20, revision & 0xf_ffff)
}

fn event(entry: &StreamId) -> Option<Event<String, String>> {
    let put = || Some(Event::Put(entry.get("key")?, entry.get("value")?));
    entry.get("delete").map(Event::Delete).or_else(put)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let (Some(address), Some(stream)) = (arguments.next(), arguments.next()) else {
        return Err("give the address of a Redis server and the name of a stream".into());
    };
    let client = redis::Client::open(address)?;
    let (follower, driver) = Builder::new(RedisStream { client, stream }).start();
    tokio::spawn(driver);
    let mut watcher = follower.map().watcher();
    loop {
        watcher.changed().await?;
        let map = watcher.borrow_and_update();
        println!("{} {map:?}", map.revision());
    }
}
