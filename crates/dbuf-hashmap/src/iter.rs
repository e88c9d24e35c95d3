use core::fmt;
use core::iter::FusedIterator;

use hashbrown::hash_table;

/// Iterates over all entries of a map, in arbitrary order.
pub struct Iter<'a, K, V>(pub(crate) hash_table::Iter<'a, (K, V)>);

/// Iterates over all keys of a map, in arbitrary order.
pub struct Keys<'a, K, V>(pub(crate) Iter<'a, K, V>);

/// Iterates over all values of a map, in arbitrary order.
pub struct Values<'a, K, V>(pub(crate) Iter<'a, K, V>);

macro_rules! iterator {
    ($name:ident, $item:ty, $pick:expr, [$($shown:ident),*]) => {
        impl<'a, K, V> Iterator for $name<'a, K, V> {
            type Item = $item;

            #[inline]
            fn next(&mut self) -> Option<$item> {
                self.0.next().map($pick)
            }

            #[inline]
            fn size_hint(&self) -> (usize, Option<usize>) {
                self.0.size_hint()
            }

            fn fold<B, F: FnMut(B, $item) -> B>(self, init: B, f: F) -> B {
                self.0.map($pick).fold(init, f)
            }
        }

        impl<K, V> ExactSizeIterator for $name<'_, K, V> {}

        impl<K, V> FusedIterator for $name<'_, K, V> {}

        impl<K, V> Clone for $name<'_, K, V> {
            fn clone(&self) -> Self {
                Self(self.0.clone())
            }
        }

        impl<K, V> fmt::Debug for $name<'_, K, V>
        where
            $($shown: fmt::Debug,)*
        {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_list().entries(self.clone()).finish()
            }
        }
    };
}

iterator!(Iter, (&'a K, &'a V), |(key, value)| (key, value), [K, V]);
iterator!(Keys, &'a K, |(key, _)| key, [K]);
iterator!(Values, &'a V, |(_, value)| value, [V]);
