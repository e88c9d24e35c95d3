//! What the back is, and every step that changes it.

use alloc::vec::Vec;
use core::mem;

use super::{Copies, OpWriter, Operation, trim};
use crate::error::Torn;
use crate::pointer::BufferPtr;
use crate::writer::{Parts, Writer};

/// What the back is, compared with the front. The table is in the documentation of `op_log`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Equal to the front. The log is empty.
    Settled,
    /// The front and the changes of the log.
    Unpublished,
    /// The front, the changes of the log, and changes to parts that were lent. The back remembers
    /// which parts, and the end of the batch logs them.
    Lent,
    /// The front and changes that the log does not have.
    Modified,
    /// Behind the front by the changes of the log. The last swap may be unfinished.
    Published,
    /// The front and changes that were given up, in part or as a whole. The log and the lent parts
    /// name all that differs.
    Abandoned,
    /// Not trusted: user code unwound halfway, or the log does not have all that was given up.
    Torn,
}

/// How a batch ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Publish,
    Rollback,
    Defer,
    Keep,
}

/// Returns both sides, for a caller that knows that the swap is finished.
#[inline]
fn finished<P: BufferPtr>(writer: &mut Writer<P>) -> Parts<'_, P::Value, P::Extras> {
    match writer.try_parts() {
        Some(parts) => parts,
        None => unreachable!("finished is latched (S5), and an open batch starts no swap"),
    }
}

/// Between batches.
impl<P: BufferPtr, O: Operation<P::Value, P::Extras>> OpWriter<P, O> {
    /// Gives up the changes of a forgotten batch. Returns whether there were any.
    pub(super) fn close_forgotten(&mut self) -> bool {
        if !self.open {
            return false;
        }
        self.open = false;
        self.abandon()
    }

    /// Makes the back equal to the front, or to the front and what is deferred. The swap must be
    /// finished.
    #[inline]
    pub(super) fn settle(&mut self) {
        if self.aside.is_some() {
            self.retire_spare();
        }
        match self.state {
            State::Published if !self.open => self.replay(),
            State::Settled if !self.open => {}
            _ => self.settle_rare(),
        }
    }

    #[cold]
    #[inline(never)]
    fn settle_rare(&mut self) {
        self.close_forgotten();
        match self.state {
            State::Settled | State::Unpublished | State::Lent | State::Modified => {}
            State::Published => self.replay(),
            State::Abandoned => {
                if !self.restore() {
                    self.resync();
                }
            }
            State::Torn => self.resync(),
        }
    }

    #[inline(never)]
    fn replay(&mut self) {
        // Until all is done: after an unwind below, the next batch starts with a resync.
        self.state = State::Torn;
        let Parts { back, extras, .. } = finished(&mut self.writer);
        // A single change: a drain would cost as much as the change.
        if self.log.len() == 1 {
            if let Some(op) = self.log.pop() {
                op.apply_once(back, extras);
            }
        } else {
            // Unwinding drops the remaining operations. If the destructor of one panics as well,
            // the process ends, as in any collection.
            for op in self.log.drain(..) {
                op.apply_once(back, extras);
            }
            trim(&mut self.log);
        }
        self.state = State::Settled;
    }

    /// Undoes what was given up. Returns whether the operation could. Torn until all is done.
    pub(super) fn restore(&mut self) -> bool {
        self.state = State::Torn;
        let Parts {
            front,
            back,
            extras,
        } = finished(&mut self.writer);
        let (kept, undone) = self.log.split_at_mut(self.kept);
        if !O::restore(back, front, extras, undone, kept) {
            return false;
        }
        self.discard_undone();
        self.state = self.after_rollback();
        true
    }

    /// Copies the front over the back and makes the kept changes again. Torn until all is done, so
    /// that no kept change is lost if user code unwinds here.
    fn resync(&mut self) {
        let Some(Copies { clone_from, .. }) = self.copies else {
            panic!("{Torn}");
        };
        self.discard_undone();
        let Parts {
            front,
            back,
            extras,
        } = finished(&mut self.writer);
        clone_from(back, front);
        for op in &mut self.log {
            op.apply(back, extras);
        }
        self.state = self.after_rollback();
    }

    /// Drops the part of the log that is not kept.
    pub(super) fn discard_undone(&mut self) {
        let Parts { back, extras, .. } = finished(&mut self.writer);
        for op in self.log.drain(self.kept..) {
            op.discard(back, extras);
        }
        trim(&mut self.log);
    }

    fn after_rollback(&self) -> State {
        match self.kept {
            0 => State::Settled,
            _ => State::Unpublished,
        }
    }

    /// Publishes, without waiting. Returns whether there was anything to publish.
    pub(super) fn publish_pending(&mut self) -> bool {
        match self.state {
            State::Unpublished => self.swap(State::Published),
            // The log has only part of it: the other copy needs a resync.
            State::Modified => self.swap(State::Torn),
            State::Settled | State::Lent | State::Published | State::Abandoned | State::Torn => {
                return false;
            }
        }
        true
    }

    /// Makes the back the front. `next` is the state of the new back.
    #[inline]
    fn swap(&mut self, next: State) {
        // After the flip, a strategy may run user code (wakers). If that unwinds, the new front
        // has all that was kept, and a resync from it is right.
        struct Unwound<'w, P: BufferPtr>(&'w mut Writer<P>, &'w mut usize);

        impl<P: BufferPtr> Drop for Unwound<'_, P> {
            #[cold]
            fn drop(&mut self) {
                // Before the flip, the front does not have what was kept.
                if self.0.has_flipped() {
                    *self.1 = 0;
                }
            }
        }

