//! Adds locks to the primitives of `dbuf-core`. None of them poisons: what they
//! guard is changed by no user code, so no panic can leave it half done.

/// Whether a model checker runs this, which sees no barrier.
#[cfg(all(feature = "epoch", target_os = "linux", not(miri)))]
pub(crate) const MODELLED: bool = cfg!(dbuf_loom);

/// For what readers do seldom: the standard library's mutex, or the model
/// checker's.
#[cfg(any(
    feature = "epoch",
    feature = "flash",
    feature = "watch",
    all(feature = "lock", any(miri, dbuf_loom))
))]
pub(crate) use plain::Mutex;

/// For what [`LockStrategy`](crate::LockStrategy) does on every read:
/// parking_lot's. Miri cannot check its provenance, the model checker not see it.
#[cfg(all(feature = "lock", not(any(miri, dbuf_loom))))]
pub(crate) use parking_lot::Mutex as FastMutex;
#[cfg(all(feature = "lock", any(miri, dbuf_loom)))]
pub(crate) use plain::Mutex as FastMutex;

#[cfg(any(
    feature = "epoch",
    feature = "flash",
    feature = "watch",
    all(feature = "lock", any(miri, dbuf_loom))
))]
mod plain {
    #[cfg(dbuf_loom)]
    use loom::sync;
    #[cfg(not(dbuf_loom))]
    use std::sync;

    use dbuf_core::const_fn;

    #[derive(Debug)]
    pub(crate) struct Mutex<T>(sync::Mutex<T>);

    impl<T> Mutex<T> {
        const_fn! {
            pub(crate) const fn new(value: T) -> Self {
                Self(sync::Mutex::new(value))
            }
        }

        pub(crate) fn lock(&self) -> sync::MutexGuard<'_, T> {
            match self.0.lock() {
                Ok(guard) => guard,
                Err(poisoned) => poisoned.into_inner(),
            }
        }
    }
}
