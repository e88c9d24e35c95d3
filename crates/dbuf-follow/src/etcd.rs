use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;

use etcd_client::{
    Client, ConnectOptions, GetOptions, ResponseHeader, WatchOptions, WatchResponse,
};
use futures_core::Stream;

use crate::events::{Emit, events};
use crate::source::{Error, Event, Revision, Source};

/// The number of keys of one request of a load.
const PAGE: i64 = 1000;

/// The largest message of etcd.
const MESSAGE: usize = i32::MAX as usize;

/// The keys of etcd that begin with a prefix.
///
/// A load reads the range at one revision, in pages, and a watch continues after it. One revision
/// of etcd is one commit, so no part of a transaction is seen. The follower's revision is the last
/// one that changed a key of the range, so [`wait_for`](crate::Follower::wait_for) needs the
/// revision of a write to the range. The whole state is loaded again if etcd has compacted the
/// revision away, if the cluster has another id, or if its revision went back.
///
/// It needs tokio, and makes a new client for every connection.
///
/// # Password and TLS
///
/// [`options`](Self::options) takes the client's options. `ConnectOptions::with_user` sets a user
/// and its password. For TLS, use endpoints `https://host:port` and `ConnectOptions::with_tls`:
/// `TlsOptions::new().with_enabled_roots()` trusts the system's CAs, `ca_certificate` your own CA,
/// and `identity` sets a client certificate. Without the first two, no server is trusted.
///
/// # Examples
///
/// ```no_run
/// use dbuf_follow::etcd_client::ConnectOptions;
/// use dbuf_follow::{Builder, Etcd};
///
/// # async fn follow() -> Result<(), dbuf_follow::Closed> {
/// let options = ConnectOptions::new().with_user("reader", "secret");
/// let source = Etcd::new(["10.0.0.1:2379", "10.0.0.2:2379"], "/flags/").options(options);
/// let (flags, driver) = Builder::decoding(source, String::from_utf8, String::from_utf8).start();
/// tokio::spawn(driver);
/// flags.changed().await?;
/// println!("{:?}", flags.map().get_cloned("/flags/colour"));
/// # Ok(())
/// # }
/// ```
pub struct Etcd {
    endpoints: Vec<String>,
    prefix: Vec<u8>,
    options: ConnectOptions,
    silence: Duration,
    /// The id of the last cluster; 0 before the first.
    cluster: AtomicU64,
}

impl Etcd {
    /// Follows the keys with a prefix, in a cluster with these endpoints (`host:port`, or
    /// `https://host:port` for TLS).
    pub fn new(
        endpoints: impl IntoIterator<Item = impl Into<String>>,
        prefix: impl Into<Vec<u8>>,
    ) -> Self {
        Self {
            endpoints: endpoints.into_iter().map(Into::into).collect(),
            prefix: prefix.into(),
            options: ConnectOptions::new(),
            silence: Duration::from_secs(10),
            cluster: AtomicU64::new(0),
        }
    }

    /// Sets the options of the client: user and password, TLS, timeouts.
    pub fn options(self, options: ConnectOptions) -> Self {
        Self { options, ..self }
    }

    /// Sets how long the cluster may be silent. It is asked for a sign of life three times in that
    /// time. Default: 10 seconds.
    pub fn silence(self, silence: Duration) -> Self {
        Self { silence, ..self }
    }

    async fn run(&self, from: Option<Revision>, emit: Emit<Vec<u8>, Vec<u8>>) -> Result<(), Error> {
        let options = Some(self.options.clone());
        let client = Client::connect(&self.endpoints, options).await;
        let client = client.map_err(readable)?;
        let mut next = from;
        loop {
            let revision = match next {
                Some(revision) => revision,
                None => self.load(&client, &emit).await?,
            };
            // It returns if the watch cannot continue after that revision.
            self.watch(&client, revision, &emit).await?;
            next = None;
        }
    }

    /// Emits the whole state, and returns its revision.
    async fn load(
        &self,
        client: &Client,
        emit: &Emit<Vec<u8>, Vec<u8>>,
    ) -> Result<Revision, Error> {
        let mut kv = client.kv_client().max_decoding_message_size(MESSAGE);
        let options = GetOptions::new().with_limit(PAGE);
        let first = options.clone().with_prefix();
        let mut page = kv.get(self.prefix.clone(), Some(first)).await;
        let mut revision = None;
        loop {
            let mut response = page.map_err(readable)?;
            let at = match revision {
                Some(revision) => revision,
                None => {
                    let header = header(response.header())?;
                    // Relaxed: no other data depends on it.
                    self.cluster.store(header.cluster_id(), Ordering::Relaxed);
                    emit.send(Event::Reset).await;
                    header.revision()
                }
            };
            revision = Some(at);
            let more = response.more();
            let mut last = Vec::new();
            for entry in response.take_kvs() {
                let (key, value) = entry.into_key_value();
                last.clone_from(&key);
                emit.send(Event::Put(key, value)).await;
            }
            if !more || last.is_empty() {
                let revision = at as Revision;
                emit.send(Event::Commit(revision)).await;
                return Ok(revision);
            }
            last.push(0);
            let rest = options.clone().with_range(end_of(&self.prefix));
            page = kv.get(last, Some(rest.with_revision(at))).await;
        }
    }

