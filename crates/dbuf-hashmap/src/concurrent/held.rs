//! The writers' lock in somebody's hands: what a batch owns.

use core::fmt;
use core::hash::{BuildHasher, Hash};
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};
use std::hash::RandomState;

use dbuf_core::{BatchOwner, Strategy};

use super::lock::{Counts, State, Writers};
use crate::op::Whole;
use crate::owner::{Log, sealed};
use crate::primitive::{AtomicUsize, GateGuard, MutexGuard, Ordering, thread_number};
use crate::{Batch, DefaultStrategy, Owner};

/// Which thread has the lock, if a thread has it.
#[derive(Debug)]
pub(super) struct Holder(AtomicUsize);

impl Holder {
    /// No thread has this number.
    const NONE: usize = 0;

    pub(super) const fn new() -> Self {
        Self(AtomicUsize::new(Self::NONE))
    }

    #[inline]
    pub(super) fn is_here(&self) -> bool {
        // Relaxed: only this thread stores its own number.
        self.0.load(Ordering::Relaxed) == thread_number()
    }

    /// For whoever has the lock, as long as it stays on this thread.
    #[inline]
    pub(super) fn hold(&self) -> Here<'_> {
        // Relaxed: only this thread looks for this number.
        self.0.store(thread_number(), Ordering::Relaxed);
        Here(self, PhantomData)
    }
}

/// Says that this thread has the lock, until it is dropped. `!Send`, as the thread is
/// known by its number.
pub(super) struct Here<'m>(&'m Holder, PhantomData<*const ()>);

impl Drop for Here<'_> {
    #[inline]
    fn drop(&mut self) {
        // Relaxed: as in `hold`.
        self.0.0.store(Holder::NONE, Ordering::Relaxed);
    }
}

/// A lock that is held, by a thread or by a task.
pub(super) trait Held: DerefMut<Target: BatchOwner> {
    fn counts(&mut self) -> &mut Counts;
    fn try_finish(&mut self) -> bool;
    /// As when the lock is given back.
    fn take_note(&mut self);
}

/// Opens a batch on a log whose swap is finished.
// Always: what it returns is too large for registers, and to copy it costs more than
// all the rest.
#[inline(always)]
pub(super) fn begin<L: Held>(lock: L) -> dbuf_core::Batch<L> {
    match dbuf_core::Batch::try_begin(lock) {
        Ok(batch) => batch,
        Err(_) => {
            unreachable!("finished is latched, and what is carried stands on a finished back")
        }
    }
}

/// Publishes what others wait for. Gives the lock back if a reader is in the way then.
pub(super) fn serve_group<L: Held>(mut lock: L) -> Option<L> {
    if lock.counts().group == 0 {
        return Some(lock);
    }
    let mut lock = begin(lock).publish();
    // Now: the batch that begins may be open for long.
    lock.take_note();
    lock.try_finish().then_some(lock)
}

/// The writers' lock of a [`ConcurrentHashMap`](crate::ConcurrentHashMap), held by a
/// task, which may move between threads: what the batches of `write_async` own.
///
/// # Examples
///
/// ```
/// use dbuf_hashmap::{Batch, ConcurrentHashMap, TaskLock};
///
/// fn rename(batch: &mut Batch<TaskLock<'_, u32, String>>, key: u32, name: &str) {
///     batch.insert(key, name.to_owned()); // any batch: `impl Owner<Key = u32, Value = String>`
/// }
///
/// # pollster::block_on(async {
/// let map = ConcurrentHashMap::new();
/// rename(&mut map.write_async().await, 1, "one");
/// assert_eq!(map.get_cloned(&1).as_deref(), Some("one"));
/// # });
/// ```
#[cfg_attr(
    not(feature = "async"),
    allow(unreachable_pub, reason = "a part of `ThreadLock` then")
)]
pub struct TaskLock<'m, K, V, H = RandomState, S: Strategy = DefaultStrategy> {
    writers: &'m Writers<K, V, H, S>,
    state: MutexGuard<'m, State<K, V, H, S>>,
}

impl<'m, K, V, H, S: Strategy> TaskLock<'m, K, V, H, S> {
    #[inline]
    pub(super) fn new(
        writers: &'m Writers<K, V, H, S>,
        state: MutexGuard<'m, State<K, V, H, S>>,
    ) -> Self {
        Self { writers, state }
    }

