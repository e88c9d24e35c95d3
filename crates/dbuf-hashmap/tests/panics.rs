//! What a panic leaves behind.

mod common;

use core::cell::Cell;
use core::hash::{Hash, Hasher};
use std::thread;

use common::{assert_doubles_again, assert_goes_on, doubles, unwind, unwinds};
use dbuf_hashmap::{MapGuard, Writer};

#[test]
fn panic_in_update_rolls_back() {
    let (mut writer, reader) = doubles();
    assert!(unwinds(|| {
        let mut batch = writer.write();
        batch.insert(50, 50);
        batch.update(&1, |n| {
            *n = 99;
            unwind();
        });
    }));
    assert_doubles_again(&mut writer, &reader);
    assert_goes_on(writer, &reader);
}

#[test]
fn panic_in_retain_rolls_back() {
    let (mut writer, reader) = doubles();
    assert!(unwinds(|| {
        let mut calls = 0;
        writer.write().retain(|_, _| {
            calls += 1;
            if calls == 6 {
                unwind();
            }
            calls % 2 == 0
        });
    }));
    assert_doubles_again(&mut writer, &reader);
    assert_goes_on(writer, &reader);
}

#[test]
fn torn_batch_refuses_to_go_on_and_to_publish() {
    let (mut writer, reader) = doubles();
    let mut batch = writer.write();
    assert!(unwinds(|| {
        batch.update(&1, |_| unwind());
    }));
    assert!(unwinds(|| {
        batch.insert(50, 50);
    }));
    assert!(unwinds(|| batch.publish()));
    assert_doubles_again(&mut writer, &reader);
    assert_goes_on(writer, &reader);
}

#[test]
fn panic_between_changes_rolls_back() {
    let (mut writer, reader) = doubles();
    assert!(unwinds(|| {
        let mut batch = writer.write();
        batch.clear();
        unwind();
    }));
    assert_doubles_again(&mut writer, &reader);
    assert_goes_on(writer, &reader);
}

#[test]
fn transaction_inside_an_unwinding_destructor_still_rolls_back() {
    struct Late<'w>(&'w mut Writer<u32, u32>);

    impl Drop for Late<'_> {
        fn drop(&mut self) {
            assert!(thread::panicking());
            // The batch alone would publish: the unwinding began before it.
            assert!(unwinds(|| {
                let _ = self.0.transact::<(), ()>(|batch| {
                    batch.clear();
                    unwind();
                });
            }));
        }
    }

    let (mut writer, reader) = doubles();
    assert!(unwinds(|| {
        let _late = Late(&mut writer);
        unwind();
    }));
    assert_doubles_again(&mut writer, &reader);
    assert_goes_on(writer, &reader);
}

/// Its `Hash`, `Eq` and `Clone` unwind when the fuse has burnt down.
#[derive(Debug)]
struct Fused<'f>(u32, &'f Cell<u32>);

impl Fused<'_> {
    fn burn(&self) {
        let left = self.1.get();
        self.1.set(left.saturating_sub(1));
        if left == 1 {
            unwind();
        }
    }
}

impl Hash for Fused<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.burn();
        // Two groups, so that `Eq` is asked.
        (self.0 % 2).hash(state);
    }
}

impl PartialEq for Fused<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.burn();
        self.0 == other.0
    }
}

impl Eq for Fused<'_> {}

impl Clone for Fused<'_> {
    fn clone(&self) -> Self {
        self.burn();
        Self(self.0, self.1)
    }
}

/// One change of each kind, and both copies changed.
fn change_all<'f>(writer: &mut Writer<Fused<'f>, Fused<'f>>, fuse: &'f Cell<u32>) {
    let key = |n| Fused(n, fuse);
    let mut batch = writer.write();
    batch.insert(key(4), key(4)); // grows, too
    batch.insert(key(0), key(10));
    batch.update(&key(1), |v| v.0 = 11);
    batch.remove(&key(2));
    batch.retain(|k, _| k.0 != 3);
    batch.publish();
    writer.catch_up();
}

fn seen(map: MapGuard<'_, Fused<'_>, Fused<'_>>) -> Vec<(u32, u32)> {
    let mut seen: Vec<_> = map.iter().map(|(k, v)| (k.0, v.0)).collect();
    seen.sort_unstable();
    seen
}

#[test]
fn panic_in_a_key_at_any_point_loses_nothing_published() {
    let (mut old_left, mut new_seen) = (0, 0);
    for burns in 1.. {
        let fuse = Cell::new(0);
        let (mut writer, reader) = dbuf_hashmap::new();
        let mut batch = writer.write();
        for n in 0..4 {
            batch.insert(Fused(n, &fuse), Fused(n, &fuse));
        }
        batch.publish();
        writer.catch_up();

        fuse.set(burns);
        let panicked = unwinds(|| change_all(&mut writer, &fuse));
        let burnt_down = fuse.take() == 0;

        // Either the whole batch or nothing of it.
        let now = seen(reader.read());
        if now == [(0, 0), (1, 1), (2, 2), (3, 3)] {
            assert!(panicked);
            old_left += 1;
        } else {
            assert_eq!(now, [(0, 10), (1, 11), (4, 4)]);
            new_seen += 1;
        }
        // And it works again.
        change_all(&mut writer, &fuse);
        assert_eq!(seen(reader.read()), [(0, 10), (1, 11), (4, 4)]);
        assert_eq!(writer.write().as_map(), reader.read().as_map());
        if !burnt_down {
            assert!(!panicked);
            break;
        }
    }
    // In the batch, and while the other copy caught up.
    assert!(old_left > 5 && new_seen > 5);
}
