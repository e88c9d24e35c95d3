//! arc-swap: `load`, which guards, and `Cache`, which keeps a reference.

use alloc::sync::Arc;

use arc_swap::{ArcSwap, Cache};

use super::{Load, Parts, Payload, Store, cloned};

type Shared = Arc<ArcSwap<Payload>>;

impl Load for Shared {
    #[inline]
    fn load(&mut self) -> Payload {
        **ArcSwap::load(self)
    }
}

impl Store for Shared {
    fn store(&mut self, payload: Payload) {
        ArcSwap::store(self, Arc::new(payload));
    }
}

impl Load for Cache<Shared, Arc<Payload>> {
    #[inline]
    fn load(&mut self) -> Payload {
        **Self::load(self)
    }
}

fn shared() -> Shared {
    Arc::new(ArcSwap::from_pointee(Payload::new(0)))
}

pub(super) fn load(readers: usize) -> Option<Parts> {
    let shared = shared();
    cloned(Arc::clone(&shared), shared, readers)
}

pub(super) fn cache(readers: usize) -> Option<Parts> {
    let shared = shared();
    cloned(Cache::new(Arc::clone(&shared)), shared, readers)
}
