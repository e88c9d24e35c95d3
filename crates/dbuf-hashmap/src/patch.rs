use alloc::boxed::Box;
use core::{fmt, mem};

/// A user's change to a value, to be made on each copy. It shares an allocation with the key's
/// hash, since every entry of the log has the size of the largest variant.
pub struct Patch<V>(Box<dyn HashedPatch<V>>);

trait HashedPatch<V>: Send + Sync {
    fn hash(&self) -> u64;
    fn apply(&self, value: &mut V);
    /// Returns whether the closure has a destructor.
    fn needs_drop(&self) -> bool;
}

impl<V, F: Fn(&mut V) + Send + Sync> HashedPatch<V> for (u64, F) {
    fn hash(&self) -> u64 {
        self.0
    }

    fn apply(&self, value: &mut V) {
        (self.1)(value);
    }

    fn needs_drop(&self) -> bool {
        mem::needs_drop::<F>()
    }
}

impl<V> Patch<V> {
    pub(crate) fn new(hash: u64, patch: impl Fn(&mut V) + Send + Sync + 'static) -> Self {
        Self(Box::new((hash, patch)))
    }

    pub(crate) fn hash(&self) -> u64 {
        self.0.hash()
    }

    pub(crate) fn apply(&self, value: &mut V) {
        self.0.apply(value);
    }

    pub(crate) fn needs_drop(&self) -> bool {
        self.0.needs_drop()
    }
}

impl<V> fmt::Debug for Patch<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Patch").finish_non_exhaustive()
    }
}
