//! The threads and tasks that wait for one event.
//!
//! A queue of wakers under a mutex. A wake takes wakers out, unlocks, and then calls them: a waker
//! may run its task at once, wait again, drop other waiting tasks, panic, or never return. Threads
//! are woken before tasks, since a thread's waker is our own code.
//!
//! (The list of the `event-listener` crate calls wakers under its lock. A waker that drops a
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

/// What a waker wakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sleeps {
    /// A thread that sleeps in a wait of this crate. Once woken, it runs.
    Thread,
    /// A task. Once woken, it may never be polled again.
    Task,
}

/// A set of wakers, ordered by their numbers.
#[derive(Debug)]
pub struct WakerSet {
    list: Mutex<List>,
}

#[derive(Debug)]
struct List {
    /// The last number that was given out.
    last: usize,
    entries: VecDeque<Entry>,
    /// An empty queue: the memory of the last [`WakerSet::wake_all`], for the next one.
    spare: VecDeque<Entry>,
}

#[derive(Debug)]
struct Entry {
    /// The number of the waiter. Entries are ordered by it.
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
        /// Makes an empty set.
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

    /// Returns a number to join with: above zero, and higher than all earlier ones.
    pub fn number(&self) -> usize {
        let mut list = self.list.lock();
        list.last += 1;
        list.last
    }

    /// Adds a waker, which is called once. It replaces the waker that joined with this number
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
        // The drop of a waker is user code.
        drop(replaced);
    }

    /// Takes the waker with this number out. Returns `false` if it was already called.
    pub fn leave(&self, number: usize) -> bool {
        let mut list = self.list.lock();
        let removed = match list.position(number) {
            Ok(at) => list.entries.remove(at),
            Err(_) => None,
        };
        drop(list);
        // `removed` is dropped here, unlocked: its drop is user code.
        removed.is_some()
    }

    /// Calls every waker.
    ///
    /// # Panics
    ///
    /// If wakers panic: resumes the first panic when all were called, unless the thread already
    /// unwinds.
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

    /// Calls the waker with this number if it is a thread's. Returns whether there was one.
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

    /// Calls the wakers up to and including the first thread's, or all if no thread waits. So a
    /// woken thread will run, or the set is empty.
    ///
    /// # Panics
    ///
    /// See [`wake_all`](Self::wake_all).
    #[cold]
    pub fn wake_next(&self) {
        self.wake_next_and(|| {});
    }

    /// Does what `wake_next` does, and calls `f` after the thread was woken and before the tasks.
    #[cold]
    pub fn wake_next_and(&self, f: impl FnOnce()) {
        let mut list = self.list.lock();
        let threads = |entry: &Entry| entry.sleeps == Sleeps::Thread;
        let thread = list.entries.iter().position(threads);
        let before = thread.unwrap_or(list.entries.len());
        let thread = thread.and_then(|at| list.entries.remove(at));
        // Allocates only if tasks wait.
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
                // Leaked: its drop is user code, and other wakers are still to be called.
                Some(_) => mem::forget(payload),
            }
        }
    }

    /// Resumes the panic. If the thread already unwinds, that would abort, so the payload is
    /// leaked; its drop may panic as well.
    fn resume(self) {
        match self.0 {
            Some(payload) if thread::panicking() => mem::forget(payload),
            Some(payload) => resume_unwind(payload),
            None => {}
        }
    }
}
