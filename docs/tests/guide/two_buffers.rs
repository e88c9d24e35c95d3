//! What goes wrong in chapter 1.
#![allow(clippy::std_instead_of_core, reason = "tests always have std")]

use std::cell::{Cell, Ref, RefCell, RefMut};

/// The chapter's buffer, with `borrow_mut`.
struct Buffer<T> {
    copies: [RefCell<T>; 2],
    front: Cell<usize>,
}

impl<T> Buffer<T> {
    fn new(front: T, back: T) -> Self {
        Self {
            copies: [RefCell::new(front), RefCell::new(back)],
            front: Cell::new(0),
        }
    }

    fn read(&self) -> Ref<'_, T> {
        self.copies[self.front.get()].borrow()
    }

    fn back_mut(&self) -> RefMut<'_, T> {
        self.copies[1 - self.front.get()].borrow_mut()
    }

    fn swap(&self) {
        self.front.set(1 - self.front.get());
    }
}

#[test]
#[should_panic(expected = "already borrowed")]
fn borrowed_front_makes_the_back_panic() {
    let buffer = Buffer::new(1, 0);
    let old = buffer.read();
    *buffer.back_mut() = 2;
    buffer.swap();
    assert_eq!((*old, *buffer.read()), (1, 2));
    *buffer.back_mut() = 3;
}

#[test]
#[should_panic(expected = "already mutably borrowed")]
fn back_that_is_kept_across_a_swap_makes_readers_panic() {
    let buffer = Buffer::new(1, 0);
    let mut back = buffer.back_mut();
    *back = 2;
    buffer.swap();
    let _ = buffer.read();
}

#[test]
fn change_made_once_is_gone_after_the_next_swap() {
    let buffer = Buffer::new(vec![], vec![]);
    for value in [1, 2] {
        buffer.back_mut().push(value);
        buffer.swap();
    }
    assert_eq!(*buffer.read(), [2]);
    buffer.swap();
    assert_eq!(*buffer.read(), [1]);
}

#[test]
fn change_made_on_both_copies_stays() {
    let buffer = Buffer::new(vec![], vec![]);
    for value in [1, 2] {
        buffer.back_mut().clone_from(&buffer.read());
        buffer.back_mut().push(value);
        buffer.swap();
    }
    assert_eq!(*buffer.read(), [1, 2]);
}