    /// Emits the events after a revision. Returns if the watch cannot continue after it.
    async fn watch(
        &self,
        client: &Client,
        from: Revision,
        emit: &Emit<Vec<u8>, Vec<u8>>,
    ) -> Result<(), Error> {
        let options = WatchOptions::new()
            .with_prefix()
            .with_start_revision(from as i64 + 1)
            .with_progress_notify()
            .with_fragment();
        let mut watch = client.watch_client().max_decoding_message_size(MESSAGE);
        let stream = watch.watch(self.prefix.clone(), Some(options)).await;
        let (mut requests, mut responses) = stream.map_err(readable)?.split();
        let mut ticks = tokio::time::interval(self.silence / 3);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut commits = Commits::new(from);
        loop {
            let response = tokio::select! {
                response = responses.message() => response.map_err(readable)?,
                _ = ticks.tick() => {
                    requests.request_progress().await.map_err(readable)?;
                    continue;
                }
            };
            let response = response.ok_or("etcd: the watch has ended")?;
            if response.canceled() {
                if response.compact_revision() > 0 {
                    return Ok(());
                }
                let reason = response.cancel_reason();
                return Err(format!("etcd: the watch was cancelled: {reason}").into());
            }
            if response.created() && !self.continues(header(response.header())?, from) {
                return Ok(());
            }
            commits.take(response, emit).await?;
        }
    }

    /// Returns whether the cluster is the same as before and has reached the revision.
    fn continues(&self, header: &ResponseHeader, from: Revision) -> bool {
        let cluster = header.cluster_id();
        // Relaxed: no other data depends on it.
        let before = self.cluster.swap(cluster, Ordering::Relaxed);
        (before == 0 || before == cluster) && header.revision() as Revision >= from
    }
}

/// Makes commits from the responses of a watch.
struct Commits {
    /// The last revision that was emitted.
    done: Revision,
    /// The revision whose events are being emitted.
    open: Option<Revision>,
}

impl Commits {
    fn new(done: Revision) -> Self {
        Self { done, open: None }
    }

    async fn take(
        &mut self,
        response: WatchResponse,
        emit: &Emit<Vec<u8>, Vec<u8>>,
    ) -> Result<(), Error> {
        let response = response.0;
        let quiet = response.events.is_empty();
        for event in response.events {
            let entry = event.kv.ok_or("etcd: an event without a key")?;
            let revision = entry.mod_revision as Revision;
            if self.open.is_some_and(|open| open != revision) {
                self.commit(emit).await;
            }
            self.open = Some(revision);
            emit.send(match event.r#type {
                0 => Event::Put(entry.key, entry.value),
                1 => Event::Delete(entry.key),
                other => return Err(format!("etcd: an event of unknown type {other}").into()),
            })
            .await;
        }
        if response.fragment {
            return Ok(()); // the next response has the rest of the revision
        }
        self.commit(emit).await;
        if quiet {
            // A notification of the watch follows all events before it. An answer to
            // `request_progress` may not (etcd issue 15220), so it is only a sign of life.
            if let (false, 0.., Some(header)) =
                (response.created, response.watch_id, response.header)
            {
                self.done = self.done.max(header.revision as Revision);
            }
            emit.send(Event::Progress(self.done)).await;
        }
        Ok(())
    }

    async fn commit(&mut self, emit: &Emit<Vec<u8>, Vec<u8>>) {
        if let Some(revision) = self.open.take() {
            self.done = revision;
            emit.send(Event::Commit(revision)).await;
        }
    }
}

impl Source for Etcd {
    type Key = Vec<u8>;
    type Value = Vec<u8>;

    fn open(
        &self,
        from: Option<Revision>,
    ) -> impl Stream<Item = Result<Event<Vec<u8>, Vec<u8>>, Error>> + Send {
        events(move |emit| self.run(from, emit))
    }

    fn name(&self) -> String {
        format!("etcd:{}", String::from_utf8_lossy(&self.prefix))
    }

    fn silence(&self) -> Option<Duration> {
        Some(self.silence)
    }
}

fn header(header: Option<&ResponseHeader>) -> Result<&ResponseHeader, Error> {
    header.ok_or_else(|| "etcd: an answer without a header".into())
}

/// Returns the first key after all keys with the prefix, in etcd's form.
fn end_of(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_owned();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return end;
        }
    }
    [0].into()
}

/// Returns an error with its causes, since the client's own text is often only "transport error".
fn readable(error: etcd_client::Error) -> Error {
    let mut text = match &error {
        etcd_client::Error::GRpcStatus(status) => format!("etcd: {}", status.message()),
        error => format!("etcd: {error}"),
    };
    let mut cause = match &error {
        etcd_client::Error::TransportError(error) => core::error::Error::source(error),
        etcd_client::Error::GRpcStatus(status) => core::error::Error::source(status),
        _ => None,
    };
    while let Some(error) = cause {
        let more = format!("{error}");
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text.into()
}

/// Shows no endpoints and no options, which may hold secrets.
impl fmt::Debug for Etcd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Etcd").field(&self.name()).finish()
    }
}
