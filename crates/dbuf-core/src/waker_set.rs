//! Those that wait for one thing: tasks, and threads that sleep.
//!
//! # Idea
//!
//! A queue of wakers under a mutex. To wake, the wakers are taken out, and called when
//! the mutex is unlocked: a waker may do anything, such as run its task at once, wait
//! again, drop other tasks that wait, panic, or never return. Threads are woken before
//! tasks, since the waker of a thread is our own.
//!
//! (The list of the `event-listener` crate calls wakers under its lock: one that drops a
//! waiting task in place deadlocks there, and one that panics leaves its counts wrong.)

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::any::Any;
use core::mem;
use core::panic::AssertUnwindSafe;
use core::task::Waker;
use std::panic::{catch_unwind, resume_unwind};
use std::thread;

use crate::const_fn;
use crate::sync::mutex::Mutex;

/// Whom a waker wakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sleeps {
    /// A thread that sleeps in a wait of ours. Once woken, it runs.
    Thread,
    /// A task. Once woken, it may never be polled again.
    Task,
}

/// A set of wakers, in the order of their numbers.
#[derive(Debug)]
pub struct WakerSet {
    list: Mutex<List>,
}

#[derive(Debug)]
struct List {
    /// The last number that was given out.
    last: usize,
    entries: VecDeque<Entry>,
    /// Empty: the memory of the last [`WakerSet::wake_all`], for the next.
    spare: VecDeque<Entry>,
}

#[derive(Debug)]
struct Entry {
    /// Who waits. Entries stand in the order of their numbers.
    number: usize,
    sleeps: Sleeps,
    waker: Waker,
}

impl Default for WakerSet {
    fn default() -> Self {
        Self::new()
    }
}

impl List {
    fn position(&self, number: usize) -> Result<usize, usize> {
        self.entries
            .binary_search_by_key(&number, |entry| entry.number)
    }
}

impl WakerSet {
    const_fn! {
        /// An empty set.
        pub const fn new() -> Self {
            Self {
                list: Mutex::new(List {
                    last: 0,
                    entries: VecDeque::new(),
                    spare: VecDeque::new(),
                }),
            }
        }
    }

    /// A number to join under: above zero, and higher than those given out before.
    pub fn number(&self) -> usize {
        let mut list = self.list.lock();
        list.last += 1;
        list.last
    }

    /// Has `waker` called once, in the place of the waker that joined under this number
    /// before. Lower numbers are woken first.
    pub fn join(&self, number: usize, sleeps: Sleeps, waker: Waker) {
        let mut list = self.list.lock();
        let entry = Entry {
            number,
            sleeps,
            waker,
        };
        let replaced = match list.position(number) {
            Ok(at) => Some(mem::replace(&mut list.entries[at], entry)),
            Err(at) => {
                list.entries.insert(at, entry);
                None
            }
        };
        drop(list);
        // User code.
        drop(replaced);
    }

    /// Takes the waker with this number out. Returns `false` if it was called already.
    pub fn leave(&self, number: usize) -> bool {
        let mut list = self.list.lock();
        let left = match list.position(number) {
            Ok(at) => list.entries.remove(at),
            Err(_) => None,
        };
        drop(list);
        // `left` is dropped here: user code.
        left.is_some()
    }

    /// Calls every waker.
    ///
    /// # Panics
    ///
    /// With the first waker that panicked, when all were called, unless the thread
    /// unwinds already.
    #[cold]
    pub fn wake_all(&self) {
        let mut list = self.list.lock();
        let next = mem::take(&mut list.spare);
        let mut entries = mem::replace(&mut list.entries, next);
        drop(list);
        let mut panic = FirstPanic::default();
        for sleeps in [Sleeps::Thread, Sleeps::Task] {
            for entry in entries.iter().filter(|entry| entry.sleeps == sleeps) {
                panic.catch(|| entry.waker.wake_by_ref());
            }
        }
        for entry in entries.drain(..) {
            panic.catch(|| drop(entry));
        }
        self.list.lock().spare = entries;
        panic.resume();
    }

    /// Calls the waker with this number if it is a thread's. Returns whether it was there.
    pub fn wake_thread(&self, number: usize) -> bool {
        let mut list = self.list.lock();
        let thread = match list.position(number) {
            Ok(at) if list.entries[at].sleeps == Sleeps::Thread => list.entries.remove(at),
            _ => None,
        };
        drop(list);
        match thread {
            Some(entry) => {
                entry.waker.wake();
                true
            }
            None => false,
        }
    }

    /// Calls the wakers up to and including the first thread's, and all if no thread
    /// waits. So one of those that are woken runs, or the set is empty.
    ///
    /// # Panics
    ///
    /// See [`wake_all`](Self::wake_all).
    #[cold]
    pub fn wake_next(&self) {
        self.wake_next_and(|| {});
    }

    /// The same, and calls `f` when the thread was woken and before the tasks.
    #[cold]
    pub fn wake_next_and(&self, f: impl FnOnce()) {
        let mut list = self.list.lock();
        let threads = |entry: &Entry| entry.sleeps == Sleeps::Thread;
        let thread = list.entries.iter().position(threads);
        let before = thread.unwrap_or(list.entries.len());
        let thread = thread.and_then(|at| list.entries.remove(at));
        // Allocates only where tasks wait.
        let tasks: Vec<Entry> = list.entries.drain(..before).collect();
        drop(list);
        let mut panic = FirstPanic::default();
        if let Some(entry) = thread {
            panic.catch(|| entry.waker.wake());
        }
        panic.catch(f);
        for entry in tasks {
            panic.catch(|| entry.waker.wake());
        }
        panic.resume();
    }
}

/// The first of the panics that were caught.
#[derive(Default)]
struct FirstPanic(Option<Box<dyn Any + Send>>);

impl FirstPanic {
    fn catch(&mut self, f: impl FnOnce()) {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(f)) {
            match self.0 {
                None => self.0 = Some(payload),
                // Its drop is user code too, and there is more to do.
                Some(_) => mem::forget(payload),
            }
        }
    }

    /// Goes on with the panic. A thread that unwinds already would abort: then the
    /// payload is leaked, as its drop may panic as well.
    fn resume(self) {
        match self.0 {
            Some(payload) if thread::panicking() => mem::forget(payload),
            Some(payload) => resume_unwind(payload),
            None => {}
        }
    }
}
