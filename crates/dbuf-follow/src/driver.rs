use core::future::{Future, poll_fn};
use core::hash::{BuildHasher, Hash};
use core::pin::{Pin, pin};
use core::task::Poll;
use core::time::Duration;
use std::time::Instant;

use backon::{BackoffBuilder, ExponentialBuilder};
use dbuf_hashmap::{DefaultStrategy, Watched, Writer, WriterBatch};
use futures_core::Stream;
use futures_timer::Delay;

use crate::decoder::Decoder;
use crate::file::Store;
use crate::follower::Map;
use crate::problem::{Hook, Problem, Stopped, Undecodable};
use crate::source::{Error, Event, Source};
use crate::status::{State, StopOnDrop};

type Strategy = Watched<DefaultStrategy>;
type Batch<'w, K, V, H> = WriterBatch<'w, K, V, H, Strategy>;

/// Connects, applies events, and reconnects.
pub(crate) struct Driver<S: Source, K, V, H> {
    pub(crate) source: S,
    pub(crate) entries: Entries<S, K, V>,
    pub(crate) delays: (Duration, Duration),
    pub(crate) fail_fast: bool,
    /// The map has a whole state.
    pub(crate) loaded: bool,
    pub(crate) store: Option<Store<S::Key, S::Value, K, V>>,
    pub(crate) map: Map<K, V, H>,
    pub(crate) writer: Writer<K, V, H, Strategy>,
    /// Dropped last.
    pub(crate) stop: StopOnDrop,
}

/// Decodes and applies single entries.
pub(crate) struct Entries<S: Source, K, V> {
    pub(crate) decoder: Decoder<S::Key, S::Value, K, V>,
    pub(crate) undecodable: Undecodable,
    pub(crate) on_problem: Hook<K>,
}

/// Why a connection ended.
enum End {
    Cut(Error),
    Stop(Stopped),
}

impl<S, K, V, H> Driver<S, K, V, H>
where
    S: Source,
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    H: BuildHasher + Send + Sync + 'static,
{
    /// Publishes the entries of the file, if there is one.
    pub(crate) fn load(&mut self) {
        let Some(store) = &mut self.store else {
            return;
        };
        match store.load(&self.source.name(), &self.entries.decoder) {
            Ok(None) => {}
            Ok(Some((revision, entries))) => {
                let mut batch = self.writer.write();
                batch.extend(entries);
                batch.set_revision(revision);
                batch.publish();
                self.loaded = true;
            }
            Err(error) => (self.entries.on_problem)(Problem::File {
                path: store.path(),
                error: &error,
            }),
        }
    }

    pub(crate) async fn run(mut self) -> Stopped {
        let (first, longest) = self.delays;
        let backoff = ExponentialBuilder::default()
            .with_min_delay(first)
            .with_max_delay(longest)
            .with_jitter()
            .without_max_times();
        let mut delays = backoff.build();
        loop {
            let mut heard = false;
            let error = match self.follow(&mut heard).await {
                End::Cut(error) => error,
                End::Stop(stopped) => return stopped,
            };
            if self.fail_fast && !self.loaded {
                return Stopped::Unreachable(error);
            }
            if heard {
                delays = backoff.build();
            }
            let status = &self.stop.0;
            if !matches!(status.state(), State::CutOff { .. }) {
                let since = Instant::now();
                status.set(State::CutOff { since });
            }
            let retry_in = delays.next().unwrap_or(longest);
            (self.entries.on_problem)(Problem::Cut {
                error: &error,
                retry_in,
            });
            Delay::new(retry_in).await;
        }
    }

    /// Follows one connection to its end. Sets `heard` once the engine has answered.
    async fn follow(&mut self, heard: &mut bool) -> End {
        let Self {
            source,
            entries,
            store,
            map,
            writer,
            loaded,
            stop,
            ..
        } = self;
        let status = &stop.0;
        let from = loaded.then(|| writer.published().revision());
        let mut events = pin!(source.open(from));
        let mut silence = Silence::new(source.silence());
        loop {
            let mut event = match silence.next(events.as_mut()).await {
                Ok(event) => event,
                Err(error) => return End::Cut(error),
            };
            let mut batch = writer.write_async().await;
            // If the connection or the driver ends, nothing is published.
            batch.rollback_on_drop();
            let mut reset = false;
            let revision = loop {
                let applied = match event {
                    Event::Reset => {
                        batch.clear();
                        reset = true;
                        status.set(State::Loading);
                        Ok(())
                    }
                    Event::Put(key, value) => entries.put(&mut batch, key, value, reset),
                    Event::Delete(key) => entries.delete(&mut batch, key),
                    Event::Commit(revision) | Event::Progress(revision) => break revision,
                };
                if let Err(stopped) = applied {
                    return End::Stop(stopped);
                }
                event = match silence.next(events.as_mut()).await {
                    Ok(event) => event,
                    Err(error) => return End::Cut(error),
                };
            };
            batch.set_revision(revision);
            batch.publish();
            *heard = true;
            *loaded = true;
            status.hear();
            status.set(State::Live);
            if let Some(store) = store {
                if let Err(error) = store.save(source.name(), map, revision, reset) {
                    (entries.on_problem)(Problem::File {
                        path: store.path(),
                        error: &error,
                    });
                }
            }
        }
    }
}

