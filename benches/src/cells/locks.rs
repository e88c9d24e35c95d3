//! Reader-writer locks around the value.

use alloc::sync::Arc;

use crossbeam_utils::sync::ShardedLock;

use super::{Load, Parts, Payload, Store, cloned};

/// A lock around a [`Payload`].
pub(super) trait Lock: Send + Sync + 'static {
    fn new(payload: Payload) -> Self;
    fn look(&self) -> Payload;
    fn set(&self, payload: Payload);
}

impl<L: Lock> Load for Arc<L> {
    #[inline]
    fn load(&mut self) -> Payload {
        self.look()
    }
}

impl<L: Lock> Store for Arc<L> {
    fn store(&mut self, payload: Payload) {
        self.set(payload);
    }
}

pub(super) fn build<L: Lock>(readers: usize) -> Option<Parts> {
    let lock = Arc::new(L::new(Payload::new(0)));
    cloned(Arc::clone(&lock), lock, readers)
}

const POISONED: &str = "a thread panicked, and the program with it";

impl Lock for std::sync::RwLock<Payload> {
    fn new(payload: Payload) -> Self {
        Self::new(payload)
    }

    #[inline]
    fn look(&self) -> Payload {
        *self.read().expect(POISONED)
    }

    fn set(&self, payload: Payload) {
        *self.write().expect(POISONED) = payload;
    }
}

impl Lock for parking_lot::RwLock<Payload> {
    fn new(payload: Payload) -> Self {
        Self::new(payload)
    }

    #[inline]
    fn look(&self) -> Payload {
        *self.read()
    }

    fn set(&self, payload: Payload) {
        *self.write() = payload;
    }
}

impl Lock for ShardedLock<Payload> {
    fn new(payload: Payload) -> Self {
        Self::new(payload)
    }

    #[inline]
    fn look(&self) -> Payload {
        *self.read().expect(POISONED)
    }

    fn set(&self, payload: Payload) {
        *self.write().expect(POISONED) = payload;
    }
}
