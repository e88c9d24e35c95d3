//! The kinds of holders: a thread, or a task.

use core::marker::PhantomData;

use super::TASK;
use crate::sync::thread_number;
use crate::threads::SendBatch;

pub(super) mod sealed {
    pub trait Sealed {
        /// The word of a lock with such a holder.
        fn word() -> usize;
    }
}
use sealed::Sealed;

/// The kind of the holder: [`OnThread`] or [`InTask`].
pub trait Holds: Sealed {}

impl<M: Sealed> Holds for M {}

/// A thread holds the lock. The guard stays on it.
#[derive(Debug)]
pub struct OnThread(PhantomData<Stays<'static>>);

/// Is neither `Send` nor `Sync`, and says why. With a lifetime, since the compiler refuses a bound
/// of a type without parameters that never holds.
#[derive(Debug)]
struct Stays<'a>(PhantomData<&'a ()>);

// SAFETY: never, as nothing implements `SendBatch`.
unsafe impl Send for Stays<'_> where Self: SendBatch {}
// SAFETY: the same.
unsafe impl Sync for Stays<'_> where Self: SendBatch {}

/// A task holds the lock. The guard may move between threads.
#[derive(Debug)]
pub enum InTask {}

impl Sealed for OnThread {
    #[inline]
    fn word() -> usize {
        thread_number() << 2
    }
}

impl Sealed for InTask {
    #[inline]
    fn word() -> usize {
        TASK
    }
}
