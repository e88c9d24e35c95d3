//! What the lock of a cell guards: the claim.

use core::marker::PhantomData;
use core::task::{Context, Poll};
use core::time::Duration;
use std::sync::OnceLock;

use crate::buffer::DoubleBuffer;
use crate::shared::Readers;
use crate::strategy::Strategy;
use crate::writer::Lent;
use crate::writer_lock::{Finish, GoOn};

/// What readers and the holder of the lock share.
pub(super) struct Inner<T, S: Strategy> {
    pub(super) buffer: DoubleBuffer<Option<T>, S>,
    pub(super) readers: OnceLock<Readers<S::ReaderToken>>,
}

impl<T, S: Strategy> Inner<T, S> {
    /// Returns whether this thread has a guard on the back. For the holder of the lock.
    pub(super) fn waits_for_itself(&self) -> bool {
        let strategy = self.buffer.strategy();
        let readers = self.readers.get();
        // SAFETY: the tokens are this strategy's (K2).
        readers.is_some_and(|readers| unsafe { readers.holds(strategy, strategy.back()) })
    }
}

/// What the lock guards.
pub(super) struct Claim<T, S: Strategy> {
    /// `None` until the first use.
    pub(super) token: Option<S::WriterToken>,
    /// The spare side holds a value, for the guards on it.
    pub(super) aside: bool,
    pub(super) value: PhantomData<fn() -> T>,
}

/// `shared` is the one of the same cell (K2).
impl<T, S: Strategy> Finish for Claim<T, S> {
    type Shared = Inner<T, S>;
    #[inline]
    fn try_finish(&mut self, shared: &Inner<T, S>) -> bool {
        let Some(token) = &mut self.token else {
            return true;
        };
        let strategy = shared.buffer.strategy();
        // SAFETY: C1, by K2.
        let finished = unsafe { strategy.is_finished(token) };
        // SAFETY: C1, by K2.
        finished || unsafe { strategy.try_finish(token) }
    }

    fn poll_finish(&mut self, shared: &Inner<T, S>, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.token {
            // SAFETY: C1, by K2.
            Some(token) => unsafe { shared.buffer.strategy().poll_finish(token, cx) },
            None => Poll::Ready(()),
        }
    }

    /// Sets the back aside at once: a write makes a new value, so nothing is cloned.
    fn go_on(&mut self, shared: &Inner<T, S>, _waited: Duration, on_thread: bool) -> GoOn {
        let set_aside = |spare: &mut Option<Option<T>>| {
            spare.get_or_insert(None);
        };
        if self.writer(&shared.buffer).set_aside(set_aside) {
            self.aside = true;
            GoOn::SetAside(0)
        } else if self.try_finish(shared) {
            GoOn::Finished
        } else if on_thread && shared.waits_for_itself() {
            own_guard()
        } else {
            GoOn::Wait(None)
        }
    }
}

impl<T, S: Strategy> Claim<T, S> {
    /// Returns the writer of the cell's buffer.
    #[inline]
    pub(super) fn writer<'l>(
        &'l mut self,
        buffer: &'l DoubleBuffer<Option<T>, S>,
    ) -> Lent<'l, &'l DoubleBuffer<Option<T>, S>> {
        // SAFETY: the token is this buffer's (K2).
        match unsafe { Lent::new(buffer, &mut self.token) } {
            Some(writer) => writer,
            None => unreachable!("locked before it began (K3)"),
        }
    }

    /// Takes the value off the spare side, if no guard is on it any more.
    #[cold]
    #[inline(never)]
    pub(super) fn take_aside(&mut self, buffer: &DoubleBuffer<Option<T>, S>) -> Option<T> {
        let mut writer = self.writer(buffer);
        let free = writer.try_free_spare();
        let kept = writer.take_spare().flatten();
        drop(writer);
        self.aside = !free;
        kept
    }
}

#[cold]
#[inline(never)]
fn own_guard() -> ! {
    panic!(
        "a thread writes to a cell while it holds a guard of that cell (from `read`), and \
         could wait for its own guard forever: drop the guard first, or use `load`, `with` or \
         `try_store`"
    )
}
