//! Numbers of threads.

#[cfg(not(any(dbuf_loom, dbuf_shuttle)))]
use super::abort;

/// A number that no thread has.
pub const NO_THREAD: usize = 0;

/// Returns the number of this thread. No other thread ever has the same number, so where a word
/// has 32 bits the process ends with the 2³⁰th thread that calls this (`writer_lock` packs two
/// bits into the same word). Works in destructors of thread locals.
#[cfg(not(any(dbuf_loom, dbuf_shuttle)))]
#[inline]
pub fn thread_number() -> usize {
    std::thread_local! {
        static THREAD: core::cell::Cell<usize> = const { core::cell::Cell::new(NO_THREAD) };
    }

    #[cold]
    fn next() -> usize {
        use core::sync::atomic::{AtomicUsize, Ordering};

        static LAST: AtomicUsize = AtomicUsize::new(NO_THREAD);
        // Relaxed: nothing but the number depends on it.
        let number = LAST.fetch_add(1, Ordering::Relaxed) + 1;
        // Long before the count wraps, since other threads run until the process has ended.
        if number >= usize::MAX >> 2 {
            abort("too many threads");
        }
        THREAD.set(number);
        number
    }

    match THREAD.get() {
        NO_THREAD => next(),
        number => number,
    }
}

/// Returns the number of this thread of a model.
#[cfg(dbuf_loom)]
pub fn thread_number() -> usize {
    use core::sync::atomic::{AtomicUsize, Ordering};

    // A real atomic: the model's behaviour does not depend on the number.
    static LAST: AtomicUsize = AtomicUsize::new(NO_THREAD);
    loom::thread_local! {
        static THREAD: usize = LAST.fetch_add(1, Ordering::Relaxed) + 1;
    }
    THREAD.with(|number| *number)
}

/// Returns the number of this task of a model.
#[cfg(dbuf_shuttle)]
pub fn thread_number() -> usize {
    ::shuttle::current::try_get_current_task().map_or(usize::MAX, |task| usize::from(task) + 1)
}
