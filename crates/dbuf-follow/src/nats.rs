use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::future::poll_fn;
use core::pin::Pin;
use core::task::Poll;
use core::time::Duration;
use std::sync::{Mutex, PoisonError};

use async_nats::ConnectOptions;
use async_nats::connection::State;
use async_nats::jetstream::consumer::push::{Ordered, OrderedConfig};
use async_nats::jetstream::consumer::{DeliverPolicy, ReplayPolicy};
use async_nats::jetstream::kv::Store;
use async_nats::jetstream::stream::Info;
use async_nats::jetstream::{self, Message};
use futures_core::Stream;

use crate::events::{Emit, events};
use crate::source::{Error, Event, Revision, Source};

/// The interval between checks of the connection.
const CHECK: Duration = Duration::from_millis(250);

/// The largest number of messages in one commit.
const BATCH: usize = 1024;

/// A key-value bucket of NATS JetStream.
///
/// The revision is the sequence number of the bucket's stream. NATS has no transactions: messages
/// that have arrived together are one commit, and a load is one commit. The whole state is loaded
/// again if the bucket was made again or its revision went back.
///
/// A follower that reconnects reads the last value or delete marker of each key that changed since.
/// It does not see markers that were removed meanwhile (by `PurgeDeletes`, or by an age limit of
/// the bucket), so their keys stay; [`resume(false)`](Self::resume) loads the whole state each
/// time. NATS 2.9 and 2.10 do not report expired keys.
///
/// It needs tokio, and makes a new client for every connection.
///
/// # Password and TLS
///
/// [`options`](Self::options) takes a function that returns the client's options.
/// `ConnectOptions::with_user_and_password`, `with_token` or `with_credentials` sets the login. A
/// server `tls://host:port`, or `require_tls(true)`, uses TLS; `add_root_certificates` trusts your
/// own CA and no longer the system's, and `add_client_certificate` sets a client certificate.
///
/// # Examples
///
/// ```no_run
/// use dbuf_follow::async_nats::ConnectOptions;
/// use dbuf_follow::{Builder, Nats};
///
/// # async fn follow() -> Result<(), dbuf_follow::Closed> {
/// let source = Nats::new(["10.0.0.1:4222", "10.0.0.2:4222"], "flags")
///     .options(|| ConnectOptions::with_token("secret".to_owned()));
/// let (flags, driver) = Builder::decoding(source, String::from_utf8, String::from_utf8).start();
/// tokio::spawn(driver);
/// flags.changed().await?;
/// println!("{:?}", flags.map().get_cloned("colour"));
/// # Ok(())
/// # }
/// ```
pub struct Nats {
    servers: Vec<String>,
    bucket: String,
    keys: String,
    options: Box<dyn Fn() -> ConnectOptions + Send + Sync>,
    silence: Duration,
    resume: bool,
    /// The time of creation of the last bucket.
    created: Mutex<Option<i128>>,
}

impl Nats {
    /// Follows a bucket in a cluster with these servers (`host:port`, or `tls://host:port`).
    pub fn new(
        servers: impl IntoIterator<Item = impl Into<String>>,
        bucket: impl Into<String>,
    ) -> Self {
        Self {
            servers: servers.into_iter().map(Into::into).collect(),
            bucket: bucket.into(),
            keys: ">".to_owned(),
            options: Box::new(ConnectOptions::new),
            silence: Duration::from_secs(10),
            resume: true,
            created: Mutex::new(None),
        }
    }

    /// Follows only the keys that match a pattern of NATS, such as `flags.>`.
    pub fn keys(self, pattern: impl Into<String>) -> Self {
        Self {
            keys: pattern.into(),
            ..self
        }
    }

    /// Sets the options of the client: login, TLS, timeouts. It takes a function, since the options
    /// cannot be cloned.
    pub fn options(self, options: impl Fn() -> ConnectOptions + Send + Sync + 'static) -> Self {
        Self {
            options: Box::new(options),
            ..self
        }
    }

    /// Sets how long the servers may be silent. They are asked for a sign of life three times in
    /// that time. Default: 10 seconds.
    pub fn silence(self, silence: Duration) -> Self {
        Self { silence, ..self }
    }

    /// Sets whether a follower that reconnects reads only the changes since. Default: yes.
    pub fn resume(self, resume: bool) -> Self {
        Self { resume, ..self }
    }

    async fn run(&self, from: Option<Revision>, emit: Emit<Vec<u8>, Vec<u8>>) -> Result<(), Error> {
        let client = (self.options)().connect(&self.servers[..]).await;
        let client = client.map_err(|error| format!("nats: {error}"))?;
        let mut context = jetstream::new(client.clone());
        context.set_timeout(self.silence / 2);
        let bucket = context.get_key_value(&self.bucket).await;
        let bucket = bucket.map_err(|error| format!("nats: bucket {}: {error}", self.bucket))?;
        let mut next = from.filter(|_| self.resume);
        loop {
            let info = info(&bucket).await?;
            let same = self.is_same(&info);
            let continues = |revision: &Revision| same && *revision <= info.state.last_sequence;
            let from = next.filter(continues);
            self.follow(&client, &bucket, &info, from, &emit).await?;
            next = None; // the revision went back
        }
    }

