//! What the buffer holds: poisoned while it is written, in memory that every write
//! replaces, and with a fuse in its clones.

use std::cell::Cell;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use dbuf_core::Operation;
use dbuf_testing::Tracked;

/// Nobody may ever see it.
pub(crate) const POISON: usize = 0xDEAD_DEAD;

thread_local! {
    /// So many more calls of user code, and one panics. 0: none does.
    static FUSE: Cell<u32> = const { Cell::new(0) };
}

/// What a panic on purpose carries.
struct Burnt;

pub(crate) fn arm(fuse: u32) {
    FUSE.set(fuse);
}

fn burn() {
    let left = FUSE.get();
    if left > 0 {
        FUSE.set(left - 1);
        if left == 1 {
            unwind();
        }
    }
}

/// A panic on purpose, without its message.
pub(crate) fn unwind() -> ! {
    resume_unwind(Box::new(Burnt))
}

/// What `f` returns, or `None` if it panicked on purpose. Any other panic goes on.
pub(crate) fn caught<R>(f: impl FnOnce() -> R) -> Option<R> {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(result) => Some(result),
        Err(payload) if payload.is::<Burnt>() => None,
        Err(payload) => resume_unwind(payload),
    }
}

/// Whether `f` is refused by a panic of the library.
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
        // Elsewhere: who still looks at the old place is found out.
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

/// Adds, and may panic halfway.
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
