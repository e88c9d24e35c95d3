//! Steps of the writer without a log.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::task::{Context, Poll, Waker};

use dbuf_core::OwningPtr;

use super::super::value::{POISON, Value, arm, caught};
use super::{Hand, Held, Machine};

impl<P: OwningPtr<Value = Value, Extras = ()> + 'static> Machine<P> {
    /// Behind a log, and after it, nobody knows what the back is.
    pub(super) fn forget_the_back(&mut self) {
        if !matches!(self.hand, Hand::Forgotten) {
            let back = self.model.back();
            self.model.values[back] = None;
        }
    }

    /// Looks what the back is, if it can be had.
    pub(super) fn learn(&mut self) {
        let back = self.model.back();
        if let Hand::Raw(writer) = &mut self.hand
            && self.model.values[back].is_none()
            && self.model.look()
        {
            let value = writer.try_back_mut().expect("finished");
            // What a log left behind when it panicked halfway.
            if value.get() == POISON {
                value.set(0);
            }
            self.model.values[back] = Some(value.get());
        }
    }

    pub(super) fn write(&mut self) {
        let number = self.next();
        let Hand::Raw(writer) = &mut self.hand else {
            return;
        };
        let finished = self.model.look();
        let place = writer.try_back_mut();
        assert_eq!(place.is_some(), finished, "try_back_mut");
        let Some(place) = place else { return };
        let back = self.model.back();
        if let Some(known) = self.model.values[back] {
            assert_eq!(place.get(), known);
        }
        place.set(POISON);
        self.guards.iter().for_each(Held::check);
        place.set(number);
        self.model.values[back] = Some(number);
    }

    pub(super) fn poll(&mut self, with_another: bool) {
        if matches!(self.hand, Hand::Empty | Hand::Forgotten) {
            return;
        }
        if with_another {
            self.newest = 1 - self.newest;
        }
        let count = &self.wakers[self.newest];
        let waker = Waker::from(Arc::clone(count));
        let mut cx = Context::from_waker(&waker);
        // Before: a poll that finds the spare side free calls it at once.
        let before = count.0.load(SeqCst);
        let polled = match &mut self.hand {
            Hand::Raw(writer) => writer.poll_finish(&mut cx),
            Hand::Log(writer, _) => writer.poll_finish(&mut cx),
            Hand::Empty | Hand::Forgotten => return,
        };
        let finished = self.model.look();
        assert_eq!(polled == Poll::Ready(()), finished, "poll_finish");
        self.model.awaited = (!finished).then_some(before);
        self.model.spare_awaited = self.model.is_held(self.model.spare);
    }

    /// Goes on without the guards on the back.
    pub(super) fn set_aside(&mut self, fuse: u8) {
        let Hand::Log(writer, log) = &mut self.hand else {
            return;
        };
        let finished = self.model.look();
        let free = !self.model.is_held(self.model.spare);
        arm(fuse.into());
        match caught(|| writer.set_aside()) {
            Some(goes_on) => {
                assert_eq!(goes_on, finished || free, "set_aside");
                if goes_on && !finished {
                    self.model.set_aside();
                    log.set_aside(self.model.published());
                }
            }
            // The clone panicked, and nothing has changed.
            None => assert!(!finished && free),
        }
    }

    pub(super) fn swap_or_store(&mut self, stores: bool) {
        self.learn();
        let number = self.next();
        let held = self.model.is_held(self.model.front);
        let (Hand::Raw(writer), Some(blocking)) = (&mut self.hand, &self.kind.blocking) else {
            return;
        };
        // Else it would wait for this very thread.
        if self.model.is_blocked() || (held && !stores) {
            return;
        }
        assert!(self.model.look());
        if stores {
            (blocking.store)(writer, Value::new(number));
            let back = self.model.back();
            self.model.values[back] = Some(number);
            self.model.swap();
        } else {
            (blocking.swap)(writer);
            self.model.swap();
            assert!(self.model.look());
        }
    }
}
