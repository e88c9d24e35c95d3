//! Chooses the locks. None of them poisons: no user code changes what they guard, so no panic
//! leaves it half changed.

#[cfg(all(feature = "watch", not(target_has_atomic = "64")))]
use dbuf_core::sync::atomic::Ordering;

/// A model checker runs this, and it sees no barrier.
#[cfg(all(feature = "epoch", target_os = "linux", not(miri)))]
pub(crate) const MODELLED: bool = cfg!(dbuf_loom);

/// The mutex for rare steps: the standard library's, or the model checker's.
#[cfg(any(
    feature = "epoch",
    feature = "flash",
    all(feature = "watch", not(target_has_atomic = "64"))
))]
pub(crate) use dbuf_core::sync::mutex::Mutex;
#[cfg(all(feature = "lock", any(miri, dbuf_loom)))]
pub(crate) use dbuf_core::sync::mutex::Mutex as FastMutex;
/// The mutex of every read of a [`LockStrategy`](crate::LockStrategy): parking_lot's. Miri
/// cannot check its provenance, and the model checker does not see it.
#[cfg(all(feature = "lock", not(any(miri, dbuf_loom))))]
pub(crate) use parking_lot::Mutex as FastMutex;

/// The word of [`Watched`](crate::Watched).
#[cfg(all(feature = "watch", target_has_atomic = "64"))]
pub(crate) use dbuf_core::sync::atomic::AtomicU64;

/// The word of [`Watched`](crate::Watched) on a target without 64-bit atomics. Each access locks a
/// mutex, which orders it at least as the given ordering does.
#[cfg(all(feature = "watch", not(target_has_atomic = "64")))]
pub(crate) struct AtomicU64(Mutex<u64>);

#[cfg(all(feature = "watch", not(target_has_atomic = "64")))]
impl AtomicU64 {
    pub(crate) fn new(value: u64) -> Self {
        Self(Mutex::new(value))
    }

    pub(crate) fn load(&self, _: Ordering) -> u64 {
        *self.0.lock()
    }

    pub(crate) fn swap(&self, value: u64, _: Ordering) -> u64 {
        core::mem::replace(&mut *self.0.lock(), value)
    }

    pub(crate) fn fetch_and(&self, bits: u64, _: Ordering) -> u64 {
        let mut value = self.0.lock();
        let old = *value;
        *value &= bits;
        old
    }

    pub(crate) fn fetch_or(&self, bits: u64, _: Ordering) -> u64 {
        let mut value = self.0.lock();
        let old = *value;
        *value |= bits;
        old
    }
}
