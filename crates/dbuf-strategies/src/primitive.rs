//! Adds a lock to the primitives of `dbuf-core`: parking_lot's, or the model
//! checker's. Neither poisons.

#[cfg(any(feature = "epoch", feature = "flash", feature = "lock"))]
pub(crate) use lock::Mutex;

#[cfg(all(
    any(feature = "epoch", feature = "flash", feature = "lock"),
    not(dbuf_loom)
))]
mod lock {
    pub(crate) use parking_lot::Mutex;
}

#[cfg(all(any(feature = "epoch", feature = "flash", feature = "lock"), dbuf_loom))]
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
