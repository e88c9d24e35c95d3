use alloc::boxed::Box;
use core::time::Duration;

use futures_core::Stream;

/// A number that an engine gives each of its states. It grows with every commit.
pub type Revision = u64;

/// Why a source's stream ended, or why an entry did not decode.
pub type Error = Box<dyn core::error::Error + Send + Sync>;

/// What happened to the data of an engine.
///
/// Everything up to a [`Commit`](Self::Commit) becomes visible at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<K, V> {
    /// All that was known is void. What follows, up to the next commit, is the whole state.
    Reset,
    /// The key has this value.
    Put(K, V),
    /// The key is gone.
    Delete(K),
    /// What came before makes up this revision.
    Commit(Revision),
    /// The engine has got to this revision, and nothing here changed since the last commit.
    Progress(Revision),
}

/// An engine that can be followed.
///
/// # Contract
///
/// * A stream that was opened with `None` begins with [`Event::Reset`].
/// * A stream that was opened with `Some(revision)` continues after that revision. Where the
///   engine cannot do that (it has compacted the revision away, or it is another engine by
///   now), the stream begins with [`Event::Reset`] instead.
/// * A stream soon yields a commit or a progress, also when nothing has changed: until then
///   a follower does not count itself connected.
/// * Events of one transaction are never parted by a commit.
/// * A stream ends with an error; the follower waits, and opens another one.
///
/// [`events`](crate::events) makes such a stream from an `async` block. The documentation of
/// [`Memory`](crate::Memory) has the smallest source; a whole one, for a Redis stream, is in
/// [`docs/examples/redis_source.rs`](https://github.com/dbuf-rs/dbuf/blob/main/docs/examples/redis_source.rs).
pub trait Source: Send + Sync + 'static {
    /// Keys as the engine has them.
    type Key: Send;
    /// Values as the engine has them.
    type Value: Send;

    /// Connects, and streams what happened after a revision, or the whole state and what
    /// happens after it.
    fn open(
        &self,
        from: Option<Revision>,
    ) -> impl Stream<Item = Result<Event<Self::Key, Self::Value>, Error>> + Send;

    /// The name of what is followed, such as `etcd:/flags/`. It is written into the
    /// [file](crate::Builder::file), so that the file of another source is refused. No
    /// secrets.
    fn name(&self) -> String;

    /// How long a stream may be silent. The follower gives it up after that, and opens
    /// another one. `None`: forever.
    fn silence(&self) -> Option<Duration> {
        None
    }
}
