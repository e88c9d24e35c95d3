//! The state of the map after a panic.

mod any_point;
mod replay;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;

use dbuf_hashmap::{ConcurrentHashMap, Writer, WriterBatch};

use crate::common::{assert_doubles_again, assert_goes_on, doubles, unwind, unwinds};

#[test]
fn panic_in_a_batch_rolls_back() {
    type Spoil = fn(&mut WriterBatch<'_, u32, u32>);
    let spoils: [Spoil; 3] = [
        |batch| {
            batch.update(&1, |n| {
                *n = 99;
                unwind();
            });
        },
        |batch| {
            let mut calls = 0;
            batch.retain(|_, _| {
                calls += 1;
                if calls == 6 {
                    unwind();
                }
                calls % 2 == 0
            });
        },
        |batch| {
            batch.clear();
            unwind();
        },
    ];
    for spoil in spoils {
        let (mut writer, reader) = doubles();
        assert!(unwinds(|| {
            let mut batch = writer.write();
            batch.insert(50, 50);
            spoil(&mut batch);
        }));
        assert_doubles_again(&mut writer, &reader);
        assert_goes_on(writer, &reader);
    }
}

#[test]
fn torn_batch_refuses_to_go_on_and_to_publish() {
    let (mut writer, reader) = doubles();
    let mut batch = writer.write();
    assert!(
        unwinds(|| _ = batch.update(&1, |_| unwind())),
        "the closure"
    );
    assert!(unwinds(|| _ = batch.insert(50, 50)), "a torn batch goes on");
    assert!(unwinds(|| batch.publish()), "a torn batch is published");
    assert_doubles_again(&mut writer, &reader);
    assert_goes_on(writer, &reader);
}

#[test]
fn transaction_inside_an_unwinding_destructor_still_rolls_back() {
    struct Late<'w>(&'w mut Writer<u32, u32>);

    impl Drop for Late<'_> {
        fn drop(&mut self) {
            assert!(thread::panicking(), "this is not the case to test");
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

/// The result of a write is dropped if a destructor panics afterwards: that of a value that was
/// removed from the other copy.
#[test]
fn a_result_is_not_lost_to_a_panicking_destructor() {
    struct Bomb(Arc<AtomicUsize>, bool);
    impl Drop for Bomb {
        fn drop(&mut self) {
            self.0.fetch_add(1, SeqCst);
            assert!(!self.1 || thread::panicking(), "dropped");
        }
    }

    let drops = Arc::new(AtomicUsize::new(0));
    let value = |panics| Some(Arc::new(Bomb(Arc::clone(&drops), panics)));
    let map = ConcurrentHashMap::new();
    map.insert(1, value(true));
    map.insert(1, value(false)); // returns a clone; the other copy has the original
    assert!(unwinds(|| drop(map.insert(1, None))), "the destructor");
    map.insert(1, None);
    assert_eq!(drops.load(SeqCst), 2);
}
