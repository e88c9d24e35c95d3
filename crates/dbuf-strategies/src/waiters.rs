//! The tasks that wait for one thing.
//!
//! # Idea
//!
//! A list of wakers under a mutex. Waking takes the whole list and calls it
//! after the unlock, so a waker may do anything: run its task at once, wait
//! again, drop other tasks that wait. A *round* ends with each waking; a ticket of an
//! earlier round is void, so nobody has to be taken off a list that was taken.
//!
//! (The list of the `event-listener` crate does the same and calls the wakers
//! under its lock: one that drops a waiting task in place deadlocks there, and
//! one that panics leaves its counts wrong.)

use core::mem;
use core::panic::AssertUnwindSafe;
use core::task::Waker;
use std::panic::{catch_unwind, resume_unwind};

use alloc::vec::Vec;

use dbuf_core::const_fn;

use crate::primitive::Mutex;

pub(crate) struct Waiters {
    list: Mutex<List>,
}

struct List {
    round: u64,
    wakers: Vec<Option<Waker>>,
    /// Empty: the memory of the round before, for the next.
    spare: Vec<Option<Waker>>,
    /// Places whose owners gave up waiting.
    free: Vec<usize>,
}

/// A place in the list of one round.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticket {
    round: u64,
    place: usize,
}

impl Waiters {
    const_fn! {
        pub(crate) const fn new() -> Self {
            Self {
                list: Mutex::new(List {
                    round: 0,
                    wakers: Vec::new(),
                    spare: Vec::new(),
                    free: Vec::new(),
                }),
            }
        }
    }

    /// Has `waker` called by the next [`wake_all`](Self::wake_all), in place of
    /// the one that `ticket` stands for.
    pub(crate) fn join(&self, ticket: Option<Ticket>, waker: Waker) -> Ticket {
        let mut list = self.list.lock();
        let ticket = match ticket.filter(|ticket| ticket.round == list.round) {
            Some(ticket) => ticket,
            None => list.new_place(),
        };
        let replaced = list.wakers[ticket.place].replace(waker);
        drop(list);
        // User code.
        drop(replaced);
        ticket
    }

    /// Gives a place back.
    pub(crate) fn leave(&self, ticket: Ticket) {
        let mut list = self.list.lock();
        if ticket.round == list.round {
            let waker = list.wakers[ticket.place].take();
            list.free.push(ticket.place);
            drop(list);
            // User code.
            drop(waker);
        }
    }

    /// Calls every waker once. Panics with the first that panicked, when all were
    /// called.
    #[cold]
    pub(crate) fn wake_all(&self) {
        let mut list = self.list.lock();
        list.round += 1;
        list.free.clear();
        let next = mem::take(&mut list.spare);
        let mut wakers = mem::replace(&mut list.wakers, next);
        drop(list);
        let mut panic = None;
        for waker in wakers.drain(..).flatten() {
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| waker.wake())) {
                match panic {
                    None => panic = Some(payload),
                    // Its drop is user code too, and the others have not been called yet.
                    Some(_) => mem::forget(payload),
                }
            }
        }
        self.list.lock().spare = wakers;
        if let Some(payload) = panic {
            resume_unwind(payload);
        }
    }
}

impl List {
    fn new_place(&mut self) -> Ticket {
        let place = self.free.pop().unwrap_or_else(|| {
            self.wakers.push(None);
            self.wakers.len() - 1
        });
        Ticket {
            round: self.round,
            place,
        }
    }
}
