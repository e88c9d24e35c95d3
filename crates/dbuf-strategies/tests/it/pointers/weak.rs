//! Weak readers.

use std::cell::RefCell;
use std::mem::forget;
use std::sync::{Arc, Weak};

use dbuf_strategies::core::{Closed, DoubleBuffer, Reader, Strategy, WeakReader, arc, rc};
use dbuf_strategies::{EpochStrategy, LocalStrategy};

pub(super) fn weak_readers_see_until_the_end<S: Strategy>(new: fn() -> S) {
    let (mut writer, strong) = arc(1, 2, new());
    let weak = writer.weak_reader();
    let clone = weak.clone();
    assert_eq!(*weak.try_read().unwrap(), 1);
    assert!(writer.start_swap());
    assert_eq!(*weak.try_read().unwrap(), 2);
    assert!(!weak.is_closed());
    drop(writer);
    assert!(weak.is_closed(), "no writer is claimed");
    assert_eq!(*weak.try_read().unwrap(), 2);
    let guard = clone.try_read().unwrap();
    drop(strong);
    // The guard keeps the buffer alive, for every reader.
    assert_eq!((*guard, *weak.try_read().unwrap()), (2, 2));
    drop(guard);
    assert_eq!(weak.try_read().unwrap_err(), Closed);
    assert_eq!(clone.try_read().unwrap_err(), Closed);
    let born_closed = weak.clone();
    assert_eq!(born_closed.try_read().unwrap_err(), Closed);
    assert!(born_closed.is_closed());
}

#[test]
fn weak_reader_of_an_rc_sees_until_the_end() {
    let (writer, reader) = rc(1, 2, LocalStrategy::new());
    let weak = writer.weak_reader();
    assert_eq!(*weak.try_read().unwrap(), 1);
    drop((writer, reader));
    assert_eq!(weak.try_read().unwrap_err(), Closed);
}

pub(super) fn weak_readers_outlive_the_strategy<S: Strategy>(new: fn() -> S) {
    let (mut writer, reader) = arc(1, 2, new());
    let weak: WeakReader<i32, S> = writer.weak_reader();
    forget(weak.try_read());
    writer.start_swap();
    drop((writer, reader));
    // The forgotten guard pins the buffer: it leaks, and nothing breaks.
    assert_eq!(*weak.try_read().unwrap(), 2);
}

/// The value owns a weak reader of its own buffer. It is made before the buffer,
/// and outlives the strategy beside it.
#[test]
fn value_may_own_a_weak_reader_of_its_own_buffer() {
    type WeakNode = WeakReader<Node, EpochStrategy>;
    struct Node {
        value: u32,
        myself: RefCell<Option<WeakNode>>,
    }
    let buffer = Arc::new_cyclic(|weak: &Weak<DoubleBuffer<Node, EpochStrategy>>| {
        let early = Reader::new(weak.clone());
        assert!(early.try_read().is_err());
        let node = |value, reader| Node {
            value,
            myself: RefCell::new(reader),
        };
        DoubleBuffer::new(node(1, Some(early)), node(2, None), EpochStrategy::new())
    });
    {
        let reader = Reader::new(Arc::clone(&buffer));
        let guard = reader.read();
        // It cannot read when it is made, and can once the buffer is there.
        let early = guard.myself.take().unwrap();
        assert_eq!(early.try_read().unwrap().value, 1);
        *guard.myself.borrow_mut() = Some(early);
    }
    assert_eq!(Arc::strong_count(&buffer), 1);
    drop(buffer);
}
