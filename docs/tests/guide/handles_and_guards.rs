//! What goes wrong in chapter 2.
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests always have std"
)]

use std::cell::Cell;
use std::mem;
use std::rc::Rc;

use dbuf_core::{ClaimError, DoubleBuffer, Writer};
use dbuf_strategies::LocalStrategy;

/// The chapter's counts, with a swap that is never refused.
struct Counts {
    front: Cell<usize>,
    guards: [Cell<usize>; 2],
}

impl Counts {
    fn new() -> Self {
        Self {
            front: Cell::new(0),
            guards: [Cell::new(0), Cell::new(0)],
        }
    }

    fn guards_on(&self, side: usize) -> usize {
        self.guards[side].get()
    }

    fn enter(&self) -> usize {
        let side = self.front.get();
        self.guards[side].set(self.guards_on(side) + 1);
        side
    }

    fn leave(&self, side: usize) {
        self.guards[side].set(self.guards_on(side) - 1);
    }

    fn swap(&self) {
        self.front.set(1 - self.front.get());
    }

    /// Returns whether the writer would get the back.
    fn back_is_free(&self) -> bool {
        self.guards_on(1 - self.front.get()) == 0
    }
}

/// A guard that does not know its side.
struct Nameless<'c>(&'c Counts);

impl<'c> Nameless<'c> {
    fn enter(counts: &'c Counts) -> Self {
        counts.enter();
        Self(counts)
    }
}

impl Drop for Nameless<'_> {
    fn drop(&mut self) {
        self.0.leave(self.0.front.get());
    }
}

/// A guard that knows its side.
struct Named<'c>(&'c Counts, usize);

impl<'c> Named<'c> {
    fn enter(counts: &'c Counts) -> Self {
        Self(counts, counts.enter())
    }
}

impl Drop for Named<'_> {
    fn drop(&mut self) {
        self.0.leave(self.1);
    }
}

#[test]
fn guard_that_asks_for_the_front_takes_back_the_wrong_count() {
    let counts = Counts::new();
    let old = Nameless::enter(&counts);
    counts.swap();
    let _new = Nameless::enter(&counts);
    drop(old);
    assert_eq!(counts.guards_on(0), 1, "counts a guard that is gone");
    assert!(!counts.back_is_free());
    assert_eq!(counts.guards_on(1), 0, "does not count `_new`");
    counts.swap();
    assert!(
        counts.back_is_free(),
        "the writer gets the side that `_new` reads"
    );
}

#[test]
fn guard_that_names_its_side_takes_back_its_own() {
    let counts = Counts::new();
    let old = Named::enter(&counts);
    counts.swap();
    let new = Named::enter(&counts);
    drop(old);
    assert_eq!(counts.guards_on(0), 0);
    assert!(counts.back_is_free());
    assert_eq!(counts.guards_on(1), 1);
    counts.swap();
    assert!(!counts.back_is_free());
    drop(new);
    assert!(counts.back_is_free());
}

#[test]
fn forgotten_guard_holds_the_writer_up() {
    let (mut writer, reader) = dbuf_core::rc(1, 0, LocalStrategy::new());
    mem::forget(reader.read());
    *writer.try_back_mut().unwrap() = 2;
    assert!(writer.start_swap());
    assert_eq!(*reader.read(), 2);
    drop(reader);
    assert!(writer.try_back_mut().is_none());
    assert_eq!(writer.stragglers(), 1);
}

#[test]
fn writer_is_claimed_once() {
    let buffer = Rc::new(DoubleBuffer::new(1, 0, LocalStrategy::new()));
    let writer = Writer::claim(Rc::clone(&buffer)).unwrap();
    assert_eq!(Writer::claim(Rc::clone(&buffer)).unwrap_err(), ClaimError);
    drop(writer);
    let writer = Writer::claim(Rc::clone(&buffer)).unwrap();
    mem::forget(writer);
    assert_eq!(Writer::claim(buffer).unwrap_err(), ClaimError);
}
