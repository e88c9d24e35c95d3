//! User code that panics while the other copy catches up: the copies are equal after that.

use alloc::rc::Rc;
use core::cell::Cell;

use crate::common::{unwind, unwinds};

/// A value whose destructor unwinds once, when the flag is set.
#[derive(Clone, Debug)]
struct Bomb(Rc<Cell<bool>>, u32);

impl Drop for Bomb {
    fn drop(&mut self) {
        if self.0.take() {
            unwind();
        }
    }
}

#[test]
fn bug_14_panicking_drop_in_replay_leaves_the_copies_equal() {
    let armed = Rc::new(Cell::new(false));
    let (mut writer, reader) = dbuf_hashmap::new();
    writer
        .write()
        .extend((0..10).map(|n| (n, Bomb(Rc::clone(&armed), n))));
    writer.catch_up();
    // The batch drops the values of this copy; the other copy drops its own as it catches up.
    let mut batch = writer.write();
    for n in 0..5 {
        batch.insert(n, Bomb(Rc::clone(&armed), n + 100));
        batch.remove(&(n + 5));
    }
    batch.publish();
    armed.set(true);
    assert!(unwinds(|| writer.catch_up()), "the destructor");
    assert!(!armed.get(), "no value was dropped");
    let values = |map: dbuf_hashmap::MapRef<'_, u32, Bomb>| {
        let mut values: Vec<_> = map.values().map(|bomb| bomb.1).collect();
        values.sort_unstable();
        values
    };
    assert_eq!(values(reader.read().as_map()), [100, 101, 102, 103, 104]);
    let batch = writer.write();
    assert_eq!(values(batch.as_map()), [100, 101, 102, 103, 104]);
}

/// Counts its clones. The n-th one unwinds.
#[derive(Debug)]
struct Fragile(u32, Rc<Cell<u32>>);

impl Clone for Fragile {
    fn clone(&self) -> Self {
        let left = self.1.get();
        self.1.set(left.saturating_sub(1));
        if left == 1 {
            unwind();
        }
        Self(self.0, Rc::clone(&self.1))
    }
}

#[test]
fn bug_14_panicking_clone_in_a_resync_is_repaired() {
    let fuse = Rc::new(Cell::new(0));
    let (mut writer, reader) = dbuf_hashmap::new();
    writer
        .write()
        .extend((0..10).map(|n| (n, Fragile(n, Rc::clone(&fuse)))));
    // Every key is rewritten, so the other copy is a clone of the whole map.
    writer.write().retain_mut(|_, v| {
        v.0 += 1;
        true
    });
    for burns in [1, 5, 10] {
        fuse.set(burns);
        assert!(unwinds(|| writer.catch_up()), "clone {burns}");
    }
    writer.catch_up();
    let batch = writer.write();
    for n in 0..10 {
        assert_eq!(
            (reader.read()[&n].0, batch.get(&n).unwrap().0),
            (n + 1, n + 1)
        );
    }
}
