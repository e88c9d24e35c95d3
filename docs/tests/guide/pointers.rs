//! What goes wrong in chapter 8.
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests always have std"
)]

use std::cell::Cell;
use std::ops::Deref;
use std::rc::Rc;

use dbuf_core::{BufferPtr, DoubleBuffer, Writer};
use dbuf_strategies::LocalStrategy;

type Buffer = DoubleBuffer<&'static str, LocalStrategy>;

/// Two buffers, and the index of the current one.
struct Both {
    buffers: [Buffer; 2],
    current: Cell<usize>,
}

/// Points to the current one.
#[derive(Clone)]
struct Current(Rc<Both>);

impl Deref for Current {
    type Target = Buffer;

    fn deref(&self) -> &Buffer {
        &self.0.buffers[self.0.current.get()]
    }
}

// SAFETY: none. This is the mistake: changing `current` breaks P1. The test below makes no two
// references that overlap.
unsafe impl BufferPtr for Current {
    type Value = &'static str;
    type Strategy = LocalStrategy;
    type Extras = ();
}

#[test]
fn pointer_that_changes_its_mind_makes_two_writers() {
    let both = Rc::new(Both {
        buffers: [(); 2].map(|()| DoubleBuffer::new("front", "back", LocalStrategy::new())),
        current: Cell::new(0),
    });
    let mut honest = Writer::claim(&both.buffers[1]).expect("unclaimed");
    let mut astray = Writer::claim(Current(Rc::clone(&both))).expect("unclaimed");
    assert!(
        Writer::claim(&both.buffers[1]).is_err(),
        "a buffer has one writer"
    );

    both.current.set(1);
    // Each is an exclusive reference while it is borrowed.
    let theirs: *const _ = honest.try_back_mut().expect("finished");
    let ours: *const _ = astray.try_back_mut().expect("finished");
    assert_eq!(theirs, ours, "this one has two");

    // And the drop ends the claim of the other writer.
    drop(astray);
    assert!(
        Writer::claim(&both.buffers[1]).is_ok(),
        "although `honest` lives"
    );
    assert!(
        Writer::claim(&both.buffers[0]).is_err(),
        "and the first stays claimed forever"
    );
}
