use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::convert::Infallible;
use core::fmt;
use core::hash::{BuildHasher, Hash};
use core::time::Duration;
use std::hash::RandomState;
use std::path::PathBuf;

use crate::driver::{Driver, Entries};
use crate::file::{Encode, Store};
use crate::problem::{Problem, Stopped, Undecodable};
use crate::status::{Status, StopOnDrop};
use crate::{Error, Follower, Source};

/// Makes raw keys and values of an engine ours.
pub(crate) struct Decoder<A, B, K, V> {
    pub(crate) key: Box<dyn Fn(A) -> Result<K, Error> + Send + Sync>,
    pub(crate) value: Box<dyn Fn(B) -> Result<V, Error> + Send + Sync>,
}

pub(crate) type Hook<K> = Box<dyn FnMut(Problem<'_, K>) + Send>;

/// What a follower is made of.
///
/// # Examples
///
/// Text keys and numbers, out of an engine that has bytes:
///
/// ```
/// use dbuf_follow::{Builder, Memory, Undecodable};
///
/// # pollster::block_on(async {
/// let engine = Memory::<Vec<u8>, Vec<u8>>::new();
/// let (follower, driver) = Builder::decoding(engine.clone(), String::from_utf8, |value| {
///     std::str::from_utf8(&value)?.parse::<u32>().map_err(dbuf_follow::Error::from)
/// })
/// .undecodable(Undecodable::KeepOld)
/// .on_problem(|problem| eprintln!("{problem}"))
/// .start();
/// # let driver = std::thread::spawn(|| pollster::block_on(driver));
/// let revision = engine.put(b"limit".into(), b"10".into());
/// follower.wait_for(revision).await?;
/// let revision = engine.put(b"limit".into(), b"ten".into());
/// follower.wait_for(revision).await?;
/// assert_eq!(follower.map().get_cloned("limit"), Some(10));
/// # Ok::<(), dbuf_follow::Closed>(())
/// # }).unwrap();
/// ```
#[must_use = "a builder follows nothing until it is started"]
pub struct Builder<S: Source, K, V, H = RandomState> {
    source: S,
    decoder: Decoder<S::Key, S::Value, K, V>,
    hasher: H,
    undecodable: Undecodable,
    on_problem: Hook<K>,
    delays: (Duration, Duration),
    fail_fast: bool,
    store: Option<Store<S::Key, S::Value, K, V>>,
}

impl<S: Source> Builder<S, S::Key, S::Value> {
    /// A map with the keys and values that the source has.
    pub fn new(source: S) -> Self {
        Self::decoding(source, Ok::<_, Infallible>, Ok::<_, Infallible>)
    }
}

impl<S: Source, K, V> Builder<S, K, V> {
    /// A map with keys and values that two functions make of those of the source. They may
    /// fail ([`undecodable`](Self::undecodable)); they are called in the driver, once for
    /// each entry.
    pub fn decoding<E, F>(
        source: S,
        key: impl Fn(S::Key) -> Result<K, E> + Send + Sync + 'static,
        value: impl Fn(S::Value) -> Result<V, F> + Send + Sync + 'static,
    ) -> Self
    where
        E: Into<Error>,
        F: Into<Error>,
    {
        Self {
            source,
            decoder: Decoder {
                key: Box::new(move |raw| key(raw).map_err(Into::into)),
                value: Box::new(move |raw| value(raw).map_err(Into::into)),
            },
            hasher: RandomState::new(),
            undecodable: Undecodable::Skip,
            on_problem: Box::new(|_| {}),
            delays: (Duration::from_millis(100), Duration::from_secs(10)),
            fail_fast: false,
            store: None,
        }
    }
}

impl<S: Source, K, V, H> Builder<S, K, V, H> {
    /// Another hasher. The default is std's, which is safe against chosen keys, and slow.
    pub fn hasher<T: BuildHasher>(self, hasher: T) -> Builder<S, K, V, T> {
        Builder {
            source: self.source,
            decoder: self.decoder,
            hasher,
            undecodable: self.undecodable,
            on_problem: self.on_problem,
            delays: self.delays,
            fail_fast: self.fail_fast,
            store: self.store,
        }
    }

    /// What to do with an entry that does not decode. Default: [`Undecodable::Skip`].
    pub fn undecodable(self, undecodable: Undecodable) -> Self {
        Self {
            undecodable,
            ..self
        }
    }

    /// Calls a function, in the driver, when an entry does not decode, when the engine is
    /// lost, and when the file cannot be read or written. The crate logs nothing.
    pub fn on_problem(self, hook: impl FnMut(Problem<'_, K>) + Send + 'static) -> Self {
        Self {
            on_problem: Box::new(hook),
            ..self
        }
    }

    /// How long to wait before the engine is tried again: `first`, then twice as long each
    /// time, up to `longest`, each with up to as much again at random, so that a hundred
    /// followers do not come back at once. Default: 100 ms and 10 s.
    pub fn delays(self, first: Duration, longest: Duration) -> Self {
        Self {
            delays: (first, longest.max(first)),
            ..self
        }
    }

    /// Ends the driver if the first whole state cannot be loaded at the first try, rather
    /// than try forever. Once it is loaded, the driver keeps trying.
    pub fn fail_fast(self, fail_fast: bool) -> Self {
        Self { fail_fast, ..self }
    }
}

impl<S, K, V, H> Builder<S, K, V, H>
where
    S: Source<Key = Vec<u8>, Value = Vec<u8>>,
{
    /// Keeps a copy in a file, so that a restart serves it at once and continues after its
    /// revision. `key` and `value` undo what the functions of
    /// [`decoding`](Self::decoding) do.
    ///
    /// The file is written in a thread, after a load and then every 30 seconds at most, if
    /// anything has changed; it replaces the old one by a rename, and its owner alone may
    /// read it (on Unix). A file that is torn, of another format or of another source is
    /// reported ([`FileError`](crate::FileError)) and ignored: all is loaded then.
    pub fn file(
        self,
        path: impl Into<PathBuf>,
        key: impl Fn(&K) -> Vec<u8> + Send + Sync + 'static,
        value: impl Fn(&V) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        let encode = Encode {
            key: Box::new(key),
            value: Box::new(value),
        };
        let store = Store::new(path.into(), Arc::new(encode));
        Self {
            store: Some(store),
            ..self
        }
    }

    /// How often the file is written at most. Default: 30 seconds.
    pub fn file_interval(mut self, interval: Duration) -> Self {
        if let Some(store) = &mut self.store {
            store.interval = interval;
        }
        self
    }
}

impl<S, K, V, H> Builder<S, K, V, H>
where
    S: Source,
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    H: BuildHasher + Send + Sync + 'static,
{
    /// A handle, and the driver: a future that connects, applies what happens, and connects
    /// again, for any executor to run. It ends only when it must
    /// ([`Stopped`]). Dropped at any moment, it publishes nothing half done. The
    /// [file](Self::file), if any, is read here.
    pub fn start(
        self,
    ) -> (
        Follower<K, V, H>,
        impl Future<Output = Stopped> + Send + 'static,
    ) {
        let status = Arc::new(Status::new());
        let (writer, reader) = dbuf_hashmap::Builder::new()
            .hasher(self.hasher)
            .watched()
            .build();
        let mut driver = Driver {
            source: self.source,
            entries: Entries {
                decoder: self.decoder,
                undecodable: self.undecodable,
                on_problem: self.on_problem,
            },
            delays: self.delays,
            fail_fast: self.fail_fast,
            loaded: false,
            store: self.store,
            map: reader.shared(),
            writer,
            stop: StopOnDrop(Arc::clone(&status)),
        };
        driver.load();
        let follower = Follower::new(reader.shared(), status);
        (follower, driver.run())
    }
}

impl<S: Source, K, V, H> fmt::Debug for Builder<S, K, V, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("source", &self.source.name())
            .finish_non_exhaustive()
    }
}
