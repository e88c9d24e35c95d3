//! Steps of the writer without a log.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::task::{Context, Poll, Waker};

use dbuf_core::{ClaimError, OwningPtr, Writer};

use super::super::value::{POISON, Value, arm, caught};
use super::{Held, Machine, WriterSlot};

impl<P: OwningPtr<Value = Value, Extras = ()> + 'static> Machine<P> {
    pub(super) fn claim(&mut self) {
        let claimed = Writer::claim(self.ptr.clone());
        match &self.writer {
            WriterSlot::Empty => self.writer = WriterSlot::Raw(claimed.unwrap()),
            _ => assert_eq!(claimed.unwrap_err(), ClaimError),
        }
    }

    /// Marks the back as unknown, as in a log and after it.
    pub(super) fn forget_the_back(&mut self) {
        if !matches!(self.writer, WriterSlot::Forgotten) {
            let back = self.model.back();
            self.model.values[back] = None;
        }
    }

    /// Reads the back into the model, if the writer can access it.
    pub(super) fn learn(&mut self) {
        let back = self.model.back();
        if let WriterSlot::Raw(writer) = &mut self.writer
            && self.model.values[back].is_none()
            && self.model.try_finish()
        {
            let value = writer.try_back_mut().expect("finished");
            // A log that panicked halfway leaves this value.
            if value.get() == POISON {
                value.set(0);
            }
            self.model.values[back] = Some(value.get());
        }
    }

    pub(super) fn write(&mut self) {
        let number = self.next();
        let WriterSlot::Raw(writer) = &mut self.writer else {
            return;
        };
        let finished = self.model.try_finish();
        let value = writer.try_back_mut();
        assert_eq!(value.is_some(), finished, "try_back_mut");
        let Some(value) = value else { return };
        let back = self.model.back();
        if let Some(known) = self.model.values[back] {
            assert_eq!(value.get(), known);
        }
        value.set(POISON);
        self.guards.iter().for_each(Held::check);
        value.set(number);
        self.model.values[back] = Some(number);
    }

    pub(super) fn poll(&mut self, with_another: bool) {
        if matches!(self.writer, WriterSlot::Empty | WriterSlot::Forgotten) {
            return;
        }
        if with_another {
            self.newest = 1 - self.newest;
        }
        let count = &self.wakers[self.newest];
        let waker = Waker::from(Arc::clone(count));
        let mut cx = Context::from_waker(&waker);
        // Counted before the poll: a poll that finds the spare side free wakes at once.
        let before = count.0.load(SeqCst);
        let polled = match &mut self.writer {
            WriterSlot::Raw(writer) => writer.poll_finish(&mut cx),
            WriterSlot::Log(writer, _) => writer.poll_finish(&mut cx),
            WriterSlot::Empty | WriterSlot::Forgotten => return,
        };
        let finished = self.model.try_finish();
        assert_eq!(polled == Poll::Ready(()), finished, "poll_finish");
        self.model.awaited = (!finished).then_some(before);
        self.model.spare_awaited = self.model.is_held(self.model.spare);
    }

    /// Sets the back aside and continues without its guards.
    pub(super) fn set_aside(&mut self, fuse: u8) {
        let WriterSlot::Log(writer, log) = &mut self.writer else {
            return;
        };
        let finished = self.model.try_finish();
        let free = !self.model.is_held(self.model.spare);
        arm(fuse.into());
        match caught(|| writer.set_aside()) {
            Some(continues) => {
                assert_eq!(continues, finished || free, "set_aside");
                if continues && !finished {
                    self.model.set_aside();
                    log.set_aside(self.model.published());
                }
            }
            // The clone panicked and changed nothing.
            None => assert!(!finished && free),
        }
    }

    pub(super) fn swap_or_store(&mut self, stores: bool) {
        self.learn();
        let number = self.next();
        let held = self.model.is_held(self.model.front);
        let (WriterSlot::Raw(writer), Some(blocking)) = (&mut self.writer, &self.kind.blocking)
        else {
            return;
        };
        // Otherwise it would wait for its own thread.
        if self.model.is_blocked() || (held && !stores) {
            return;
        }
        assert!(self.model.try_finish());
        if stores {
            (blocking.store)(writer, Value::new(number));
            let back = self.model.back();
            self.model.values[back] = Some(number);
            self.model.swap();
        } else {
            (blocking.swap)(writer);
            self.model.swap();
            assert!(self.model.try_finish());
        }
    }

    pub(super) fn start_swap(&mut self) {
        self.learn();
        if let WriterSlot::Raw(writer) = &mut self.writer {
            let finished = self.model.try_finish();
            assert_eq!(writer.start_swap(), finished, "start_swap");
            if finished {
                self.model.swap();
            }
        }
    }

    pub(super) fn try_finish(&mut self) {
        let finished = match &mut self.writer {
            WriterSlot::Raw(writer) => writer.try_finish(),
            WriterSlot::Log(writer, _) => writer.try_finish(),
            WriterSlot::Empty | WriterSlot::Forgotten => return,
        };
        assert_eq!(finished, self.model.try_finish(), "try_finish");
    }

    pub(super) fn finish_timeout(&mut self) {
        if let (WriterSlot::Raw(writer), Some(blocking)) = (&mut self.writer, &self.kind.blocking) {
            let finished = (blocking.finish_timeout)(writer);
            assert_eq!(finished, self.model.try_finish(), "finish_timeout");
            // It waits with its own waker.
            self.model.awaited = None;
        }
    }

    pub(super) fn try_swap(&mut self) {
        self.learn();
        if let (WriterSlot::Raw(writer), Some(try_swap)) = (&mut self.writer, self.kind.try_swap) {
            let free = self.model.try_finish() && !self.model.is_held(self.model.front);
            assert_eq!(try_swap(writer), free, "try_swap");
            if free {
                self.model.swap();
                self.model.try_finish();
            }
        }
    }
}
