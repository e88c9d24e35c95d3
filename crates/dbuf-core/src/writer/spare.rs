//! The spare side, for a writer that goes on without the readers on the back.

use super::Writer;
use crate::pointer::{BufferOf, BufferPtr};
use crate::strategy::Strategy;

impl<P: BufferPtr> Writer<P> {
    /// Checks whether no guard is on the spare side. Never waits.
    pub(crate) fn try_free_spare(&mut self) -> bool {
        // SAFETY: C1.
        unsafe { self.ptr.strategy().try_free_spare(&mut self.token) }
    }

    /// Returns how many guards or readers keep the spare side from being free.
    pub(crate) fn spare_stragglers(&self) -> usize {
        // SAFETY: C1.
        unsafe { self.strategy().spare_stragglers(&self.token) }
    }

    /// Sets the back aside with the guards on it, and makes the spare side the back, with the
    /// value that `fill` writes there. Returns `false`, and does nothing, if no swap is unfinished
    /// or the spare side is not free.
    pub(crate) fn set_aside(&mut self, fill: impl FnOnce(&mut Option<P::Value>)) -> bool {
        if self.try_finish() || !self.try_free_spare() {
            return false;
        }
        let version = self.version();
        let buffer: &BufferOf<P> = &self.ptr;
        let mut spare = buffer.cell(buffer.strategy().spare());
        // SAFETY: free (C7), and `&mut self`; the borrow ends before `set_aside` below.
        let spare = unsafe { spare.as_mut() };
        fill(&mut spare.value);
        assert!(spare.value.is_some(), "the spare side holds a value (B1)");
        // `has_flipped` compares it.
        spare.version = version;
        // SAFETY: C1; unfinished, and free (C7); no borrow of a side is live.
        unsafe { buffer.strategy().set_aside(&mut self.token) };
        true
    }

    /// Takes the value off the spare side. Returns `None` if there is none, or if guards are still
    /// on that side.
    pub(crate) fn take_spare(&mut self) -> Option<P::Value> {
        if !self.try_free_spare() {
            return None;
        }
        let buffer: &BufferOf<P> = &self.ptr;
        let mut spare = buffer.cell(buffer.strategy().spare());
        // SAFETY: free (C7), and `&mut self`.
        unsafe { spare.as_mut() }.value.take()
    }

    /// Returns whether the spare side holds a value.
    pub(crate) fn has_spare(&self) -> bool {
        let spare = self.buffer().cell(self.strategy().spare());
        // SAFETY: only `&mut self` writes a side (C5, C7); readers only read.
        unsafe { spare.as_ref() }.value.is_some()
    }
}
