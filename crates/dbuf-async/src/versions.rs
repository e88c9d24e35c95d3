//! The publishes that a watcher sees, as a stream.

use core::ops::Deref;
use core::pin::Pin;
use core::task::{Context, Poll};

use dbuf_core::{Reader, ReaderPtr, Strategy, Version};
use dbuf_strategies::Watched;
use futures_core::Stream;

use crate::watcher::{Changed, Watcher};

impl<R: ReaderPtr<Strategy = Watched<S>>, S: Strategy> Watcher<R> {
    /// Returns the published versions as a stream, each newer than the one before. It ends when
    /// [`changed`](Self::changed) would return `Closed`, and continues if a writer is claimed
    /// again. It dereferences to the reader, so that the value can be read between two items.
    ///
    /// # Cancel safety
    ///
    /// An item that was not taken is not lost.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_async::core::arc;
    /// use dbuf_async::strategies::{EpochStrategy, Watched};
    /// use dbuf_async::Watcher;
    /// use smol::stream::StreamExt;
    ///
    /// let (mut writer, reader) = arc(0, 0, Watched::new(EpochStrategy::new()));
    /// let mut watcher = Watcher::new(reader);
    /// writer.store(7);
    /// drop(writer);
    /// pollster::block_on(async {
    ///     let mut versions = watcher.versions();
    ///     while let Some(version) = versions.next().await {
    ///         assert_eq!((version, *versions.read()), (1, 7));
    ///     }
    /// });
    /// ```
    pub fn versions(&mut self) -> Versions<'_, R> {
        Versions {
            changed: self.changed(),
        }
    }
}

/// The stream of [`Watcher::versions`].
#[must_use = "streams do nothing unless they are polled"]
#[derive(Debug)]
pub struct Versions<'w, R: ReaderPtr> {
    changed: Changed<'w, R>,
}

impl<R: ReaderPtr<Strategy = Watched<S>>, S: Strategy> Stream for Versions<'_, R> {
    type Item = Version;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Version>> {
        Pin::new(&mut self.changed).poll(cx).map(Result::ok)
    }
}

impl<R: ReaderPtr> Deref for Versions<'_, R> {
    type Target = Reader<R>;

    fn deref(&self) -> &Reader<R> {
        self.changed.watcher
    }
}
