//! Tasks whose closure panics.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use dbuf_hashmap::ConcurrentHashMap;

/// What values refer to: the map that their destructors use, and how that ended.
#[derive(Default)]
struct Probe {
    map: Mutex<Option<ConcurrentHashMap<u32, Mortal>>>,
    served: AtomicUsize,
    refused: AtomicUsize,
}

#[derive(Clone)]
struct Mortal(Arc<Probe>);

impl Drop for Mortal {
    fn drop(&mut self) {
        let map = self.0.map.lock().unwrap().clone();
        let Some(map) = map else { return };
        let outcome = match catch_unwind(AssertUnwindSafe(|| map.publish())) {
            Ok(_) => &self.0.served,
            Err(_) => &self.0.refused,
        };
        outcome.fetch_add(1, SeqCst);
    }
}

/// Detects a thread that is registered as the lock's owner for longer than it holds the lock.
/// Destructors would be refused then, which aborts the process while a panic unwinds, and the
/// registration of the next owner would be removed.
#[test]
fn values_dropped_by_a_panicked_change_may_write_to_the_map() {
    let probe = Arc::new(Probe::default());
    let value = || Mortal(Arc::clone(&probe));
    let map = ConcurrentHashMap::new();
    map.insert(1, value());
    map.insert(1, value());
    *probe.map.lock().unwrap() = Some(map.clone());
    // This write drops the replaced value from the other copy.
    let task = map.update_async(&1, |_| resume_unwind(Box::new("expected")));
    let result: Result<Option<()>, _> = catch_unwind(AssertUnwindSafe(|| pollster::block_on(task)));
    assert!(result.is_err());
    let outcomes = [&probe.served, &probe.refused].map(|count| count.load(SeqCst));
    // Breaks the reference cycle from the map to its values and back.
    *probe.map.lock().unwrap() = None;
    assert_eq!(outcomes, [1, 0], "served, refused");
    assert_eq!(map.len(), 1);
}
