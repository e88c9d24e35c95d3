use alloc::sync::Arc;
use core::fmt;
use core::hash::{BuildHasher, Hash};
use core::ops::{Deref, DerefMut};
use std::hash::RandomState;

use dbuf_core::{BatchOwner, BlockingStrategy, DoubleBuffer, Strategy};
use dbuf_strategies::DefaultStrategy;

use crate::op::{NoChange, Op, ValueChange};
use crate::table::{Extras, Table};

pub(crate) type Ptr<K, V, H, S> = Arc<DoubleBuffer<Table<K, V>, S, Extras<H>>>;
pub(crate) type Log<K, V, H, S, C = NoChange> = dbuf_core::OpWriter<Ptr<K, V, H, S>, Op<K, V, C>>;

pub(crate) mod sealed {
    pub trait Sealed {}
}

/// The writer of a map, which a [`Batch`](crate::Batch) has exclusive access to while it is open.
///
/// Sealed: a bound for functions that take any batch. Its types are those of the map.
///
/// # Examples
///
/// ```
/// use dbuf_hashmap::{Batch, ConcurrentHashMap, Owner};
///
/// fn count(batch: &mut Batch<impl Owner<Key = String, Value = u32>>, word: &str) {
///     batch.upsert(word.to_owned(), 1, |n| *n += 1);
/// }
///
/// let (mut writer, reader) = dbuf_hashmap::new();
/// count(&mut writer.write(), "word");
/// assert_eq!(reader.read().get("word"), Some(&1));
///
/// let map = ConcurrentHashMap::new();
/// count(&mut map.write(), "word");
/// assert_eq!(map.get_cloned("word"), Some(1));
/// ```
pub trait Owner:
    sealed::Sealed + DerefMut<Target: BatchOwner<Ptr = PtrOf<Self>, Op = OpOf<Self>>>
{
    /// The keys of the map.
    type Key: Hash + Eq + Clone;
    /// The values of the map.
    type Value: Clone;
    /// The hasher of the map.
    type Hasher: BuildHasher;
    /// The strategy of the map.
    type Strategy: Strategy;
    /// The type of partial changes to a value.
    #[doc(hidden)]
    type Change: ValueChange<Self::Value>;

    /// Says whether a later rollback must not undo deferred changes.
    #[doc(hidden)]
    const KEEPS: bool = false;
}

type PtrOf<W> =
    Ptr<<W as Owner>::Key, <W as Owner>::Value, <W as Owner>::Hasher, <W as Owner>::Strategy>;
type OpOf<W> = Op<<W as Owner>::Key, <W as Owner>::Value, <W as Owner>::Change>;

/// The [`Writer`](crate::Writer) of a map, borrowed by a [`Batch`](crate::Batch).
pub struct WriterMut<'w, K, V, H = RandomState, S: Strategy = DefaultStrategy, C = NoChange>(
    &'w mut Log<K, V, H, S, C>,
);

impl<'w, K, V, H, S, C> WriterMut<'w, K, V, H, S, C>
where
    K: Hash + Eq + Clone,
    V: Clone,
    H: BuildHasher,
    S: Strategy,
    C: ValueChange<V>,
{
    /// Begins a batch if no straggler holds the back.
    #[inline]
    pub(crate) fn try_begin(log: &'w mut Log<K, V, H, S, C>) -> Option<dbuf_core::Batch<Self>> {
        dbuf_core::Batch::try_begin(Self(log)).ok()
    }

    /// Waits until no straggler holds the back, and begins a batch.
    #[inline]
    pub(crate) fn begin(log: &'w mut Log<K, V, H, S, C>) -> dbuf_core::Batch<Self>
    where
        S: BlockingStrategy,
    {
        dbuf_core::Batch::begin(Self(log))
    }
}

impl<K, V, H, S: Strategy, C> Deref for WriterMut<'_, K, V, H, S, C> {
    type Target = Log<K, V, H, S, C>;

    #[inline]
    fn deref(&self) -> &Self::Target {
        self.0
    }
}

impl<K, V, H, S: Strategy, C> DerefMut for WriterMut<'_, K, V, H, S, C> {
    #[inline]
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.0
    }
}

impl<K, V, H, S: Strategy, C> fmt::Debug for WriterMut<'_, K, V, H, S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriterMut").finish_non_exhaustive()
    }
}

impl<K, V, H, S: Strategy, C> sealed::Sealed for WriterMut<'_, K, V, H, S, C> {}

impl<K, V, H, S, C> Owner for WriterMut<'_, K, V, H, S, C>
where
    K: Hash + Eq + Clone,
    V: Clone,
    H: BuildHasher,
    S: Strategy,
    C: ValueChange<V>,
{
    type Key = K;
    type Value = V;
    type Hasher = H;
    type Strategy = S;
    type Change = C;
}
