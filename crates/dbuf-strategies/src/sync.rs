//! Chooses the locks. None of them poisons: no user code changes what they guard, so no panic
//! leaves it half changed.

/// A model checker runs this, and it sees no barrier.
#[cfg(all(feature = "epoch", target_os = "linux", not(miri)))]
pub(crate) const MODELLED: bool = cfg!(dbuf_loom);

/// The mutex for rare steps of readers: the standard library's, or the model checker's.
#[cfg(any(feature = "epoch", feature = "flash"))]
pub(crate) use dbuf_core::sync::mutex::Mutex;
#[cfg(all(feature = "lock", any(miri, dbuf_loom)))]
pub(crate) use dbuf_core::sync::mutex::Mutex as FastMutex;
/// The mutex of every read of a [`LockStrategy`](crate::LockStrategy): parking_lot's. Miri
/// cannot check its provenance, and the model checker does not see it.
#[cfg(all(feature = "lock", not(any(miri, dbuf_loom))))]
pub(crate) use parking_lot::Mutex as FastMutex;
