//! The kinds of holders: a thread, or a task.

use core::marker::PhantomData;

use super::TASK;
use crate::sync::thread_number;

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
pub struct OnThread(PhantomData<*const ()>);

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
