//! How batches end, and what panics leave behind.

use core::cell::Cell;
use core::hash::{Hash, Hasher};
use core::mem;
use core::panic::AssertUnwindSafe;
use std::panic::{catch_unwind, resume_unwind};
use std::thread;

use dbuf_hashmap::strategies::{LocalStrategy, LockStrategy};
use dbuf_hashmap::{Builder, MapGuard, Reader, Strategy, Writer};

/// Unwinds without the message of a panic.
fn unwind() -> ! {
    resume_unwind(Box::new("expected"))
}

fn unwinds(f: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(f)).is_err()
}

/// 0 to 9, each its own double.
fn doubles() -> (Writer<u32, u32>, Reader<u32, u32>) {
    let (mut writer, reader) = dbuf_hashmap::new();
    let mut batch = writer.write();
    for n in 0..10 {
        batch.insert(n, 2 * n);
    }
    batch.publish();
    (writer, reader)
}

fn assert_doubles(map: MapGuard<'_, u32, u32>) {
    assert_eq!(map.len(), 10);
    assert!(map.iter().all(|(n, double)| *double == 2 * n));
}

/// Both copies are equal, and two more batches work.
fn assert_goes_on(mut writer: Writer<u32, u32>, reader: &Reader<u32, u32>) {
    for n in [100, 101] {
        let mut batch = writer.write();
        assert_eq!(batch.as_map(), batch.published());
        batch.insert(n, n);
        batch.publish();
        assert_eq!(reader.read().get(&n), Some(&n));
    }
    let batch = writer.write();
    assert_eq!(batch.as_map(), batch.published());
}

#[test]
fn closures_run_once() {
    let (mut writer, reader) = doubles();
    let (mut updates, mut looks) = (0, 0);
    let mut batch = writer.write();
    batch.update(&3, |n| {
        updates += 1;
        *n = 0;
    });
    batch.update(&77, |_| unreachable!("there is no such key"));
    batch.retain(|k, _| {
        looks += 1;
        k % 2 == 1
    });
    batch.publish();
    writer.catch_up();
    assert_eq!((updates, looks), (1, 10));
    assert_eq!(reader.read()[&3], 0);
    assert_goes_on(writer, &reader);
}

#[test]
fn retain_that_decides_by_chance_leaves_the_copies_equal() {
    let (mut writer, reader) = doubles();
    let coin = Cell::new(1_u32);
    let toss = || {
        coin.set(
            coin.get()
                .wrapping_mul(1_664_525)
                .wrapping_add(1_013_904_223),
        );
        coin.get() >> 31 == 0
    };
    for _ in 0..3 {
        writer.write().retain(|_, _| toss());
        let left = reader.read().len();
        writer.catch_up();
        assert_eq!(writer.write().len(), left);
    }
    assert_goes_on(writer, &reader);
}

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
    assert_doubles(reader.read());
    assert_doubles_again(&mut writer, &reader);
    assert_goes_on(writer, &reader);
}

fn assert_doubles_again(writer: &mut Writer<u32, u32>, reader: &Reader<u32, u32>) {
    assert!(!writer.has_pending());
    assert_eq!(writer.write().as_map(), reader.read().as_map());
    assert_doubles(reader.read());
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
fn forgotten_batch_is_rolled_back() {
    let (mut writer, reader) = doubles();
    let mut batch = writer.write();
    batch.insert(50, 50);
    batch.remove(&1);
    mem::forget(batch);
    assert!(!writer.publish());
    assert_doubles_again(&mut writer, &reader);
    assert_goes_on(writer, &reader);
}

#[test]
fn deferred_changes_are_published_together() {
    let (mut writer, reader) = doubles();
    let mut batch = writer.write();
    batch.insert(50, 50);
    batch.defer();
    let mut batch = writer.write();
    assert_eq!(batch.get(&50), Some(&50));
    batch.remove(&1);
    batch.defer();
    assert!(writer.has_pending());
    assert_doubles(reader.read());
    assert!(writer.publish());
    assert!(!writer.publish());
    assert_eq!(reader.read().len(), 10);
    assert!(reader.read().contains_key(&50));
    assert_goes_on(writer, &reader);
}

#[test]
fn batch_that_changes_nothing_publishes_nothing() {
    let (mut writer, reader) = doubles();
    let version = writer.version();
    let mut batch = writer.write();
    assert_eq!(batch.remove(&50), None);
    assert_eq!(batch.update(&50, |_| ()), None);
    batch.retain(|_, _| true);
    batch.publish();
    assert_eq!(writer.version(), version);
    writer.write().clear();
    assert_eq!(writer.version(), version + 1);
    writer.write().clear();
    assert_eq!(writer.version(), version + 1);
    assert_eq!(reader.read().version(), version + 1);
}

#[test]
fn transaction_is_all_or_nothing() {
    let (mut writer, reader) = doubles();
    let refused = writer.transact(|batch| {
        batch.clear();
        Err::<(), _>("no")
    });
    assert_eq!(refused, Err("no"));
    assert_doubles_again(&mut writer, &reader);
    assert!(unwinds(|| {
        let _ = writer.transact::<(), ()>(|batch| {
            batch.clear();
            unwind();
        });
    }));
    assert_doubles_again(&mut writer, &reader);
    assert_eq!(writer.transact(|batch| batch.remove(&1).ok_or(())), Ok(2));
    assert!(!reader.read().contains_key(&1));
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

#[test]
fn guard_in_the_way_refuses_a_batch_until_it_is_dropped() {
    fn check<S: Strategy + Default>() {
        let (mut writer, reader) = Builder::new().strategy(S::default()).build();
        let first = reader.read();
        writer.try_write().unwrap().insert(1, 1);
        assert!(writer.try_write().is_none());
        assert_eq!(writer.stragglers(), 1);
        // A nested read sees the newest, and is in nobody's way.
        let second = reader.read();
        assert_eq!((first.len(), second.len()), (0, 1));
        drop(first);
        assert_eq!(writer.try_write().unwrap().len(), 1);
        assert_eq!((second.version(), writer.stragglers()), (1, 0));
    }
    check::<LockStrategy>();
    check::<LocalStrategy>();
    check::<dbuf_hashmap::DefaultStrategy>();
}

#[test]
#[should_panic = "not fresh"]
fn strategy_with_a_writer_is_refused() {
    let strategy = LockStrategy::new();
    // A claim ends by `release_writer` only.
    let _claim = strategy.try_claim_writer().unwrap();
    let _ = Builder::new().strategy(strategy).build::<u32, u32>();
}

#[test]
fn debug_never_waits() {
    let (mut writer, reader) = doubles();
    let guard = reader.read();
    let mut batch = writer.write();
    batch.insert(10, 20);
    let shown = format!("{batch:?} {reader:?} {:?}", batch.published());
    assert!(shown.contains("len: 11") && shown.contains("9: 18"));
    batch.publish();
    // `guard` is in the way of the next batch, and of nothing here.
    let shown = format!("{writer:?} {reader:?} {guard:?} {:?}", reader.get(&10));
    assert!(shown.contains("9: 18") && shown.ends_with("Some(20)"));
}
