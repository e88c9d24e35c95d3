//! The two ways to order a read against a swap, and the process's barrier.
//!
//! A reader stores its epoch and then loads the side; a writer stores the side and
//! then loads the epochs. At least one of them must see the other's store.
//!
//! - Symmetric: both issue a sequentially consistent fence in between.
//! - Asymmetric: the reader only keeps the compiler from reordering the two, and the writer
//!   asks the kernel for a *barrier* (`membarrier`): design.md 13.1. (The idea is Dice, Kogan
//!   and Goldblatt's, and that of `liburcu`'s membarrier flavour.)
//!
//! The process registers for the barrier once. If it works then, readers rely on it, so a
//! barrier that fails later ends the process. The cost of a fence is measured once too.

use core::hint::black_box;
use core::sync::atomic::{AtomicUsize, compiler_fence};
use std::sync::OnceLock;
use std::time::Instant;

use dbuf_core::sync::atomic::{Ordering, fence};

/// Which threads fence when an [`EpochStrategy`](crate::EpochStrategy) is read.
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
    /// Readers and the writer fence. A read costs a few nanoseconds more, and a publish
    /// hardly anything.
    Symmetric,
    /// The writer alone fences, on behalf of every thread of the process: a system call of
    /// 0.4 µs when no other thread runs, and of about 10 µs when some do. Linux only.
    Asymmetric,
}

/// The reader's half of the asymmetric fence: it keeps the accesses before it and those after
/// it in this order in the machine code. It rests on LLVM, which moves no access across a
/// `compiler_fence(SeqCst)`; Rust's memory model has no asymmetric fence (design.md 13.2).
#[inline(always)]
pub(super) fn compiler_barrier() {
    // UNMODELLED: loom reorders no instructions. Without it the optimiser may move the load
    // before the store. `tests/fence_model` models the machine's half.
    compiler_fence(Ordering::SeqCst);
}

/// The cost of a reader's fence on this machine, in picoseconds. The first call measures it,
/// in some 20 µs: the shortest of several loops, since interrupts only make one longer.
#[inline]
pub(super) fn fence_cost() -> u64 {
    const LOOPS: usize = 16;
    const FENCES: usize = 256;
    static COST: OnceLock<u64> = OnceLock::new();
    *COST.get_or_init(|| {
        // As in a read, the fence follows a store.
        let word = AtomicUsize::new(0);
        let word = black_box(&word);
        let measure = |_| {
            let began = Instant::now();
            for n in 0..FENCES {
                // Relaxed: only this thread has the word.
                word.store(n, Ordering::Relaxed);
                // UNMODELLED: it orders nothing.
                fence(Ordering::SeqCst);
            }
            began.elapsed().as_nanos() as u64
        };
        let shortest = (0..LOOPS).map(measure).fold(u64::MAX, u64::min);
        // At least 1, so that a clock that does not advance makes no fence free.
        (shortest * 1_000 / FENCES as u64).max(1)
    })
}

pub(super) use process::{barrier, is_available};

#[cfg(all(target_os = "linux", not(miri)))]
mod process {
    use std::sync::OnceLock;
    use std::thread;

    use dbuf_core::sync::abort;
    use rustix::io::Errno;
    use rustix::thread::{MembarrierCommand, membarrier};

    use super::compiler_barrier;
    use crate::sync::MODELLED;

    /// Returns whether this process has a barrier. The first call registers for it.
    pub(crate) fn is_available() -> bool {
        static AVAILABLE: OnceLock<bool> = OnceLock::new();
        !MODELLED
            && *AVAILABLE.get_or_init(|| {
                membarrier(MembarrierCommand::RegisterPrivateExpedited).is_ok()
                    // A filter may allow the registration and refuse the barrier.
                    && membarrier(MembarrierCommand::PrivateExpedited).is_ok()
            })
    }

    /// The number of times that a barrier which lacks memory is issued before the process ends.
    const ATTEMPTS: usize = 1_000;

    /// The writer's half, for a process in which `is_available` returned true.
    #[cold]
    pub(crate) fn barrier() {
        compiler_barrier();
        match issue(|| membarrier(MembarrierCommand::PrivateExpedited)) {
            Ok(()) => {}
            Err(Errno::NOMEM) => abort(
                "membarrier lacked memory a thousand times in a row, but readers rely on it. \
                 EpochStrategy::with_fence(Fence::Symmetric) makes no system call",
            ),
            Err(_) => abort(
                "membarrier worked when the writer was claimed and is refused now, but readers \
                 rely on it. Install system call filters before the first writer is claimed, or \
                 use EpochStrategy::with_fence(Fence::Symmetric)",
            ),
        }
        compiler_barrier();
    }

    /// Makes the call again while the kernel lacks memory for it, at most [`ATTEMPTS`] times.
    /// It yields in between, so that other threads can free some.
    fn issue(mut call: impl FnMut() -> Result<(), Errno>) -> Result<(), Errno> {
        for _ in 1..ATTEMPTS {
            match call() {
                Err(Errno::NOMEM) => thread::yield_now(),
                result => return result,
            }
        }
        call()
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        /// Returns how many calls `issue` makes, and their last result. `result` gets the number
        /// of the call.
        fn calls(result: impl Fn(usize) -> Result<(), Errno>) -> (usize, Result<(), Errno>) {
            let mut calls = 0;
            let last = issue(|| {
                calls += 1;
                result(calls)
            });
            (calls, last)
        }

        #[test]
        fn barrier_that_lacks_memory_is_issued_again() {
            let recovers = |call| if call < 5 { Err(Errno::NOMEM) } else { Ok(()) };
            assert_eq!(calls(recovers), (5, Ok(())));
            assert_eq!(calls(|_| Err(Errno::NOMEM)), (ATTEMPTS, Err(Errno::NOMEM)));
        }

        #[test]
        fn barrier_that_is_refused_is_not_issued_again() {
            assert_eq!(calls(|_| Ok(())), (1, Ok(())));
            assert_eq!(calls(|_| Err(Errno::PERM)), (1, Err(Errno::PERM)));
        }
    }
}

#[cfg(not(all(target_os = "linux", not(miri))))]
mod process {
    /// Returns whether this process has a barrier.
    pub(crate) fn is_available() -> bool {
        false
    }

    /// The writer's half, which is called only where there is a barrier.
    pub(crate) fn barrier() {
        unreachable!("no barrier on this platform");
    }
}
