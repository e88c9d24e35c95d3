//! The two ways to order a read against a swap, and the process's barrier.
//!
//! A reader stores its epoch and then loads the side; a writer stores the side and
//! then loads the epochs. One of the two must not miss the other's store.
//!
//! - Symmetric: both issue a sequentially consistent fence in between.
//! - Asymmetric: the reader only keeps the compiler from moving the two. The writer
//!   asks the kernel for a *barrier*: before `membarrier` returns, every thread of
//!   the process that runs has passed a full fence, at some point between two of its
//!   instructions. What such a thread stored before that point, the writer sees
//!   afterwards; what it loads after that point is the writer's store. (The pair is
//!   that of Dice, Kogan and Goldblatt's and `liburcu`'s membarrier flavour; C++'s
//!   P1202 gives it semantics.)
//!
//! The barrier belongs to the process, which registers for it once. Whether it works is
//! found out then and never changes: where it fails later, readers rely on it already,
//! and the process ends. What a fence costs is measured once as well.

use core::hint::black_box;
use core::sync::atomic::{AtomicUsize, compiler_fence};
use std::sync::OnceLock;
use std::time::Instant;

use dbuf_core::sync::atomic::{Ordering, fence};

/// Who fences when an [`EpochStrategy`](crate::EpochStrategy) is read.
///
/// # Examples
///
/// ```
/// use dbuf_strategies::{EpochStrategy, Fence};
///
/// let strategy = EpochStrategy::with_fence(Fence::Symmetric);
/// let (mut writer, reader) = dbuf_core::arc(1, 1, strategy);
/// writer.store(2);
/// assert_eq!(writer.strategy().fence(), Fence::Symmetric);
/// assert_eq!(*reader.read(), 2);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fence {
    /// Readers and the writer. A read costs a few nanoseconds more, a publish next
    /// to nothing.
    Symmetric,
    /// The writer alone, on behalf of every thread of the process: a system call of
    /// 0.4 µs when no other thread runs, and of about 10 µs when some do. Linux only.
    Asymmetric,
}

/// The reader's half of the asymmetric fence.
#[inline(always)]
pub(super) fn compiler_barrier() {
    // UNMODELLED: a model checker's compiler moves nothing. Without it the optimiser
    // may load before it stores; `tests/fence_model` has the half that is the machine's.
    compiler_fence(Ordering::SeqCst);
}

/// What a fence costs a reader on this machine, in picoseconds: the shortest of several
/// loops, since a loop that was interrupted took longer. The first call measures, in some
/// 20 µs.
#[inline]
pub(super) fn fence_cost() -> u64 {
    const LOOPS: usize = 16;
    const FENCES: usize = 256;
    static COST: OnceLock<u64> = OnceLock::new();
    *COST.get_or_init(|| {
        // A fence after a store, as a read has it.
        let word = AtomicUsize::new(0);
        let word = black_box(&word);
        let measure = |_| {
            let began = Instant::now();
            for n in 0..FENCES {
                // Relaxed: this thread's alone.
                word.store(n, Ordering::Relaxed);
                // UNMODELLED: it orders nothing.
                fence(Ordering::SeqCst);
            }
            began.elapsed().as_nanos() as u64
        };
        let shortest = (0..LOOPS).map(measure).fold(u64::MAX, u64::min);
        // Not 0: a clock that stands still must not make fences free.
        (shortest * 1_000 / FENCES as u64).max(1)
    })
}

pub(super) use process::{barrier, is_available};

#[cfg(all(target_os = "linux", not(miri)))]
mod process {
    use std::sync::OnceLock;

    use dbuf_core::sync::abort;
    use rustix::thread::{MembarrierCommand, membarrier};

    use super::compiler_barrier;
    use crate::sync::MODELLED;

    /// Whether this process has a barrier. The first call registers for it.
    pub(crate) fn is_available() -> bool {
        static AVAILABLE: OnceLock<bool> = OnceLock::new();
        !MODELLED
            && *AVAILABLE.get_or_init(|| {
                membarrier(MembarrierCommand::RegisterPrivateExpedited).is_ok()
                    // Registered is not allowed: a filter may tell the commands apart.
                    && membarrier(MembarrierCommand::PrivateExpedited).is_ok()
            })
    }

    /// The writer's half. For a process in which `is_available` returned true.
    #[cold]
    pub(crate) fn barrier() {
        compiler_barrier();
        if membarrier(MembarrierCommand::PrivateExpedited).is_err() {
            abort(
                "membarrier worked when the writer was claimed and is refused now, but readers \
                 rely on it. Install system call filters before the first writer is claimed, or \
                 use EpochStrategy::with_fence(Fence::Symmetric)",
            );
        }
        compiler_barrier();
    }
}

#[cfg(not(all(target_os = "linux", not(miri))))]
mod process {
    /// Whether this process has a barrier.
    pub(crate) fn is_available() -> bool {
        false
    }

    /// The writer's half, which is not called without a barrier.
    pub(crate) fn barrier() {
        unreachable!("no barrier on this platform");
    }
}