        self.state = State::Torn;
        let unwound = Unwound(&mut self.writer, &mut self.kept);
        let started = unwound.0.start_swap();
        mem::forget(unwound);
        self.kept = 0;
        debug_assert!(started, "unpublished changes are on a finished back");
        self.state = next;
    }

    /// Gives up what is unpublished and not kept. Returns whether there was anything.
    ///
    /// Undoes nothing: that runs user code, and the thread may be unwinding. The next batch begins
    /// with it.
    fn abandon(&mut self) -> bool {
        self.state = match self.state {
            State::Settled => return false,
            State::Unpublished if self.log.len() == self.kept => return false,
            State::Unpublished | State::Lent | State::Abandoned => State::Abandoned,
            State::Modified | State::Published | State::Torn => State::Torn,
        };
        true
    }
}

/// While a batch is open. The swap is finished then.
impl<P: BufferPtr, O: Operation<P::Value, P::Extras>> OpWriter<P, O> {
    /// Returns the state of an open batch that is not torn.
    #[inline]
    fn open_state(&self) -> State {
        assert!(
            self.open,
            "no batch is open on this writer: the owner of a batch must always \
             dereference to the same writer"
        );
        assert!(
            !self.is_torn(),
            "the batch is torn: an earlier change panicked halfway"
        );
        self.state
    }

    /// Returns whether an open batch can only be rolled back.
    #[inline]
    pub(super) fn is_torn(&self) -> bool {
        matches!(self.state, State::Abandoned | State::Torn)
    }

    /// Changes the back and logs the change.
    pub(super) fn apply(&mut self, mut op: O) {
        self.change(|back, extras, log| {
            op.apply(back, extras);
            log.push(op);
            ((), Some(State::Unpublished))
        });
    }

    /// Runs user code on the back, with the part of the log that is not kept. If that unwinds, the
    /// batch is torn.
    #[inline]
    pub(super) fn change<R>(
        &mut self,
        f: impl FnOnce(&mut P::Value, &P::Extras, &mut Tail<'_, O>) -> (R, Option<State>),
    ) -> R {
        let before = self.open_state();
        self.state = State::Torn;
        let Parts { back, extras, .. } = finished(&mut self.writer);
        let mut tail = Tail {
            log: &mut self.log,
            kept: self.kept,
        };
        let (result, after) = f(back, extras, &mut tail);
        self.state = match (before, after) {
            (_, Some(State::Modified)) => State::Modified,
            (State::Modified | State::Lent, _) | (_, None) => before,
            (_, Some(after)) => after,
        };
        result
    }

    /// Lends the part that `mark` finds and marks to `f`.
    #[inline]
    pub(super) fn lend<'w, L, R>(
        &'w mut self,
        mark: impl FnOnce(&'w mut P::Value, &'w P::Extras) -> L,
        f: impl FnOnce(L) -> R,
    ) -> R {
        let before = self.open_state();
        self.state = State::Torn;
        let Parts { back, extras, .. } = finished(&mut self.writer);
        let lent = mark(back, extras);
        // If `f` unwinds, only a marked part is in doubt.
        let (halfway, after) = match before {
            State::Modified => (State::Torn, State::Modified),
            _ => (State::Abandoned, State::Lent),
        };
        self.state = halfway;
        let result = f(lent);
        self.state = after;
        result
    }

    /// Logs the lent parts.
    fn seal(&mut self) {
        let (halfway, after) = match self.state {
            State::Modified => (State::Torn, State::Modified),
            _ => (State::Abandoned, State::Unpublished),
        };
        self.state = halfway;
        let Parts { back, extras, .. } = finished(&mut self.writer);
        O::seal(back, extras, |op| {
            // The part has no mark any more. If an allocation error unwinds, it is in no list.
            self.state = State::Torn;
            self.log.push(op);
            self.state = halfway;
        });
        self.state = match after {
            // No lent part exists any more.
            State::Unpublished if self.log.is_empty() => State::Settled,
            after => after,
        };
    }

    /// Ends the open batch. Returns whether it was torn.
    #[inline]
    pub(super) fn end(&mut self, ending: Ending) -> bool {
        if !self.open {
            return false;
        }
        // First, so that the batch has ended even if user code unwinds below.
        self.open = false;
        match (self.state, ending) {
            (State::Unpublished, Ending::Publish) => {
                self.swap(State::Published);
                false
            }
            _ => self.end_rare(ending),
        }
    }

    #[inline(never)]
    fn end_rare(&mut self, ending: Ending) -> bool {
        let torn = self.is_torn();
        if torn || ending == Ending::Rollback {
            self.abandon();
            return torn;
        }
        if matches!(self.state, State::Lent | State::Modified) {
            self.seal();
        }
        match (ending, self.state) {
            (Ending::Keep, State::Unpublished) => self.kept = self.log.len(),
            // The log does not have all of it, so it could not be made again.
            (Ending::Publish, _) | (Ending::Keep, State::Modified) => {
                self.publish_pending();
            }
            (Ending::Keep | Ending::Defer | Ending::Rollback, _) => {}
        }
        false
    }
}

/// The part of the log that is not kept.
pub(super) struct Tail<'w, O> {
    log: &'w mut Vec<O>,
    kept: usize,
}

impl<O> Tail<'_, O> {
    #[inline]
    pub(super) fn push<T, X>(&mut self, op: O)
    where
        O: Operation<T, X>,
    {
        let len = self.log.len();
        let joined = match self.log.last_mut() {
            Some(last) if len > self.kept => op.join(last),
            _ => Some(op),
        };
        if let Some(op) = joined {
            self.log.push(op);
        }
    }

    /// Discards all of it.
    pub(super) fn clear<T, X>(&mut self, back: &mut T, extras: &X)
    where
        O: Operation<T, X>,
    {
        for op in self.log.drain(self.kept..) {
            op.discard(back, extras);
        }
        trim(self.log);
    }
}
