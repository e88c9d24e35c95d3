//! Adds a lock to the primitives of `dbuf-core`: parking_lot's, or the model
//! checker's. Neither poisons.

#[cfg(any(feature = "lock", feature = "epoch"))]
pub(crate) use lock::Mutex;

#[cfg(all(any(feature = "lock", feature = "epoch"), not(dbuf_loom)))]
mod lock {
    pub(crate) use parking_lot::Mutex;
}

#[cfg(all(any(feature = "lock", feature = "epoch"), dbuf_loom))]
mod lock {
    #[derive(Debug)]
    pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(loom::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> loom::sync::MutexGuard<'_, T> {
            match self.0.lock() {
                Ok(guard) => guard,
                Err(poisoned) => poisoned.into_inner(),
            }
        }
    }
}
