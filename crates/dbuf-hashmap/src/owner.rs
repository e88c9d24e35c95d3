use alloc::sync::Arc;
use core::hash::{BuildHasher, Hash};
use core::ops::DerefMut;
use std::hash::RandomState;

use dbuf_core::{BatchOwner, DoubleBuffer, Strategy};

use crate::op::Op;
use crate::table::Table;
use crate::{Batch, DefaultStrategy, Writer};

pub(crate) type Ptr<K, V, H, S> = Arc<DoubleBuffer<Table<K, V>, S, H>>;
pub(crate) type Log<K, V, H, S> = dbuf_core::OpWriter<Ptr<K, V, H, S>, Op<K, V>>;

mod sealed {
    pub trait Sealed {}
}

/// What a [`Batch`] holds to have its writer to itself: `&mut` [`Writer`].
///
/// Sealed; a bound for functions that take any batch.
pub trait Owner<K, V, H = RandomState, S: Strategy = DefaultStrategy>: sealed::Sealed {
    /// The way to the log of changes.
    #[doc(hidden)]
    type Lead: DerefMut<Target: BatchOwner<Ptr = Ptr<K, V, H, S>, Op = Op<K, V>>>;
}

impl<K, V, H, S: Strategy> sealed::Sealed for &mut Writer<K, V, H, S> {}

impl<'w, K, V, H, S> Owner<K, V, H, S> for &'w mut Writer<K, V, H, S>
where
    K: Hash + Eq + Clone,
    V: Clone,
    H: BuildHasher,
    S: Strategy,
{
    type Lead = &'w mut Log<K, V, H, S>;
}

/// The batch of a [`Writer`].
pub type WriterBatch<'w, K, V, H = RandomState, S = DefaultStrategy> =
    Batch<&'w mut Writer<K, V, H, S>, K, V, H, S>;
