//! What the suite does not test for every pointer: a user's pointer, weak readers, owning
//! pointers, `static` buffers, and which types are `Send` and `Sync`.

mod owning;
mod traits;
mod weak;

use std::mem::forget;
use std::ops::Deref;
use std::rc::Rc;
use std::thread;

use dbuf_strategies::core::{BufferPtr, DoubleBuffer, ReadGuard, Reader, Strategy, Writer, arc};
use dbuf_strategies::{CountStrategy, EpochStrategy, FlashStrategy, LocalStrategy, LockStrategy};
use dbuf_testing::suite;
use dbuf_testing::suite::buffer;

use crate::common::{assert_no_guard, elsewhere, with_every_strategy};

/// A user's pointer: an `Rc` with a label.
struct Labelled<B> {
    label: &'static str,
    buffer: Rc<B>,
}

impl<B> Clone for Labelled<B> {
    fn clone(&self) -> Self {
        Self {
            label: self.label,
            buffer: Rc::clone(&self.buffer),
        }
    }
}

impl<B> Labelled<B> {
    fn new(buffer: B) -> Self {
        Self {
            label: "mine",
            buffer: Rc::new(buffer),
        }
    }
}

impl<B> Deref for Labelled<B> {
    type Target = B;

    fn deref(&self) -> &B {
        &self.buffer
    }
}

// SAFETY: the `Rc` inside, which is never given out, keeps P1 to P6.
unsafe impl<T, S: Strategy, X> BufferPtr for Labelled<DoubleBuffer<T, S, X>> {
    type Value = T;
    type Strategy = S;
    type Extras = X;
}

suite!(labelled_epoch: any, blocking => || Labelled::new(buffer(EpochStrategy::new())));
suite!(labelled_local: any => || Labelled::new(buffer(LocalStrategy::new())));

with_every_strategy! { weak:
    weak_readers_see_until_the_end
    weak_readers_outlive_the_strategy
}

with_every_strategy! { local, owning:
    buffers_come_out_of_every_strategy
}

static BUFFER: DoubleBuffer<u32, CountStrategy> = DoubleBuffer::new(1, 1, CountStrategy::new());

#[test]
fn static_buffer_is_claimed_at_run_time() {
    let reader: Reader<&'static _> = Reader::new(&BUFFER);
    elsewhere(|| Writer::claim(&BUFFER).unwrap().store(2));
    assert_eq!(*reader.read(), 2);
}

/// Ten thousand readers come and go, at once and one by one. Slots are reused, and
/// no publish waits for a reader that is gone.
#[test]
fn bug_04_ten_thousand_readers_leave_nothing_behind() {
    let count = if cfg!(miri) { 50 } else { 10_000 };
    fn churn<S: Strategy>(strategy: S, count: usize) {
        let (mut writer, reader) = arc(0, 0, strategy);
        let mut readers: Vec<_> = (0..count).map(|_| reader.clone()).collect();
        for (at, reader) in readers.iter().enumerate() {
            let guard = reader.read();
            if at % 3 == 0 {
                forget(guard);
            }
        }
        writer.start_swap();
        // Drop them neither in the order in which they were made nor in reverse.
        while let Some(last) = readers.len().checked_sub(1) {
            drop(readers.swap_remove((last * 7 + 3) % (last + 1)));
        }
        assert!(
            writer.try_finish(),
            "forgotten guards end with their readers"
        );
        for _ in 0..count {
            drop(reader.clone().read());
        }
        assert_no_guard(&mut writer);
        assert_eq!(*reader.read(), 0);
    }
    churn(EpochStrategy::new(), count);
    churn(FlashStrategy::new(), count);
}

/// Threads read a value through one guard.
#[test]
fn a_guard_is_shared_between_threads() {
    let (mut writer, reader) = arc(vec![1, 2], vec![], EpochStrategy::new());
    let guard = reader.read();
    let part = ReadGuard::map(reader.read(), |list, ()| &list[1]);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| assert_eq!((guard.len(), *part, ReadGuard::version(&guard)), (2, 2, 0)));
        }
        writer.start_swap();
        assert!(!writer.try_finish());
    });
    drop((guard, part));
    assert!(writer.try_finish());
}

/// A guard's own functions do not shadow the value's methods.
#[test]
fn bug_24_guard_methods_do_not_shadow_the_values() {
    let (_writer, reader) = arc(Some(3), None, LockStrategy::new());
    assert_eq!(reader.read().map(|n| n + 1), Some(4));
    assert_eq!(*ReadGuard::map(reader.read(), |value, _| value), Some(3));
}
