//! A source whose streams a test makes by hand.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dbuf_follow::{Error, Event, Revision, Source, events};
use futures_core::Stream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

pub type Item<K, V> = Result<Event<K, V>, Error>;

/// Sends events into a stream of a script.
pub fn send<K, V>(
    stream: &UnboundedSender<Item<K, V>>,
    events: impl IntoIterator<Item = Event<K, V>>,
) {
    for event in events {
        assert!(stream.send(Ok(event)).is_ok(), "the stream was dropped");
    }
}

pub struct Script<K, V>(Arc<Streams<K, V>>);

struct Streams<K, V> {
    streams: Mutex<VecDeque<UnboundedReceiver<Item<K, V>>>>,
    opened: Mutex<Vec<Option<Revision>>>,
    silence: Option<Duration>,
}

impl<K, V> Script<K, V> {
    pub fn new(silence: Option<Duration>) -> Self {
        Self(Arc::new(Streams {
            streams: Mutex::default(),
            opened: Mutex::default(),
            silence,
        }))
    }

    /// Adds a stream, and returns its sender.
    pub fn stream(&self) -> UnboundedSender<Item<K, V>> {
        let (sender, receiver) = unbounded_channel();
        self.0.streams.lock().unwrap().push_back(receiver);
        sender
    }

    /// Returns the revisions after which streams were opened.
    pub fn opened(&self) -> Vec<Option<Revision>> {
        self.0.opened.lock().unwrap().clone()
    }
}

impl<K, V> Clone for Script<K, V> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K: Send + 'static, V: Send + 'static> Source for Script<K, V> {
    type Key = K;
    type Value = V;

    fn open(&self, from: Option<Revision>) -> impl Stream<Item = Item<K, V>> + Send {
        self.0.opened.lock().unwrap().push(from);
        let stream = self.0.streams.lock().unwrap().pop_front();
        events(async move |emit| {
            let mut stream = stream.ok_or("no stream")?;
            while let Some(event) = stream.recv().await {
                emit.send(event?).await;
            }
            Ok(())
        })
    }

    fn name(&self) -> String {
        "script".to_owned()
    }

    fn silence(&self) -> Option<Duration> {
        self.0.silence
    }
}
