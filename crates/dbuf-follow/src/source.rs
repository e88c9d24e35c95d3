use alloc::boxed::Box;
use core::time::Duration;

use futures_core::Stream;

/// The number of a state of an engine. It grows with every commit.
pub type Revision = u64;

/// The error that ended a source's stream, or of an entry that did not decode.
pub type Error = Box<dyn core::error::Error + Send + Sync>;

/// A change of the data of an engine.
///
/// All events up to a [`Commit`](Self::Commit) become visible at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<K, V> {
    /// Discards all entries. The events up to the next commit are the whole state.
    Reset,
    /// Sets the value of a key.
    Put(K, V),
    /// Removes a key.
    Delete(K),
    /// The events before this one make up this revision.
    Commit(Revision),
    /// The engine is at this revision, and no key has changed since the last commit.
    Progress(Revision),
}

/// An engine that can be followed.
///
/// # Contract
///
/// * A stream that is opened with `None` begins with [`Event::Reset`].
/// * A stream that is opened with `Some(revision)` continues after that revision. If the engine
///   cannot (the revision is compacted away, or it is another engine), the stream begins with
///   [`Event::Reset`] instead.
/// * A stream soon yields a commit or a progress, also if nothing has changed: a follower is not
///   live before.
/// * No commit divides the events of one transaction.
/// * A stream ends with an error; the follower waits and opens another one.
///
/// [`events`](crate::events) makes such a stream from an `async` block; its documentation has a
/// small source. A complete one, for a Redis stream, is `examples/redis_source.rs` of this crate.
pub trait Source: Send + Sync + 'static {
    /// The engine's type of keys.
    type Key: Send;
    /// The engine's type of values.
    type Value: Send;

    /// Connects, and streams the events after a revision, or the whole state and the events after
    /// it.
    fn open(
        &self,
        from: Option<Revision>,
    ) -> impl Stream<Item = Result<Event<Self::Key, Self::Value>, Error>> + Send;

    /// Returns the name of the source, such as `etcd:/flags/`. It must hold no secrets: it is
    /// written into the [file](crate::Builder::file), to refuse the file of another source.
    fn name(&self) -> String;

    /// Returns how long a stream may be silent before the follower opens another one; `None` for
    /// forever.
    fn silence(&self) -> Option<Duration> {
        None
    }
}