impl<S, K, V> Entries<S, K, V>
where
    S: Source,
    K: Hash + Eq + Clone,
    V: Clone,
{
    fn put<H: BuildHasher>(
        &mut self,
        batch: &mut Batch<'_, K, V, H>,
        key: S::Key,
        value: S::Value,
        reset: bool,
    ) -> Result<(), Stopped> {
        let key = match (self.decoder.key)(key) {
            Ok(key) => key,
            Err(error) => return self.report(None, error),
        };
        let error = match (self.decoder.value)(value) {
            Ok(value) => {
                batch.insert(key, value);
                return Ok(());
            }
            Err(error) => error,
        };
        match self.undecodable {
            Undecodable::Skip => _ = batch.remove(&key),
            // A reset emptied the batch, so the old value is in the published map.
            Undecodable::KeepOld if reset && !batch.contains_key(&key) => {
                if let Some(old) = batch.published().get(&key).cloned() {
                    batch.insert(key.clone(), old);
                }
            }
            Undecodable::KeepOld | Undecodable::Stop => {}
        }
        self.report(Some(&key), error)
    }

    fn delete<H: BuildHasher>(
        &mut self,
        batch: &mut Batch<'_, K, V, H>,
        key: S::Key,
    ) -> Result<(), Stopped> {
        match (self.decoder.key)(key) {
            Ok(key) => {
                batch.remove(&key);
                Ok(())
            }
            Err(error) => self.report(None, error),
        }
    }

    fn report(&mut self, key: Option<&K>, error: Error) -> Result<(), Stopped> {
        (self.on_problem)(Problem::Entry { key, error: &error });
        match self.undecodable {
            Undecodable::Stop => Err(Stopped::Undecodable(error)),
            Undecodable::Skip | Undecodable::KeepOld => Ok(()),
        }
    }
}

/// Detects a stream that is silent for too long.
struct Silence {
    limit: Option<(Duration, Delay)>,
    heard: Instant,
}

impl Silence {
    fn new(limit: Option<Duration>) -> Self {
        Self {
            limit: limit.map(|limit| (limit, Delay::new(limit))),
            heard: Instant::now(),
        }
    }

    /// Returns the next event of a stream, or an error if the stream ended or is silent.
    fn next<K, V, T>(
        &mut self,
        mut events: Pin<&mut T>,
    ) -> impl Future<Output = Result<Event<K, V>, Error>>
    where
        T: Stream<Item = Result<Event<K, V>, Error>>,
    {
        poll_fn(move |cx| {
            if let Poll::Ready(event) = events.as_mut().poll_next(cx) {
                if self.limit.is_some() {
                    self.heard = Instant::now();
                }
                return Poll::Ready(event.unwrap_or_else(|| Err("the stream has ended".into())));
            }
            let Some((limit, delay)) = &mut self.limit else {
                return Poll::Pending;
            };
            // The timer is not reset for each event, only when it expires.
            while Pin::new(&mut *delay).poll(cx).is_ready() {
                match limit.checked_sub(self.heard.elapsed()) {
                    None | Some(Duration::ZERO) => {
                        let error = alloc::format!("nothing was heard for {limit:?}");
                        return Poll::Ready(Err(error.into()));
                    }
                    Some(rest) => delay.reset(rest),
                }
            }
            Poll::Pending
        })
    }
}
