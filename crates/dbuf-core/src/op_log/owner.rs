//! What leads a batch to its writer.

use core::ops::Deref;

use super::{OpWriter, Operation};
use crate::pointer::BufferPtr;

mod sealed {
    pub trait Sealed {}
}

/// What the owner of a [`Batch`](crate::Batch) dereferences to. Only [`OpWriter`] implements it.
pub trait BatchOwner: sealed::Sealed {
    /// The pointer to the buffer.
    type Ptr: BufferPtr;
    /// The operation.
    type Op: Operation<<Self::Ptr as BufferPtr>::Value, <Self::Ptr as BufferPtr>::Extras>;

    /// Returns the writer itself.
    fn op_writer(&self) -> &OpWriter<Self::Ptr, Self::Op>;
    /// Returns the writer itself, mutably.
    fn op_writer_mut(&mut self) -> &mut OpWriter<Self::Ptr, Self::Op>;
}

impl<P: BufferPtr, O> sealed::Sealed for OpWriter<P, O> {}

impl<P: BufferPtr, O: Operation<P::Value, P::Extras>> BatchOwner for OpWriter<P, O> {
    type Ptr = P;
    type Op = O;

    fn op_writer(&self) -> &Self {
        self
    }

    fn op_writer_mut(&mut self) -> &mut Self {
        self
    }
}

pub(super) type PtrOf<W> = <<W as Deref>::Target as BatchOwner>::Ptr;
pub(super) type OpOf<W> = <<W as Deref>::Target as BatchOwner>::Op;
pub(super) type ValueOf<W> = <PtrOf<W> as BufferPtr>::Value;
pub(super) type ExtrasOf<W> = <PtrOf<W> as BufferPtr>::Extras;
