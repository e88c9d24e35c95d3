use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use core::fmt;
use core::future::{Future, poll_fn};
use core::pin::Pin;
use core::task::{Context, Poll};
use std::sync::{Mutex, PoisonError};

use futures_core::Stream;

use crate::source::{Error, Event};

/// The number of events that may be queued before `send` waits.
const QUEUE: usize = 256;

type Queue<K, V> = Arc<Mutex<VecDeque<Event<K, V>>>>;

/// Makes a stream of events, for [`Source::open`](crate::Source::open), from a future that sends
/// them. The future runs while the stream is polled, and its error ends the stream.
///
/// # Examples
///
/// ```
/// use dbuf_follow::{Error, Event, Revision, Source, events};
/// use futures_core::Stream;
///
/// struct Constant;
///
/// impl Source for Constant {
///     type Key = String;
///     type Value = u32;
///
///     fn open(
///         &self,
///         _: Option<Revision>,
///     ) -> impl Stream<Item = Result<Event<String, u32>, Error>> + Send {
///         events(async |emit| {
///             emit.send(Event::Reset).await;
///             emit.send(Event::Put("answer".to_owned(), 42)).await;
///             emit.send(Event::Commit(1)).await;
///             std::future::pending().await
///         })
///     }
///
///     fn name(&self) -> String {
///         "constant".to_owned()
///     }
/// }
/// ```
pub fn events<K, V, F>(run: impl FnOnce(Emit<K, V>) -> F) -> Events<F, K, V>
where
    F: Future<Output = Result<(), Error>>,
{
    let queue = Queue::default();
    let run = run(Emit(Arc::clone(&queue)));
    Events {
        queue,
        run: Some(Box::pin(run)),
        error: None,
    }
}

/// Sends events to the stream of [`events`].
pub struct Emit<K, V>(Queue<K, V>);

impl<K, V> Emit<K, V> {
    /// Adds an event to the stream, and waits while many are queued.
    ///
    /// # Cancel safety
    ///
    /// The first poll adds the event; dropping the future later does not remove it.
    pub async fn send(&self, event: Event<K, V>) {
        lock(&self.0).push_back(event);
        // No waker is needed: the stream polls this future again once the queue is empty.
        poll_fn(|_| match lock(&self.0).len() {
            QUEUE.. => Poll::Pending,
            _ => Poll::Ready(()),
        })
        .await;
    }
}

/// The stream of [`events`].
#[must_use = "streams do nothing unless they are polled"]
pub struct Events<F, K, V> {
    queue: Queue<K, V>,
    run: Option<Pin<Box<F>>>,
    error: Option<Error>,
}

// The only pinned field is in its own box.
impl<F, K, V> Unpin for Events<F, K, V> {}

impl<F, K, V> Stream for Events<F, K, V>
where
    F: Future<Output = Result<(), Error>>,
{
    type Item = Result<Event<K, V>, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(event) = lock(&self.queue).pop_front() {
                return Poll::Ready(Some(Ok(event)));
            }
            let Some(run) = &mut self.run else {
                return Poll::Ready(self.error.take().map(Err));
            };
            match run.as_mut().poll(cx) {
                Poll::Ready(result) => {
                    self.error = result.err();
                    self.run = None;
                }
                Poll::Pending if lock(&self.queue).is_empty() => return Poll::Pending,
                Poll::Pending => {}
            }
        }
    }
}

fn lock<K, V>(queue: &Queue<K, V>) -> std::sync::MutexGuard<'_, VecDeque<Event<K, V>>> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<K, V> fmt::Debug for Emit<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emit").finish_non_exhaustive()
    }
}

impl<F, K, V> fmt::Debug for Events<F, K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events")
            .field("ended", &self.run.is_none())
            .finish_non_exhaustive()
    }
}
