//! Pointers that hand the buffer back.

use std::cell::Cell;
use std::mem::forget;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use dbuf_strategies::core::{Closed, DoubleBuffer, Strategy, arc, rc, split};
use dbuf_strategies::{LocalStrategy, LockStrategy};

use crate::common::hooked::{Hooked, Hooks};

pub(super) fn buffers_come_out_of_every_strategy<S: Strategy>(new: fn() -> S) {
    let (mut writer, reader) = arc("a", "b", new());
    writer.start_swap();
    let writer = writer.try_into_buffers().unwrap_err();
    drop(reader);
    assert_eq!(writer.try_into_buffers().unwrap(), ("b", "a"));

    let (writer, reader) = rc("a", "b", new());
    drop(reader);
    assert_eq!(writer.try_into_buffers().unwrap(), ("a", "b"));

    let buffer = DoubleBuffer::new("a", "b", new());
    let (writer, reader) = split(triomphe::Arc::new(buffer)).unwrap();
    let writer = writer.try_into_buffers().unwrap_err();
    drop(reader);
    assert_eq!(writer.try_into_buffers().unwrap(), ("a", "b"));

    // The buffer by value, after its handles are gone, while a swap is unfinished.
    let buffer = DoubleBuffer::new("a", "b", new());
    let (mut writer, reader) = split(&buffer).unwrap();
    forget(reader.read());
    writer.start_swap();
    forget(writer);
    drop(reader);
    assert_eq!(buffer.into_buffers(), ("b", "a"));
}

/// A pointer does not get its buffer while another one lives (weak readers do not count), and
/// values are dropped once.
#[test]
fn buffers_are_dropped_once() {
    let drops = Rc::new(Cell::new(0));
    struct Counts(Rc<Cell<u32>>);
    impl Drop for Counts {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }
    let counts = || Counts(Rc::clone(&drops));
    let (writer, reader) = rc(counts(), counts(), LocalStrategy::new());
    let weak = writer.weak_reader();
    drop(reader);
    let both = writer.try_into_buffers().ok().unwrap();
    assert_eq!(weak.try_read().err(), Some(Closed));
    assert_eq!(drops.get(), 0);
    drop(both);
    assert_eq!(drops.get(), 2);
    let (writer, reader) = rc(counts(), counts(), LocalStrategy::new());
    drop(writer);
    assert_eq!(drops.get(), 2);
    drop(reader);
    assert_eq!(drops.get(), 4);
}

/// Counts how often a claim was released.
struct Released(Arc<AtomicUsize>);

impl Hooks for Released {
    type InReader = ();

    fn new_reader(&self) {}
    fn on_release_writer(&self) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// Kills "`try_into_buffers` drops the token".
#[test]
fn taking_the_buffers_ends_the_claim() {
    let released = Arc::new(AtomicUsize::new(0));
    let strategy = Hooked(LockStrategy::new(), Released(Arc::clone(&released)));
    let (writer, reader) = arc(1, 2, strategy);
    let Err(writer) = writer.try_into_buffers() else {
        panic!("a reader has a pointer");
    };
    assert_eq!(released.load(SeqCst), 0);
    drop(reader);
    let Ok(buffers) = writer.try_into_buffers() else {
        panic!("this is the only pointer");
    };
    assert_eq!((buffers, released.load(SeqCst)), ((1, 2), 1));
}
