use alloc::sync::Arc;
use core::hash::{BuildHasher, Hash};
use core::ops::DerefMut;
use std::hash::RandomState;

use dbuf_core::{BatchOwner, DoubleBuffer, Strategy};

use crate::op::{ChangeOf, Op, Whole};
use crate::table::{Shared, Table};
use crate::{Batch, DefaultStrategy, Writer};

pub(crate) type Ptr<K, V, H, S> = Arc<DoubleBuffer<Table<K, V>, S, Shared<H>>>;
pub(crate) type Log<K, V, H, S, C = Whole> = dbuf_core::OpWriter<Ptr<K, V, H, S>, Op<K, V, C>>;

pub(crate) mod sealed {
    pub trait Sealed {}
}

/// What a [`Batch`] holds to have its writer to itself: `&mut` [`Writer`].
///
/// Sealed; a bound for functions that take any batch.
///
/// # Examples
///
/// ```
/// use dbuf_hashmap::{Batch, Owner};
///
/// fn count(batch: &mut Batch<impl Owner<String, u32>, String, u32>, word: &str) {
///     batch.upsert(word.to_owned(), 1, |n| *n += 1);
/// }
///
/// let (mut writer, reader) = dbuf_hashmap::new();
/// count(&mut writer.write(), "word");
/// count(&mut writer.write(), "word");
/// assert_eq!(reader.read().get("word"), Some(&2));
/// ```
pub trait Owner<K, V, H = RandomState, S: Strategy = DefaultStrategy>: sealed::Sealed {
    /// How a part of a value changes.
    #[doc(hidden)]
    type Change: ChangeOf<V>;
    /// The way to the log of changes.
    #[doc(hidden)]
    type Lead: DerefMut<Target: BatchOwner<Ptr = Ptr<K, V, H, S>, Op = Op<K, V, Self::Change>>>;

    /// Ends a batch without publishing.
    #[doc(hidden)]
    fn defer(batch: dbuf_core::Batch<Self::Lead>) -> Self::Lead {
        batch.defer()
    }
}

impl<K, V, H, S: Strategy> sealed::Sealed for &mut Writer<K, V, H, S> {}

impl<'w, K, V, H, S> Owner<K, V, H, S> for &'w mut Writer<K, V, H, S>
where
    K: Hash + Eq + Clone,
    V: Clone,
    H: BuildHasher,
    S: Strategy,
{
    type Change = Whole;
    type Lead = &'w mut Log<K, V, H, S>;
}

/// The batch of a [`Writer`].
pub type WriterBatch<'w, K, V, H = RandomState, S = DefaultStrategy> =
    Batch<&'w mut Writer<K, V, H, S>, K, V, H, S>;
