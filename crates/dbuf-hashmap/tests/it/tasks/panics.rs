//! Tasks whose closure panics.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use dbuf_hashmap::ConcurrentHashMap;

/// What values know: the map that they use when they die, and how that went.
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

/// Shows a thread that said that it has the lock for longer than it had it: destructors
/// were refused, which ends the process while a panic unwinds; and what another thread
/// said that had the lock by then was taken back.
#[test]
fn what_dies_with_a_change_that_panicked_may_write_to_the_map() {
    let probe = Arc::new(Probe::default());
    let value = || Mortal(Arc::clone(&probe));
    let map = ConcurrentHashMap::new();
    map.insert(1, value());
    map.insert(1, value());
    *probe.map.lock().unwrap() = Some(map.clone());
    // What was replaced leaves the other copy with this one.
    let task = map.update_async(&1, |_| resume_unwind(Box::new("expected")));
    let result: Result<Option<()>, _> = catch_unwind(AssertUnwindSafe(|| pollster::block_on(task)));
    assert!(result.is_err());
    let outcomes = [&probe.served, &probe.refused].map(|count| count.load(SeqCst));
    // Ends the cycle: map, value, map.
    *probe.map.lock().unwrap() = None;
    assert_eq!(outcomes, [1, 0], "served, refused");
    assert_eq!(map.len(), 1);
}
