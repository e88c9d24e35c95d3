//! What goes wrong in chapter 2, and how it shows.
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests always have std"
)]

use std::cell::Cell;
use std::mem;
use std::rc::Rc;

use dbuf_core::{ClaimError, DoubleBuffer, Side, Writer};
use dbuf_strategies::LocalStrategy;

/// The counts of the chapter. They swap whenever they are told to.
struct Places {
    front: Cell<Side>,
    guards: [Cell<usize>; 2],
}

impl Places {
    fn new() -> Self {
        Self {
            front: Cell::new(Side::A),
            guards: [Cell::new(0), Cell::new(0)],
        }
    }

    fn guards_on(&self, side: Side) -> usize {
        self.guards[side as usize].get()
    }

    fn enter(&self) -> Side {
        let side = self.front.get();
        self.guards[side as usize].set(self.guards_on(side) + 1);
        side
    }

    fn leave(&self, side: Side) {
        self.guards[side as usize].set(self.guards_on(side) - 1);
    }

    fn swap(&self) {
        self.front.set(self.front.get().third(Side::C));
    }

    /// Whether the writer would be given the back.
    fn back_is_free(&self) -> bool {
        self.guards_on(self.front.get().third(Side::C)) == 0
    }
}

/// A guard that does not know where it stands.
struct Nameless<'p>(&'p Places);

impl<'p> Nameless<'p> {
    fn enter(places: &'p Places) -> Self {
        places.enter();
        Self(places)
    }
}

impl Drop for Nameless<'_> {
    fn drop(&mut self) {
        self.0.leave(self.0.front.get());
    }
}

/// A guard that does.
struct Named<'p>(&'p Places, Side);

impl<'p> Named<'p> {
    fn enter(places: &'p Places) -> Self {
        Self(places, places.enter())
    }
}

impl Drop for Named<'_> {
    fn drop(&mut self) {
        self.0.leave(self.1);
    }
}

#[test]
fn guard_that_asks_for_the_front_takes_back_the_wrong_count() {
    let places = Places::new();
    let old = Nameless::enter(&places);
    places.swap();
    let _new = Nameless::enter(&places);
    drop(old);
    assert_eq!(places.guards_on(Side::A), 1, "counted, and nobody is there");
    assert!(!places.back_is_free());
    assert_eq!(places.guards_on(Side::B), 0, "`_new` is there");
    places.swap();
    assert!(places.back_is_free(), "the writer is let in under `_new`");
}

#[test]
fn guard_that_names_its_side_takes_back_its_own() {
    let places = Places::new();
    let old = Named::enter(&places);
    places.swap();
    let new = Named::enter(&places);
    drop(old);
    assert_eq!(places.guards_on(Side::A), 0);
    assert!(places.back_is_free());
    assert_eq!(places.guards_on(Side::B), 1);
    places.swap();
    assert!(!places.back_is_free());
    drop(new);
    assert!(places.back_is_free());
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
