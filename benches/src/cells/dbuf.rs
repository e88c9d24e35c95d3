//! dbuf's cells, with any strategy.

use dbuf_core::{ArcReader, ArcWriter, BlockingStrategy, ReadGuard, Strategy, arc, rc};
use dbuf_strategies::LocalStrategy;

use super::{Load, Loads, Parts, Payload, Store, cloned};

const ZERO: Payload = Payload::new(0);

struct Reader<R>(R);

impl<S: Strategy> Load for ArcReader<Payload, S> {
    #[inline]
    fn load(&mut self) -> Payload {
        *self.read()
    }
}

impl<S: BlockingStrategy> Store for ArcWriter<Payload, S> {
    fn store(&mut self, payload: Payload) {
        Self::store(self, payload);
    }
}

/// Many threads.
pub(super) fn shared<S>(readers: usize) -> Option<Parts>
where
    S: BlockingStrategy + Default + 'static,
    ArcReader<Payload, S>: Send,
    ArcWriter<Payload, S>: Send,
{
    let (writer, reader) = arc(ZERO, ZERO, S::default());
    cloned(reader, writer, readers)
}

/// One guard for many loads, brought up to date for each. It stays on its thread, so each
/// block of loads takes one.
#[derive(Clone)]
struct Refreshed<R>(R);

impl<S: Strategy> Loads for Refreshed<ArcReader<Payload, S>> {
    fn run(&mut self, count: usize, contender: &str) {
        let mut guard = self.0.read();
        for _ in 0..count {
            ReadGuard::refresh(&mut guard);
            guard.check(contender);
        }
    }
}

/// Many threads, each of which keeps a guard.
pub(super) fn refreshed<S>(readers: usize) -> Option<Parts>
where
    S: BlockingStrategy + Default + 'static,
    ArcReader<Payload, S>: Send,
    ArcWriter<Payload, S>: Send,
{
    let (writer, reader) = arc(ZERO, ZERO, S::default());
    cloned(Refreshed(reader), writer, readers)
}

impl<F: FnMut() -> Payload> Load for Reader<F> {
    #[inline]
    fn load(&mut self) -> Payload {
        (self.0)()
    }
}

/// One thread.
pub(super) fn local(readers: usize) -> Option<Parts> {
    let (writer, reader) = rc(ZERO, ZERO, LocalStrategy::new());
    // The writer stays, as in the others.
    let load = move || {
        let _ = &writer;
        *reader.read()
    };
    (readers == 1).then(|| Parts::Alone(Box::new(Reader(load))))
}
