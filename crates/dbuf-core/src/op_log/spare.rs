//! The spare side: going on without the readers that do not leave.

use core::mem;
#[cfg(feature = "std")]
use std::time::Instant;

use super::state::State;
use super::{Copies, OpWriter, Operation};
use crate::pointer::BufferPtr;
use crate::straggler::OnStraggler;
use crate::strategy::BlockingStrategy;
#[cfg(feature = "std")]
use crate::wait;
#[cfg(feature = "std")]
use crate::writer::own_guard;

/// The spare side holds a value, for the guards on it.
pub(super) struct Aside {
    #[cfg(feature = "std")]
    since: Instant,
}

impl Aside {
    pub(super) fn now() -> Self {
        Self {
            #[cfg(feature = "std")]
            since: Instant::now(),
        }
    }
}

impl<P: BufferPtr, O: Operation<P::Value, P::Extras>> OpWriter<P, O> {
    /// Sets what [`write`](Self::write) does when readers keep the back. The default is
    /// [`OnStraggler::Wait`]. Without `std` there is no clock, and it always waits.
    ///
    /// # Examples
    ///
    /// See [`OnStraggler`].
    pub fn on_straggler(&mut self, policy: OnStraggler) {
        self.on_straggler = policy;
    }

    /// Continues without the readers on the back: clones the published value into the spare side,
    /// and keeps the back for them. Returns whether the next batch need not wait. It must wait if
    /// other readers still keep the spare side, or if the writer [has no
    /// clone](Self::without_clone).
    ///
    /// Never waits. Costs one clone of the value, or nothing if no reader is on the back. After
    /// its readers have released it, the next batch or call of this drops the value that was set
    /// aside.
    ///
    /// # Panics
    ///
    /// If the value's `Clone` panics: nothing has changed then. If the `Drop` of what a log entry
    /// or a value owns panics: the next batch starts from the last publish.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_core::OpWriter;
    /// use dbuf_strategies::LocalStrategy;
    ///
    /// type Add = fn(&mut u32, &());
    ///
    /// let (writer, reader) = dbuf_core::rc(0, 0, LocalStrategy::new());
    /// let mut writer = OpWriter::<_, Add>::new(writer);
    /// let shown = reader.read();
    /// writer.try_write().unwrap().apply(|n, _| *n += 1);
    /// assert!(writer.try_write().is_none()); // `shown` is in the way
    /// assert!(writer.set_aside());
    /// writer.try_write().unwrap().apply(|n, _| *n += 1);
    /// assert_eq!((*shown, *reader.read()), (0, 2));
    /// ```
    pub fn set_aside(&mut self) -> bool {
        if self.writer.try_finish() {
            return true;
        }
        let Some(Copies { clone, .. }) = self.copies else {
            return false;
        };
        if !self.writer.try_free_spare() {
            return false;
        }
        // The clock and `Clone` are user code: they run before anything changes.
        let aside = Aside::now();
        let mut copy = Some(clone(self.writer.front()));
        // Until the log is empty: after an unwind below, the next batch starts with a resync.
        let state = self.state;
        self.state = State::Torn;
        // The swap takes out what an earlier side left there.
        if self.writer.set_aside(|spare| mem::swap(spare, &mut copy)) {
            self.aside = Some(aside);
            // The copy has all that was published, so it needs no replay.
            self.discard_undone();
            self.state = State::Settled;
        } else {
            // The last reader left meanwhile, and the clone is not used.
            self.state = state;
        }
        self.retire(copy);
        true
    }

    /// Returns how many guards or readers keep the side that was set aside, as far as the strategy
    /// can tell. Zero when there is none. For diagnosis.
    pub fn spare_stragglers(&self) -> usize {
        self.writer.spare_stragglers()
    }

    /// Returns when the value on the spare side was set aside. `None` if there is none.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_core::OpWriter;
    /// use dbuf_strategies::LockStrategy;
    ///
    /// type Add = fn(&mut u32, &());
    ///
    /// let (writer, reader) = dbuf_core::arc(0, 0, LockStrategy::new());
    /// let mut writer = OpWriter::<_, Add>::new(writer);
    /// let kept = reader.read();
    /// writer.write().apply(|n, _| *n += 1);
    /// writer.set_aside();
    /// assert!(writer.spare_since().is_some());
    /// drop(kept);
    /// writer.write().apply(|n, _| *n += 1); // drops it
    /// assert!(writer.spare_since().is_none());
    /// ```
    #[cfg(feature = "std")]
    pub fn spare_since(&self) -> Option<Instant> {
        self.aside.as_ref().map(|aside| aside.since)
    }

    /// Drops the value of the spare side, if its readers are gone. The swap is finished.
    #[cold]
    #[inline(never)]
    pub(super) fn retire_spare(&mut self) {
        if self.writer.try_free_spare() {
            self.aside = None;
            let old = self.writer.take_spare();
            self.retire(old);
        }
    }

    fn retire(&mut self, old: Option<P::Value>) {
        if let (Some(old), Some(parts)) = (old, self.writer.try_parts()) {
            O::retire(parts.back, old);
        }
    }

    /// Returns how long [`write`](Self::write) waits before it sets the back aside. `None` if
    /// there is no limit.
    pub fn patience(&self) -> Option<core::time::Duration> {
        match self.on_straggler {
            _ if self.copies.is_none() => None,
            OnStraggler::Spare { after, up_to } if O::entries(self.front()) <= up_to => Some(after),
            OnStraggler::Spare { .. } | OnStraggler::Wait => None,
        }
    }
}

impl<P: BufferPtr<Strategy: BlockingStrategy>, O: Operation<P::Value, P::Extras>> OpWriter<P, O> {
    /// Waits until the next batch can begin.
    #[inline]
    pub(super) fn make_way(&mut self) {
        if self.writer.is_swapping() {
            self.wait_for_way();
        }
    }

    #[cfg(not(feature = "std"))]
    fn wait_for_way(&mut self) {
        self.writer.finish();
    }

    #[cfg(feature = "std")]
    #[cold]
    #[inline(never)]
    fn wait_for_way(&mut self) {
        if self.writer.try_finish() {
            return;
        }
        // It would not help to wait first.
        let own = self.writer.waits_for_itself();
        match self.patience() {
            None => return self.writer.finish(),
            Some(after) if !own && self.writer.finish_timeout(after) => return,
            Some(_) => {}
        }
        // Waits for the first side that is free.
        while !self.set_aside() {
            if own {
                own_guard();
            }
            wait::block(None, |cx| {
                let finished = match cx {
                    None => self.writer.try_finish(),
                    Some(cx) => self.writer.poll_finish(cx).is_ready(),
                };
                finished || self.writer.try_free_spare()
            });
        }
    }
}
