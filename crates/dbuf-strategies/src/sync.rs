//! Chooses among the locks. None of them poisons: no user code changes what they guard,
//! so no panic can leave it half changed.

/// Whether a model checker runs this, which sees no barrier.
#[cfg(all(feature = "epoch", target_os = "linux", not(miri)))]
pub(crate) const MODELLED: bool = cfg!(dbuf_loom);

/// For what readers do seldom: the standard library's mutex, or the model
/// checker's.
#[cfg(any(feature = "epoch", feature = "flash"))]
pub(crate) use dbuf_core::sync::mutex::Mutex;

#[cfg(all(feature = "lock", any(miri, dbuf_loom)))]
pub(crate) use dbuf_core::sync::mutex::Mutex as FastMutex;
/// For what [`LockStrategy`](crate::LockStrategy) does on every read:
/// parking_lot's. Miri cannot check its provenance, the model checker not see it.
#[cfg(all(feature = "lock", not(any(miri, dbuf_loom))))]
pub(crate) use parking_lot::Mutex as FastMutex;
