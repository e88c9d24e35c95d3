//! Reader-writer locks behind one trait.

use crossbeam_utils::sync::ShardedLock;

/// A lock around a value.
pub(crate) trait Lock<T>: Send + Sync + 'static {
    fn new(value: T) -> Self;
    fn read<R>(&self, look: impl FnOnce(&T) -> R) -> R;
    fn write(&self, change: impl FnOnce(&mut T));
}

const POISONED: &str = "a thread that panics ends the program";

/// Implements [`Lock`] for a lock by how it gives a guard to a reader and to a writer.
macro_rules! lock {
    ($lock:ty, |$this:ident| $read:expr, $write:expr) => {
        impl<T: Send + Sync + 'static> Lock<T> for $lock {
            fn new(value: T) -> Self {
                Self::new(value)
            }

            #[inline]
            fn read<R>(&self, look: impl FnOnce(&T) -> R) -> R {
                let $this = self;
                look(&$read)
            }

            fn write(&self, change: impl FnOnce(&mut T)) {
                let $this = self;
                change(&mut $write);
            }
        }
    };
}

lock!(
    std::sync::RwLock<T>,
    |lock| lock.read().expect(POISONED),
    lock.write().expect(POISONED)
);
lock!(
    ShardedLock<T>,
    |lock| lock.read().expect(POISONED),
    lock.write().expect(POISONED)
);
lock!(parking_lot::RwLock<T>, |lock| lock.read(), lock.write());
