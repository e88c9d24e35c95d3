//! Keys and values whose destructors write to their map. None runs under the writers' lock, where
//! the write is refused: that is a panic in `drop`, and two of them abort the process.

use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use dbuf_hashmap::{ConcurrentHashMap, ConcurrentHashSet, Operation};

use crate::common::{unwind, unwinds};

/// What keys and values refer to: the map, and how often it refused them.
#[derive(Default)]
struct Probe {
    map: Mutex<Option<ConcurrentHashMap<Mortal, Mortal>>>,
    set: Mutex<Option<ConcurrentHashSet<Mortal>>>,
    refused: AtomicUsize,
}

/// A key or value whose destructor writes to the map.
struct Mortal(u32, Arc<Probe>);

impl Drop for Mortal {
    fn drop(&mut self) {
        let probe = &self.1;
        let map = probe.map.lock().unwrap().clone();
        let set = probe.set.lock().unwrap().clone();
        let refused = unwinds(|| {
            _ = map.map(|map| map.publish());
            _ = set.map(|set| set.publish());
        });
        probe.refused.fetch_add(usize::from(refused), SeqCst);
    }
}

impl Clone for Mortal {
    fn clone(&self) -> Self {
        Self(self.0, Arc::clone(&self.1))
    }
}

impl PartialEq for Mortal {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Mortal {}

impl Hash for Mortal {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

#[test]
fn no_destructor_runs_under_the_lock() {
    type Map = ConcurrentHashMap<Mortal, Mortal>;
    type Make<'a> = &'a dyn Fn(u32) -> Mortal;
    type Write = fn(&Map, Make<'_>);
    let writes: [(&str, Write); 34] = [
        ("insert", |map, m| _ = map.insert(m(1), m(2))),
        ("remove", |map, m| _ = map.remove(&m(1))),
        ("remove_if", |map, m| _ = map.remove_if(&m(1), |_, _| true)),
        ("update", |map, m| _ = map.update(&m(1), |v| v.0 += 1)),
        ("upsert, there", |map, m| {
            map.upsert(m(1), m(2), |v| v.0 += 1);
        }),
        ("upsert, new", |map, m| {
            map.upsert(m(9), m(2), |v| v.0 += 1);
        }),
        ("upsert_with, there", |map, m| {
            map.upsert_with(m(1), || unreachable!(), |v| v.0 += 1);
        }),
        ("upsert_with, new", |map, m| {
            map.upsert_with(m(9), || m(2), |_| unreachable!());
        }),
        ("try_insert, there", |map, m| _ = map.try_insert(m(1), m(2))),
        ("try_insert, new", |map, m| _ = map.try_insert(m(9), m(2))),
        ("remove_entry", |map, m| _ = map.remove_entry(&m(1))),
        ("remove_if, refused", |map, m| {
            _ = map.remove_if(&m(1), |_, _| false);
        }),
        ("compute, replaced", |map, m| {
            _ = map.compute(m(1), |_| Operation::<_>::Insert(m(2)));
        }),
        ("compute, new", |map, m| {
            _ = map.compute(m(9), |_| Operation::<_>::Insert(m(2)));
        }),
        ("compute, removed", |map, m| {
            _ = map.compute(m(1), |_| Operation::<_>::Remove);
        }),
        ("compute, not there", |map, m| {
            _ = map.compute(m(9), |_| Operation::<_>::Remove);
        }),
        ("compute, aborted", |map, m| {
            _ = map.compute(m(1), |_| Operation::Abort(m(2)));
            _ = map.compute(m(9), |_| Operation::Abort(m(2)));
        }),
        ("entry", |map, m| {
            map.entry(m(1), |entry| {
                entry.and_modify(|v| v.0 += 1).or_insert(m(2)).0
            });
            map.entry(m(9), |entry| entry.or_insert_with(|| m(2)).0);
        }),
        ("drain", |map, _| drop(map.drain())),
        ("catch_up", |map, m| {
            _ = map.remove(&m(1));
            map.catch_up();
        }),
        ("extract_if", |map, _| {
            let mut batch = map.write();
            let taken: Vec<_> = batch.extract_if(|k, _| k.0 > 1).collect();
            batch.publish();
            drop(taken);
        }),
        ("get_or_insert_with, there", |map, m| {
            map.get_or_insert_with(m(1), || m(2));
        }),
        ("get_or_insert_with, pending", |map, m| {
            let mut batch = map.write();
            batch.insert(m(9), m(1));
            batch.defer();
            map.get_or_insert_with(m(9), || m(2));
        }),
        ("retain, some", |map, _| map.retain(|k, _| k.0 != 1)),
        ("retain, none", |map, _| map.retain(|_, _| false)),
        ("retain_mut", |map, _| map.retain_mut(|k, _| k.0 != 1)),
        ("clear", |map, _| map.clear()),
        ("extend", |mut map, m| {
            map.extend([(m(1), m(2)), (m(2), m(2))]);
        }),
        ("transact, refused", |map, m| {
            let refused = map.transact(|batch| {
                std::mem::forget(batch.insert(m(1), m(2)));
                batch.insert(m(9), m(2));
                Err::<(), _>(())
            });
            assert_eq!(refused, Err(()));
        }),
        ("transact, panic", |map, m| {
            assert!(unwinds(|| {
                _ = map.transact(|batch| -> Result<(), ()> {
                    batch.insert(m(9), m(2));
                    unwind()
                });
            }));
        }),
        ("insert, retain_mut", |map, m| {
            let mut batch = map.write();
            batch.insert(m(9), m(2));
            batch.retain_mut(|_, _| true);
            batch.publish();
        }),
        ("rollback", |map, m| {
            let mut batch = map.write();
            batch.insert(m(9), m(2));
            batch.clear();
            batch.rollback();
        }),
        ("upsert, panic", |map, m| {
            let (key, value) = (m(1), m(2));
            assert!(unwinds(|| _ = map.upsert(key, value, |_| unwind())));
        }),
        ("retain, panic", |map, _| {
            assert!(unwinds(|| map.retain(|k, _| if k.0 == 4 {
                unwind()
            } else {
                false
            })));
        }),
    ];
    for (name, write) in writes {
        let probe = Arc::new(Probe::default());
        let make = |n| Mortal(n, Arc::clone(&probe));
        let map: Map = (0..5).map(|n| (make(n), make(n))).collect();
        *probe.map.lock().unwrap() = Some(map.clone());
        write(&map, &make);
        // The other copy catches up.
        map.insert(make(7), make(7));
        map.insert(make(8), make(8));
        assert_eq!(
            probe.refused.load(SeqCst),
            0,
            "refused under the lock: {name}"
        );
        let batch = map.write();
        assert!(
            batch.as_map() == batch.published(),
            "the copies differ: {name}"
        );
        drop(batch);
        *probe.map.lock().unwrap() = None;
    }
}

/// The same for sets, which drop an element that is there already.
#[test]
fn no_destructor_of_an_element_runs_under_the_lock() {
    type Set = ConcurrentHashSet<Mortal>;
    type Make<'a> = &'a dyn Fn(u32) -> Mortal;
    type Write = fn(&Set, Make<'_>);
    let writes: [(&str, Write); 4] = [
        ("insert", |set, m| assert!(!set.insert(m(1)), "it is there")),
        ("remove", |set, m| assert!(set.remove(&m(1)), "it is there")),
        ("retain", |set, _| set.retain(|_| false)),
        ("extend", |mut set, m| set.extend([m(1), m(2), m(9)])),
    ];
    for (name, write) in writes {
        let probe = Arc::new(Probe::default());
        let make = |n| Mortal(n, Arc::clone(&probe));
        let set: Set = (0..5).map(make).collect();
        *probe.set.lock().unwrap() = Some(set.clone());
        write(&set, &make);
        set.insert(make(7));
        set.insert(make(8));
        assert_eq!(
            probe.refused.load(SeqCst),
            0,
            "refused under the lock: {name}"
        );
        *probe.set.lock().unwrap() = None;
    }
}

/// The values write to the map when they are dropped.
#[test]
fn destructors_of_replaced_values_may_write_to_the_map() {
    struct Counts {
        map: Option<Arc<ConcurrentHashMap<u32, Value>>>,
        dropped: Arc<AtomicUsize>,
    }
    struct Value(Arc<Mutex<Counts>>);
    impl Clone for Value {
        fn clone(&self) -> Self {
            Self(Arc::clone(&self.0))
        }
    }
    impl Drop for Value {
        fn drop(&mut self) {
            let (map, dropped) = {
                let counts = self.0.lock().unwrap();
                (counts.map.clone(), Arc::clone(&counts.dropped))
            };
            if dropped.fetch_add(1, SeqCst) < 200
                && let Some(map) = map
            {
                map.remove(&1000);
                map.write().remove(&1001);
            }
        }
    }
    let map = Arc::new(ConcurrentHashMap::new());
    let dropped = Arc::new(AtomicUsize::new(0));
    let counts = Arc::new(Mutex::new(Counts {
        map: Some(Arc::clone(&map)),
        dropped: Arc::clone(&dropped),
    }));
    let value = || Value(Arc::clone(&counts));
    for round in 0..3 {
        for key in 0..4 {
            map.insert(key, value());
            map.insert(key, value());
        }
        map.remove(&0);
        map.update(&1, |_| ());
        map.retain(|key, _| *key != 2);
        map.retain_mut(|key, _| *key != 3);
        map.insert(2, value());
        let mut batch = map.write();
        batch.insert(5, value());
        batch.clear();
        batch.publish();
        map.clear();
        assert!(map.is_empty(), "round {round}");
    }
    let dropped = dropped.load(SeqCst);
    assert!(dropped > 30, "only {dropped} values were dropped");
    // Breaks the reference cycle from the map to its values and back.
    counts.lock().unwrap().map = None;
}
