use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::convert::Infallible;
use core::fmt;
use core::hash::{BuildHasher, Hash};
use core::time::Duration;
use std::hash::RandomState;
use std::path::PathBuf;

use crate::decoder::Decoder;
use crate::driver::{Driver, Entries};
use crate::file::{Encode, Store};
use crate::follower::Follower;
use crate::problem::{Hook, Problem, Stopped, Undecodable};
use crate::source::{Error, Source};
use crate::status::{Status, StopOnDrop};

/// Configures a follower and its driver.
///
/// # Examples
///
/// An engine with bytes, and a map with strings and numbers:
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
    /// Follows a source into a map with the source's keys and values.
    pub fn new(source: S) -> Self {
        Self::decoding(source, Ok::<_, Infallible>, Ok::<_, Infallible>)
    }
}

impl<S: Source, K, V> Builder<S, K, V> {
    /// Follows a source into a map whose keys and values two functions make of the source's. The
    /// driver calls them once for each entry; they may fail ([`undecodable`](Self::undecodable)).
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
    /// Sets the hasher. The default is std's, which resists chosen keys but is slow.
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

    /// Sets what happens to an entry that does not decode. Default: [`Undecodable::Skip`].
    pub fn undecodable(self, undecodable: Undecodable) -> Self {
        Self {
            undecodable,
            ..self
        }
    }

    /// Sets a function that the driver calls when an entry does not decode, when the engine is
    /// lost, and when the file cannot be read or written. The crate itself logs nothing.
    pub fn on_problem(self, hook: impl FnMut(Problem<'_, K>) + Send + 'static) -> Self {
        Self {
            on_problem: Box::new(hook),
            ..self
        }
    }

    /// Sets the delays between attempts to connect: `first`, then doubled each time up to
    /// `longest`. A random part of up to the same length is added to each, so that followers do not
    /// reconnect all at once. Default: 100 ms and 10 s.
    pub fn delays(self, first: Duration, longest: Duration) -> Self {
        Self {
            delays: (first, longest.max(first)),
            ..self
        }
    }

    /// Sets whether the driver ends if the first attempt does not load a whole state. Default: no.
    /// After the first load, the driver always tries again.
    pub fn fail_fast(self, fail_fast: bool) -> Self {
        Self { fail_fast, ..self }
    }
}

impl<S, K, V, H> Builder<S, K, V, H>
where
    S: Source<Key = Vec<u8>, Value = Vec<u8>>,
{
    /// Keeps a copy in a file, so that a restart serves it at once and continues after its
    /// revision. `key` and `value` are the inverses of the functions of
    /// [`decoding`](Self::decoding).
    ///
    /// A thread writes the file after each load, and after a change at most every 30 seconds. It
    /// replaces the old file by a rename, and only its owner may read it (on Unix). A file that is
    /// torn, of another format or of another source is reported
    /// ([`FileError`](crate::FileError)) and ignored, and the engine's state is loaded.
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

    /// Sets the shortest time between two writes of the file. Default: 30 seconds.
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
    /// Returns a handle and the driver, a future for any executor: it connects, applies events,
    /// and reconnects. [`Stopped`] lists why it may end. Dropping it never publishes a part of a
    /// transaction. The [file](Self::file), if set, is read in this call.
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
