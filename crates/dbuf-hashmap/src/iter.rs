use core::fmt;
use core::iter::FusedIterator;

use hashbrown::hash_table;

/// All entries of a map, in arbitrary order.
///
/// # Examples
///
/// ```
/// use dbuf_hashmap::Iter;
///
/// let (mut writer, reader) = dbuf_hashmap::new();
/// writer.write().insert("a", 1);
/// let guard = reader.read();
/// let entries: Iter<'_, &str, i32> = guard.iter();
/// assert_eq!(entries.collect::<Vec<_>>(), [(&"a", &1)]);
/// ```
pub struct Iter<'a, K, V>(pub(crate) hash_table::Iter<'a, (K, V)>);

/// All keys of a map, in arbitrary order.
///
/// # Examples
///
/// ```
/// use dbuf_hashmap::Keys;
///
/// let (mut writer, reader) = dbuf_hashmap::new();
/// writer.write().insert("a", 1);
/// let guard = reader.read();
/// let keys: Keys<'_, &str, i32> = guard.keys();
/// assert_eq!(keys.collect::<Vec<_>>(), [&"a"]);
/// ```
pub struct Keys<'a, K, V>(pub(crate) Iter<'a, K, V>);

/// All values of a map, in arbitrary order.
///
/// # Examples
///
/// ```
/// use dbuf_hashmap::Values;
///
/// let (mut writer, reader) = dbuf_hashmap::new();
/// writer.write().insert("a", 1);
/// let guard = reader.read();
/// let values: Values<'_, &str, i32> = guard.values();
/// assert_eq!(values.sum::<i32>(), 1);
/// ```
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
