//! The guard of the writers' lock.

use core::fmt;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};

use super::{FINISHED, FREE, Finish, Inner, OnThread, WAITED, WriterLock};
use crate::sync::atomic::Ordering;
use crate::sync::{SPINS, spin_loop};

/// A guard of the writers' lock. `M` says whether a thread holds it ([`OnThread`]) or a task
/// ([`InTask`](super::InTask)).
pub struct WriterGuard<'l, T, M = OnThread> {
    lock: &'l WriterLock<T>,
    /// Sent and shared like `&mut T`, where `M` allows it.
    value: PhantomData<(&'l mut T, M)>,
}

impl<'l, T, M> WriterGuard<'l, T, M> {
    /// Makes the guard for the caller that has just locked. Its drop unlocks.
    #[inline]
    pub(super) fn new(lock: &'l WriterLock<T>) -> Self {
        Self {
            lock,
            value: PhantomData,
        }
    }

    #[inline]
    pub(super) fn inner(&mut self) -> &mut Inner<T> {
        // SAFETY: the guard holds the lock, and is borrowed exclusively.
        self.lock.inner.with_mut(|inner| unsafe { &mut *inner })
    }
}

impl<T: Finish, M> WriterGuard<'_, T, M> {
    /// Returns whether no guard is on the back.
    #[inline]
    pub(crate) fn is_finished(&mut self, shared: &T::Shared) -> bool {
        let inner = self.inner();
        let finished = inner.value.try_finish(shared);
        if finished && inner.awaited {
            inner.awaited = false;
            // Relaxed: the holder's own mark; its unlock reads it.
            self.lock.word.fetch_or(FINISHED, Ordering::Relaxed);
        }
        finished
    }

    /// Returns whether no guard is on the back, after a few checks: a reader often leaves sooner
    /// than the lock could be released and taken again.
    pub(super) fn is_finished_soon(&mut self, shared: &T::Shared) -> bool {
        for _ in 0..SPINS {
            if self.is_finished(shared) {
                return true;
            }
            spin_loop();
        }
        self.is_finished(shared)
    }
}

impl<T, M> Deref for WriterGuard<'_, T, M> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the guard holds the lock.
        self.lock.inner.with(|inner| unsafe { &(*inner).value })
    }
}

impl<T, M> DerefMut for WriterGuard<'_, T, M> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inner().value
    }
}

impl<T, M> Drop for WriterGuard<'_, T, M> {
    #[inline]
    fn drop(&mut self) {
        // ORDERING: U1: Release; partner: the compare-exchanges in `try_lock_any` and `barge`.
        let word = self.lock.word.swap(FREE, Ordering::Release);
        if word & (WAITED | FINISHED) != 0 {
            self.lock.wake(word);
        }
    }
}

impl<T, M> fmt::Debug for WriterGuard<'_, T, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriterGuard").finish_non_exhaustive()
    }
}
