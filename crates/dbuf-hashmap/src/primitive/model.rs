//! What stands in for the lock, the event and the atomics under shuttle. Each
//! operation is one step: other tasks run before it and not within it, and none run
//! while a panic unwinds (see `step`).
//!
//! The stand-ins promise no more than the real ones: the lock is not fair, whoever
//! waits for it is woken for nothing now and then, and `notify` wakes as few as it
//! says.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::future::poll_fn;
use core::ops::{Deref, DerefMut};
use core::pin::Pin;
use core::sync::atomic::{self, Ordering};
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::sync::{self, PoisonError};

use dbuf_core::primitive::{block_on, step};

/// Held within a step only, so never waited for.
fn enter<T>(lock: &sync::Mutex<T>) -> sync::MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Debug, Default)]
pub(crate) struct AtomicUsize(atomic::AtomicUsize);

impl AtomicUsize {
    pub(crate) const fn new(value: usize) -> Self {
        Self(atomic::AtomicUsize::new(value))
    }

    pub(crate) fn load(&self, ordering: Ordering) -> usize {
        step();
        self.0.load(ordering)
    }

    pub(crate) fn store(&self, value: usize, ordering: Ordering) {
        step();
        self.0.store(value, ordering);
        // What follows need not have a step of its own.
        step();
    }

    pub(crate) fn fetch_add(&self, value: usize, ordering: Ordering) -> usize {
        step();
        self.0.fetch_add(value, ordering)
    }

    pub(crate) fn fetch_sub(&self, value: usize, ordering: Ordering) -> usize {
        step();
        self.0.fetch_sub(value, ordering)
    }
}

/// As `async_lock`'s. A guard takes the value out, so that it can be `Send` without
/// unsafe code.
#[derive(Debug)]
pub(crate) struct Mutex<T>(sync::Mutex<Slot<T>>);

#[derive(Debug)]
struct Slot<T> {
    /// Missing while a guard has it.
    value: Option<T>,
    waiting: Vec<Waker>,
}

impl<T> Mutex<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(sync::Mutex::new(Slot {
            value: Some(value),
            waiting: Vec::new(),
        }))
    }

    fn guard(&self, value: T) -> MutexGuard<'_, T> {
        MutexGuard {
            mutex: self,
            value: Some(value),
        }
    }

    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        step();
        let value = enter(&self.0).value.take()?;
        Some(self.guard(value))
    }

    pub(crate) async fn lock(&self) -> MutexGuard<'_, T> {
        poll_fn(|cx| {
            step();
            let mut slot = enter(&self.0);
            match slot.value.take() {
                Some(value) => Poll::Ready(self.guard(value)),
                None => {
                    slot.waiting.push(cx.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }
}

/// As `parking_lot`'s mutex; the one above, waited for by threads.
#[derive(Debug)]
pub(crate) struct Gate(Mutex<()>);

pub(crate) type GateGuard<'g> = MutexGuard<'g, ()>;

impl Gate {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(()))
    }

    pub(crate) fn try_lock(&self) -> Option<GateGuard<'_>> {
        self.0.try_lock()
    }

    pub(crate) fn lock(&self, timeout: Option<Duration>) -> Option<GateGuard<'_>> {
        block_on(timeout, self.0.lock())
    }
}

#[derive(Debug)]
pub(crate) struct MutexGuard<'m, T> {
    mutex: &'m Mutex<T>,
    /// There until it is dropped.
    value: Option<T>,
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        match &self.value {
            Some(value) => value,
            None => unreachable!("only the drop takes it"),
        }
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        match &mut self.value {
            Some(value) => value,
            None => unreachable!("only the drop takes it"),
        }
    }
}

impl<T> Drop for MutexGuard<'_, T> {
    fn drop(&mut self) {
        step();
        let mut slot = enter(&self.mutex.0);
        slot.value = self.value.take();
        // All: some may have given up.
        slot.waiting.drain(..).for_each(Waker::wake);
    }
}

/// As `event_listener`'s.
#[derive(Debug)]
pub(crate) struct Event(Arc<sync::Mutex<VecDeque<Arc<Entry>>>>);

#[derive(Debug, Default)]
struct Entry(sync::Mutex<Call>);

#[derive(Debug, Default)]
struct Call {
    called: bool,
    waker: Option<Waker>,
}

impl Event {
    pub(crate) fn new() -> Self {
        Self(Arc::default())
    }

    pub(crate) fn listen(&self) -> EventListener {
        step();
        let entry = Arc::new(Entry::default());
        enter(&self.0).push_back(Arc::clone(&entry));
        EventListener {
            event: Arc::clone(&self.0),
            entry,
        }
    }

    /// Calls the first so many that listen, those who are called already included.
    pub(crate) fn notify(&self, most: usize) {
        step();
        for entry in enter(&self.0).iter().take(most) {
            let mut call = enter(&entry.0);
            call.called = true;
            if let Some(waker) = call.waker.take() {
                waker.wake();
            }
        }
    }
}

#[derive(Debug)]
pub(crate) struct EventListener {
    event: Arc<sync::Mutex<VecDeque<Arc<Entry>>>>,
    entry: Arc<Entry>,
}

impl Future for EventListener {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        step();
        let mut call = enter(&self.entry.0);
        if call.called {
            return Poll::Ready(());
        }
        call.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for EventListener {
    fn drop(&mut self) {
        step();
        enter(&self.event).retain(|entry| !Arc::ptr_eq(entry, &self.entry));
    }
}
