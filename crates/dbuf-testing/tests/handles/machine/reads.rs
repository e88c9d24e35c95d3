//! Steps of readers and guards.

use std::rc::Rc;

use dbuf_core::OwningPtr;

use super::super::guards::{AnyGuard, AnyReader};
use super::super::model::Hold;
use super::super::value::Value;
use super::{Handle, Held, Machine, pick};

const READERS: usize = 5;
const GUARDS: usize = 8;

impl<P: OwningPtr<Value = Value, Extras = ()> + 'static> Machine<P> {
    /// Adds a reader to the list, or drops it if the list is full.
    pub(super) fn keep(&mut self, reader: Rc<dyn AnyReader>, is_weak: bool) {
        if self.readers.len() < READERS {
            let number = self.next();
            self.readers.push(Handle {
                number,
                is_weak,
                reader,
            });
        }
    }

    pub(super) fn read(&mut self, at: u8, mapped: bool) {
        let Some(Handle {
            number,
            is_weak,
            reader,
        }) = pick(&self.readers, at)
        else {
            return;
        };
        let (number, is_weak) = (*number, *is_weak);
        let guard = Rc::clone(reader).read(mapped).expect("the buffer is alive");
        self.hold(number, guard, (false, is_weak));
    }

    pub(super) fn hold(
        &mut self,
        reader: usize,
        guard: Box<dyn AnyGuard>,
        (owns, pins): (bool, bool),
    ) {
        let seen = (self.model.published(), self.model.version);
        assert_eq!(
            guard.value_and_version(),
            seen,
            "not the last published value"
        );
        if self.guards.len() == GUARDS {
            return;
        }
        let number = self.next();
        self.guards.push(Held {
            number,
            owns,
            pins,
            reader,
            seen,
            guard,
        });
        self.model.holds.push(Hold {
            guard: number,
            reader,
            side: self.model.front,
            forgotten: false,
        });
    }

    pub(super) fn forget_guard(&mut self, at: u8) {
        let at = usize::from(at) % self.guards.len();
        let Held {
            number,
            owns,
            pins,
            reader,
            guard,
            ..
        } = self.guards.swap_remove(at);
        guard.forget();
        self.leaks |= pins;
        let hold = self
            .model
            .holds
            .iter_mut()
            .find(|hold| hold.guard == number);
        hold.expect("each guard has a hold").forgotten = true;
        if !owns {
            self.dropped(reader);
        }
    }

    /// Updates the model after a handle or a guard of this reader is gone. If it was the last one,
    /// the reader is dropped, and its forgotten guards no longer count where the strategy promises
    /// it.
    pub(super) fn dropped(&mut self, reader: usize) {
        let is_alive = self.readers.iter().any(|handle| handle.number == reader)
            || self.guards.iter().any(|held| held.reader == reader);
        if !is_alive && self.kind.until_dropped {
            self.model.holds.retain(|hold| hold.reader != reader);
        }
    }
}