    /// For as long as there is no await.
    #[cfg(feature = "async")]
    pub(super) fn on_this_thread(self) -> ThreadLock<'m, K, V, H, S> {
        ThreadLock {
            _here: self.writers.holder.hold(),
            lock: self,
            _gate: None,
        }
    }
}

impl<K, V, H, S: Strategy> Drop for TaskLock<'_, K, V, H, S> {
    #[inline]
    fn drop(&mut self) {
        self.writers.take_note(&mut self.state);
    }
}

/// The writers' lock of a [`ConcurrentHashMap`](crate::ConcurrentHashMap), held by
/// one thread: what the batches of `write` own.
///
/// # Examples
///
/// ```
/// use dbuf_hashmap::{Batch, ConcurrentHashMap, ThreadLock};
///
/// fn rename(batch: &mut Batch<ThreadLock<'_, u32, String>>, key: u32, name: &str) {
///     batch.insert(key, name.to_owned()); // any batch: `impl Owner<Key = u32, Value = String>`
/// }
///
/// let map = ConcurrentHashMap::new();
/// rename(&mut map.write(), 1, "one");
/// assert_eq!(map.get_cloned(&1).as_deref(), Some("one"));
/// ```
pub struct ThreadLock<'m, K, V, H = RandomState, S: Strategy = DefaultStrategy> {
    /// In this order: the mark, the lock, the gate. A task comes without the gate.
    _here: Here<'m>,
    lock: TaskLock<'m, K, V, H, S>,
    _gate: Option<GateGuard<'m>>,
}

impl<'m, K, V, H, S: Strategy> ThreadLock<'m, K, V, H, S> {
    #[inline]
    pub(super) fn new(
        writers: &'m Writers<K, V, H, S>,
        state: MutexGuard<'m, State<K, V, H, S>>,
        gate: GateGuard<'m>,
    ) -> Self {
        Self {
            _here: writers.holder.hold(),
            lock: TaskLock::new(writers, state),
            _gate: Some(gate),
        }
    }
}

/// What both kinds of holding have.
macro_rules! held {
    ($Lock:ident $(, $lock:ident)?) => {
        impl<K, V, H, S: Strategy> Deref for $Lock<'_, K, V, H, S> {
            type Target = Log<K, V, H, S>;

            #[inline]
            fn deref(&self) -> &Self::Target {
                &self.$($lock.)?state.log
            }
        }

        impl<K, V, H, S: Strategy> DerefMut for $Lock<'_, K, V, H, S> {
            #[inline]
            fn deref_mut(&mut self) -> &mut Self::Target {
                &mut self.$($lock.)?state.log
            }
        }

        impl<K, V, H, S> Held for $Lock<'_, K, V, H, S>
        where
            K: Hash + Eq + Clone,
            V: Clone,
            H: BuildHasher,
            S: Strategy,
        {
            fn counts(&mut self) -> &mut Counts {
                &mut self.$($lock.)?state.counts
            }

            fn try_finish(&mut self) -> bool {
                self.$($lock.)?state.log.try_finish()
            }

            fn take_note(&mut self) {
                self.$($lock.)?writers.take_note(&mut self.$($lock.)?state);
            }
        }

        impl<K, V, H, S: Strategy> fmt::Debug for $Lock<'_, K, V, H, S> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($Lock)).finish_non_exhaustive()
            }
        }

        impl<K, V, H, S: Strategy> sealed::Sealed for $Lock<'_, K, V, H, S> {}

        impl<K, V, H, S> Owner for $Lock<'_, K, V, H, S>
        where
            K: Hash + Eq + Clone,
            V: Clone,
            H: BuildHasher,
            S: Strategy,
        {
            type Key = K;
            type Value = V;
            type Hasher = H;
            type Strategy = S;
            type Change = Whole;

            /// No other writer's rollback may take it back.
            fn defer(batch: dbuf_core::Batch<Self>) -> Self {
                batch.keep()
            }
        }
    };
}

/// Inserts copies of all.
impl<'e, K, V, H, S> Extend<(&'e K, &'e V)> for Batch<ThreadLock<'_, K, V, H, S>>
where
    K: Hash + Eq + Copy,
    V: Copy,
    H: BuildHasher,
    S: Strategy,
{
    fn extend<I: IntoIterator<Item = (&'e K, &'e V)>>(&mut self, entries: I) {
        self.extend(entries.into_iter().map(|(key, value)| (*key, *value)));
    }
}

held!(TaskLock);
held!(ThreadLock, lock);
