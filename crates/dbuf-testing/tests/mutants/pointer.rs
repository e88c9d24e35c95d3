//! Pointers that break P5 in ways that are sound.

use std::cell::RefCell;
use std::ops::Deref;
use std::rc::Rc;

use dbuf_core::{BufferPtr, DoubleBuffer, OwningPtr};
use dbuf_strategies::LockStrategy;
use dbuf_testing::suite::buffer;
use dbuf_testing::{Tracked, suite};

use crate::{failures, names};

type Buffer = DoubleBuffer<Tracked, LockStrategy, u32>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Breaks {
    Nothing,
    /// Never gives the buffer.
    Refuses,
    /// Gives another buffer.
    GivesAnother,
    /// Gives another buffer while a pointer lives.
    GivesToEverybody,
    /// Gives another pointer back.
    GivesAnotherBack,
}

#[derive(Clone)]
struct Pointer {
    buffer: Rc<Buffer>,
    breaks: Breaks,
}

thread_local! {
    /// What `GivesAnotherBack` gave, so that it is not dropped.
    static GIVEN: RefCell<Vec<Rc<Buffer>>> = const { RefCell::new(Vec::new()) };
}

impl Pointer {
    fn new(breaks: Breaks) -> Self {
        Self {
            buffer: Rc::new(buffer(LockStrategy::new())),
            breaks,
        }
    }
}

impl Deref for Pointer {
    type Target = Buffer;

    fn deref(&self) -> &Buffer {
        &self.buffer
    }
}

// SAFETY: P1 to P6 are those of the `Rc`, which is not given out.
unsafe impl BufferPtr for Pointer {
    type Value = Tracked;
    type Strategy = LockStrategy;
    type Extras = u32;
}

// SAFETY: P5, unless it is broken, is that of the `Rc`. Broken, it never gives out a buffer
// that another pointer can reach.
unsafe impl OwningPtr for Pointer {
    fn try_unwrap(self) -> Result<Buffer, Self> {
        let breaks = self.breaks;
        match breaks {
            Breaks::Refuses => Err(self),
            Breaks::GivesAnother if Rc::strong_count(&self.buffer) > 1 => Err(self),
            Breaks::GivesAnother | Breaks::GivesToEverybody => Ok(buffer(LockStrategy::new())),
            Breaks::GivesAnotherBack if Rc::strong_count(&self.buffer) > 1 => {
                GIVEN.with_borrow_mut(|given| given.push(self.buffer));
                Err(Self::new(breaks))
            }
            Breaks::Nothing | Breaks::GivesAnotherBack => {
                Rc::try_unwrap(self.buffer).map_err(|buffer| Self { buffer, breaks })
            }
        }
    }
}

suite!(unbroken: any, blocking, owning => || Pointer::new(Breaks::Nothing));

#[test]
fn owning_pointers_that_break_p5_are_refused() {
    for (breaks, test) in [
        (Breaks::Refuses, "buffer_comes_out_as_it_was"),
        (Breaks::GivesAnother, "buffer_comes_out_as_it_was"),
        (
            Breaks::GivesToEverybody,
            "buffer_is_refused_while_a_pointer_lives",
        ),
        (
            Breaks::GivesAnotherBack,
            "buffer_is_refused_while_a_pointer_lives",
        ),
    ] {
        let new = move || Pointer::new(breaks);
        let failures = failures(suite!(@owning list new));
        println!("{test}:\n{}", failures.join("\n"));
        let refused = |message: &String| names(message, "P5") && message.contains(test);
        assert!(failures.iter().any(refused), "{test} did not refuse it");
    }
}
