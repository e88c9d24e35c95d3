//! A static map in destructors of thread locals: reads, writes, and guards that are still held
//! when their thread ends.

use std::cell::{Cell, RefCell};
use std::sync::{Arc, Barrier, LazyLock, Mutex, MutexGuard, mpsc};
use std::thread;
use std::time::Duration;

use dbuf_hashmap::{ConcurrentHashMap, Snapshot};

type Map = ConcurrentHashMap<u32, u32>;

static MAP: LazyLock<Map> = LazyLock::new(Map::default);
/// A map that is first used by a destructor.
static FRESH: LazyLock<Map> = LazyLock::new(Map::default);

const ROUNDS: u32 = if cfg!(miri) { 2 } else { 100 };

/// Runs one test at a time, since they count the stragglers of one map.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Uses the map in every way; the writer sees its own change.
fn use_map(map: &Map, key: u32) {
    let before = map.get_cloned(&key).unwrap_or(0);
    assert_eq!(map.insert(key, before + 1).unwrap_or(0), before);
    assert_eq!(map.get(&key).as_deref(), Some(&(before + 1)));
    assert_eq!(map.update(&key, |n| *n += 1), Some(()));
    let mut batch = map.write();
    batch.update(&key, |n| *n += 1);
    batch.publish();
    assert_eq!(map.read().get(&key), Some(&(before + 3)));
    assert_eq!(
        map.transact(|batch| Err::<(), _>(batch.remove(&key))),
        Err(Some(before + 3))
    );
    if let Some(mut batch) = map.write_timeout(Duration::from_secs(600)) {
        batch.update(&key, |n| *n += 1);
    }
    assert_eq!(map.get_with(&key, |n| *n), Some(before + 4));
}

/// Uses a map when it is dropped, and reports it; a panic there would abort the process.
struct Uses {
    map: Cell<Option<&'static LazyLock<Map>>>,
    key: Cell<u32>,
    done: RefCell<Option<mpsc::Sender<u32>>>,
}

impl Uses {
    const fn new() -> Self {
        Self {
            map: Cell::new(None),
            key: Cell::new(0),
            done: RefCell::new(None),
        }
    }

    /// Gives the destructor something to do.
    fn prepare(&self, map: &'static LazyLock<Map>, key: u32, done: &mpsc::Sender<u32>) {
        self.map.set(Some(map));
        self.key.set(key);
        *self.done.borrow_mut() = Some(done.clone());
    }
}

impl Drop for Uses {
    fn drop(&mut self) {
        let (Some(map), Some(done)) = (self.map.get(), self.done.take()) else {
            return;
        };
        use_map(map, self.key.get());
        done.send(self.key.get()).unwrap();
    }
}

thread_local! {
    // Destructors run in the reverse order of first use.
    static FIRST: Uses = const { Uses::new() };
    static SECOND: Uses = const { Uses::new() };
    static HELD: HoldsGuard = const { HoldsGuard(RefCell::new(None)) };
}

/// Some destructors run before the thread's slots are released, and some after.
#[test]
fn a_static_map_is_used_from_destructors() {
    let _alone = alone();
    let threads = 4;
    for round in 0..ROUNDS {
        let (done, all) = mpsc::channel();
        let running: Vec<_> = (0..threads)
            .map(|thread| {
                let done = done.clone();
                thread::spawn(move || {
                    FIRST.with(|uses| uses.prepare(&MAP, 10 + thread, &done));
                    use_map(&MAP, 30 + thread);
                    SECOND.with(|uses| uses.prepare(&MAP, 20 + thread, &done));
                })
            })
            .collect();
        drop(done);
        for thread in running {
            thread.join().unwrap();
        }
        let mut used: Vec<_> = all.iter().collect();
        used.sort_unstable();
        assert_eq!(used, [10, 11, 12, 13, 20, 21, 22, 23]);
        for key in (10..14).chain(20..24).chain(30..34) {
            assert_eq!(MAP.get_cloned(&key), Some(4 * (round + 1)), "key {key}");
        }
    }
    assert_eq!(MAP.stragglers(), 0);
}

#[test]
fn the_first_use_is_in_a_destructor() {
    let _alone = alone();
    let before = MAP.get_cloned(&40).unwrap_or(0);
    for _ in 0..ROUNDS {
        let (done, all) = mpsc::channel();
        // The first use by the thread, and in the first round by any thread.
        thread::spawn(move || {
            FIRST.with(|uses| uses.prepare(&FRESH, 40, &done));
            SECOND.with(|uses| uses.prepare(&MAP, 40, &done));
        })
        .join()
        .unwrap();
        assert_eq!(all.iter().collect::<Vec<_>>(), [40, 40]);
    }
    assert_eq!(FRESH.get_cloned(&40), Some(4 * ROUNDS));
    assert_eq!(MAP.get_cloned(&40), Some(before + 4 * ROUNDS));
}

/// Waits at the gate, and then holds a guard until its thread has ended.
struct HoldsGuard(RefCell<Option<Held>>);

type Held = (Snapshot<'static, u32, u32>, Arc<Barrier>);

impl Drop for HoldsGuard {
    fn drop(&mut self) {
        if let Some((guard, gate)) = self.0.take() {
            gate.wait();
            gate.wait();
            drop(guard);
        }
    }
}

/// Lets the other thread end, even if a check fails.
struct OpensWhenDropped(Arc<Barrier>);

impl Drop for OpensWhenDropped {
    fn drop(&mut self) {
        self.0.wait();
    }
}

/// A guard in a thread local is released at some point of the thread's end; a thread that starts
/// before that inherits neither the guard nor the refusal to write.
#[test]
fn a_guard_in_a_thread_local_is_released_and_not_inherited() {
    let _alone = alone();
    for round in 0..ROUNDS {
        for touched_first in [true, false] {
            // The last publish is finished, so one more waits for no guard.
            assert_eq!(MAP.stragglers(), 0);
            let gate = Arc::new(Barrier::new(2));
            let at_exit = Arc::clone(&gate);
            let ends = thread::spawn(move || {
                if touched_first {
                    HELD.with(|held| assert!(held.0.borrow().is_none()));
                }
                let guard = MAP.read();
                HELD.with(|held| *held.0.borrow_mut() = Some((guard, at_exit)));
            });
            // The closure has returned and the guard is alive; the thread's slots are released if
            // the local was touched first.
            gate.wait();
            thread::spawn(move || {
                assert_eq!(FRESH.get_cloned(&1000), None);
                let gate = OpensWhenDropped(gate);
                MAP.insert(1000, round);
                assert_eq!(MAP.get_cloned(&1000), Some(round));
                assert_eq!(MAP.stragglers(), 1);
                assert!(MAP.try_write().is_none());
                drop(gate);
                // Waits for the destructor.
                MAP.insert(1000, round + 1);
            })
            .join()
            .unwrap();
            ends.join().unwrap();
        }
    }
    assert_eq!((MAP.stragglers(), MAP.queued_writers()), (0, 0));
}
