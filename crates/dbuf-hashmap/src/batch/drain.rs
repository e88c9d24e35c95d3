use core::fmt;
use core::iter::FusedIterator;

use hashbrown::hash_table;

/// The entries that [`Batch::drain`](crate::Batch::drain) removed, in arbitrary order. The change
/// is made and logged before the iterator returns the first of them.
pub struct Drain<K, V>(pub(super) hash_table::IntoIter<(K, V)>);

impl<K, V> Iterator for Drain<K, V> {
    type Item = (K, V);

    fn next(&mut self) -> Option<(K, V)> {
        self.0.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<K, V> ExactSizeIterator for Drain<K, V> {}

impl<K, V> FusedIterator for Drain<K, V> {}

impl<K, V> fmt::Debug for Drain<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drain")
            .field("left", &self.len())
            .finish_non_exhaustive()
    }
}