    /// Returns whether the bucket is the same as before.
    fn is_same(&self, info: &Info) -> bool {
        let created = info.created.unix_timestamp_nanos();
        let mut before = self.created.lock().unwrap_or_else(PoisonError::into_inner);
        before
            .replace(created)
            .is_none_or(|before| before == created)
    }

    /// Emits the events after a revision, or the whole state and the events after it. Returns if
    /// the bucket's revision goes back.
    async fn follow(
        &self,
        client: &async_nats::Client,
        bucket: &Store,
        info: &Info,
        from: Option<Revision>,
        emit: &Emit<Vec<u8>, Vec<u8>>,
    ) -> Result<(), Error> {
        // All messages up to this one are part of a load.
        let last = info.state.last_sequence;
        let consumer = bucket.stream.create_consumer(OrderedConfig {
            deliver_subject: client.new_inbox(),
            filter_subject: format!("{}{}", bucket.prefix, self.keys),
            replay_policy: ReplayPolicy::Instant,
            deliver_policy: match from {
                Some(from) => DeliverPolicy::ByStartSequence {
                    start_sequence: from + 1,
                },
                None => DeliverPolicy::LastPerSubject,
            },
            ..OrderedConfig::default()
        });
        let consumer = consumer.await.map_err(|error| format!("nats: {error}"))?;
        let empty = consumer.cached_info().num_pending == 0;
        let messages = consumer.messages().await;
        let mut messages = messages.map_err(|error| format!("nats: {error}"))?;

        let mut loading = from.is_none();
        let mut seen = from.unwrap_or(0);
        if loading {
            emit.send(Event::Reset).await;
        }
        if empty {
            // No message is pending, so this is the state.
            seen = seen.max(last);
            loading = false;
            emit.send(Event::Commit(seen)).await;
        }
        let mut checks = tokio::time::interval(CHECK.min(self.silence / 3));
        checks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut asked = tokio::time::Instant::now();
        loop {
            let message = tokio::select! {
                biased;
                message = poll_fn(|cx| Pin::new(&mut messages).poll_next(cx)) => message,
                _ = checks.tick() => {
                    if client.connection_state() != State::Connected {
                        return Err("nats: the connection is lost".into());
                    }
                    if asked.elapsed() >= self.silence / 3 {
                        asked = tokio::time::Instant::now();
                        let info = self::info(bucket).await?;
                        if !self.is_same(&info) || info.state.last_sequence < seen {
                            return Ok(());
                        }
                        if !loading {
                            emit.send(Event::Progress(seen)).await;
                        }
                    }
                    continue;
                }
            };
            let mut message = message;
            // Takes the messages that have arrived, up to `BATCH`.
            for n in 1.. {
                let arrived = message.ok_or("nats: the stream has ended")?;
                let arrived = arrived.map_err(|error| format!("nats: {error}"))?;
                let (revision, pending) = {
                    let info = arrived.info().map_err(|error| format!("nats: {error}"))?;
                    (info.stream_sequence, info.pending)
                };
                if revision <= seen {
                    return Ok(());
                }
                seen = revision;
                emit.send(event(&bucket.prefix, arrived)?).await;
                loading &= pending > 0 && seen < last;
                if n == BATCH {
                    break;
                }
                match ready(&mut messages).await {
                    Some(next) => message = next,
                    None => break,
                }
            }
            if !loading {
                if from.is_none() {
                    seen = seen.max(last);
                }
                emit.send(Event::Commit(seen)).await;
            }
        }
    }
}

/// Returns the current info of the bucket's stream.
async fn info(bucket: &Store) -> Result<Info, Error> {
    let status = bucket.status().await;
    let status = status.map_err(|error| format!("nats: bucket {}: {error}", bucket.name))?;
    Ok(status.info)
}

/// Returns the next message if it has arrived.
async fn ready(messages: &mut Ordered) -> Option<Option<<Ordered as Stream>::Item>> {
    poll_fn(|cx| match Pin::new(&mut *messages).poll_next(cx) {
        Poll::Ready(message) => Poll::Ready(Some(message)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

fn event(prefix: &str, message: Message) -> Result<Event<Vec<u8>, Vec<u8>>, Error> {
    let deleted = message.headers.as_ref().is_some_and(|headers| {
        headers.get("Nats-Marker-Reason").is_some()
            || headers
                .get("KV-Operation")
                .is_some_and(|operation| operation.as_str() != "PUT")
    });
    let key = message.subject.strip_prefix(prefix);
    let key = key.ok_or("nats: a message of another bucket")?;
    let key = key.as_bytes().to_owned();
    Ok(match deleted {
        true => Event::Delete(key),
        false => Event::Put(key, message.payload.to_vec()),
    })
}

impl Source for Nats {
    type Key = Vec<u8>;
    type Value = Vec<u8>;

    fn open(
        &self,
        from: Option<Revision>,
    ) -> impl Stream<Item = Result<Event<Vec<u8>, Vec<u8>>, Error>> + Send {
        events(move |emit| self.run(from, emit))
    }

    fn name(&self) -> String {
        format!("nats:{}:{}", self.bucket, self.keys)
    }

    fn silence(&self) -> Option<Duration> {
        Some(self.silence)
    }
}

/// Shows no servers and no options, which may hold secrets.
impl fmt::Debug for Nats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Nats").field(&self.name()).finish()
    }
}
