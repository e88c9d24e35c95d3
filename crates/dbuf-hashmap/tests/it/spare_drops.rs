//! User code and the spare side of a map.

#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    clippy::type_complexity,
    clippy::collapsible_if,
    reason = "tests always have std, and plain steps"
)]

use std::cell::Cell;
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use dbuf_hashmap::{Builder, ConcurrentHashMap, OnStraggler};

thread_local! {
    /// The next destructor writes to the map.
    static ARMED: Cell<bool> = const { Cell::new(false) };
}

fn impatient() -> Builder {
    Builder::new().on_straggler(OnStraggler::Spare {
        after: Duration::ZERO,
        up_to: usize::MAX,
    })
}

/// The last straggler is released while the published copy is cloned because of it. The clone is
/// not needed then, and its destructors may use the map like any other.
#[test]
fn clone_that_is_not_needed_is_dropped_with_no_lock_held() {
    static MAP: OnceLock<ConcurrentHashMap<u32, Value>> = OnceLock::new();
    static LEAVE: OnceLock<(
        std::sync::Mutex<Sender<()>>,
        std::sync::Mutex<std::sync::mpsc::Receiver<()>>,
    )> = OnceLock::new();

    struct Value(u32);

    impl Clone for Value {
        fn clone(&self) -> Self {
            if let Some((leave, left)) = LEAVE.get() {
                if self.0 == 1 {
                    if leave.lock().unwrap().send(()).is_ok() {
                        left.lock().unwrap().recv().unwrap();
                        ARMED.set(true);
                    }
                }
            }
            Self(self.0)
        }
    }

    impl Drop for Value {
        fn drop(&mut self) {
            if ARMED.replace(false) {
                MAP.get().unwrap().insert(100, Value(100));
            }
        }
    }

    let map = MAP.get_or_init(|| impatient().build_concurrent());
    map.insert(1, Value(1));
    map.insert(2, Value(2)); // both copies have 1
    let (leave, may_leave) = channel();
    let (has_left, left) = channel();
    let (entered, is_entered) = channel();
    let reader = thread::spawn(move || {
        let guard = map.read();
        entered.send(()).unwrap();
        may_leave.recv().unwrap();
        drop(guard);
        drop(may_leave);
        has_left.send(()).unwrap();
    });
    is_entered.recv().unwrap();
    map.insert(3, Value(3));
    LEAVE
        .set((leave.into(), left.into()))
        .unwrap_or_else(|_| unreachable!());
    map.insert(4, Value(4)); // makes a clone that is not needed
    reader.join().unwrap();
    assert!(map.contains_key(&100));
}

/// Garbage of a batch stays in the copy that it publishes, until the next batch on that copy. If
/// the copy is set aside instead, the garbage is still dropped with no lock held.
#[test]
fn garbage_of_a_copy_that_was_set_aside_is_dropped_with_no_lock_held() {
    static MAP: OnceLock<ConcurrentHashMap<Key, u32>> = OnceLock::new();

    #[derive(Clone, PartialEq, Eq, Hash)]
    struct Key(u32);

    impl Drop for Key {
        fn drop(&mut self) {
            if self.0 == 1 && ARMED.replace(false) {
                MAP.get().unwrap().insert(Key(100), 100);
            }
        }
    }

    let map = MAP.get_or_init(|| impatient().build_concurrent());
    map.insert(Key(1), 1);
    map.insert(Key(2), 2);
    let mut batch = map.write();
    *batch.get_mut(&Key(1)).unwrap() = 10;
    batch.remove(&Key(1));
    batch.publish();
    let kept = map.read();
    map.insert(Key(3), 3);
    map.insert(Key(4), 4); // sets aside the copy that `kept` holds
    assert_eq!(map.spare_stragglers(), 1);
    map.insert(Key(5), 5); // every other copy of key 1 is dropped by now
    drop(kept);
    ARMED.set(true);
    map.insert(Key(6), 6);
    assert!(
        map.contains_key(&Key(100)) || ARMED.get(),
        "this is not the case to test"
    );
}
