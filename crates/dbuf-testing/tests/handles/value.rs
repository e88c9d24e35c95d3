//! The value of the buffer: poisoned during a write, in memory that every write replaces, and with
//! clones that may panic.

use std::cell::Cell;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use dbuf_core::Operation;
use dbuf_testing::Tracked;

/// The value during a write, which no reader may see.
pub(crate) const POISON: usize = 0xDEAD_DEAD;

thread_local! {
    /// The number of the next call of user code that panics; 0 for none.
    static FUSE: Cell<u32> = const { Cell::new(0) };
}

/// The payload of a panic on purpose.
struct Burnt;

pub(crate) fn arm(fuse: u32) {
    FUSE.set(fuse);
}

fn burn() {
    let remaining = FUSE.get();
    if remaining > 0 {
        FUSE.set(remaining - 1);
        if remaining == 1 {
            unwind();
        }
    }
}

/// Panics on purpose, without a message.
pub(crate) fn unwind() -> ! {
    resume_unwind(Box::new(Burnt))
}

/// Returns the result of `f`, or `None` if it panicked on purpose. Any other panic is resumed.
pub(crate) fn caught<R>(f: impl FnOnce() -> R) -> Option<R> {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(result) => Some(result),
        Err(payload) if payload.is::<Burnt>() => None,
        Err(payload) => resume_unwind(payload),
    }
}

/// Returns whether the library panics in `f`.
pub(crate) fn refuses(f: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(f)).is_err()
}

#[derive(Debug)]
pub(crate) struct Value {
    tracked: Tracked,
    heap: Box<usize>,
}

impl Value {
    pub(crate) fn new(number: usize) -> Self {
        Self {
            tracked: Tracked::new(number),
            heap: Box::new(number),
        }
    }

    pub(crate) fn get(&self) -> usize {
        let number = self.tracked.get();
        assert_eq!(number, *self.heap, "half written");
        number
    }

    pub(crate) fn set(&mut self, number: usize) {
        self.tracked.set(number);
        // In new memory, so that a sanitizer reports a reader of the old value.
        drop(mem::replace(&mut self.heap, Box::new(number)));
    }
}

impl Clone for Value {
    fn clone(&self) -> Self {
        burn();
        Self::new(self.get())
    }

    fn clone_from(&mut self, source: &Self) {
        self.set(POISON);
        burn();
        self.set(source.get());
    }
}

/// An operation that adds, and may panic halfway.
#[derive(Debug)]
pub(crate) struct Add(pub(crate) usize);

impl Operation<Value> for Add {
    fn apply(&mut self, value: &mut Value, (): &()) {
        let sum = value.get().wrapping_add(self.0);
        value.set(POISON);
        burn();
        value.set(sum);
    }
}
