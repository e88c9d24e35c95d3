//! Keys and values that panic at any point of a batch, and of the catch-up of the other copy.

use core::cell::Cell;
use core::hash::{Hash, Hasher};
use std::thread;

use dbuf_hashmap::{Entry, Reader, Writer, WriterBatch};

use crate::common::{unwind, unwinds};

/// A value whose `Hash`, `Eq`, `Clone` and `Drop` unwind when the fuse has burnt down.
#[derive(Debug)]
struct Fused<'f>(u32, &'f Cell<u32>);

impl Drop for Fused<'_> {
    fn drop(&mut self) {
        // A second panic would abort the process, as anywhere.
        if !thread::panicking() {
            self.burn();
        }
    }
}

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
        // Two groups of equal hashes, so that `Eq` runs.
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

/// Makes one change of each kind, on both copies.
fn change_all<'f>(writer: &mut Writer<Fused<'f>, Fused<'f>>, fuse: &'f Cell<u32>) {
    // Closures burn the fuse as well.
    let fuse_of = |fused: &Fused<'f>| fused.burn();
    let key = |n| Fused(n, fuse);
    let mut batch = writer.write();
    batch.insert(key(4), key(4)); // also grows the table
    batch.insert(key(0), key(9));
    batch.upsert(key(0), key(9), |v| v.0 = 10);
    batch.update(&key(1), |v| {
        fuse_of(v);
        v.0 = 11;
    });
    batch.remove(&key(2));
    batch.get_or_insert_with(key(5), || key(5));
    if let Entry::Occupied(entry) = batch.entry(key(5)) {
        entry.remove();
    }
    batch.entry(key(7)).or_insert_with(|| key(7)).0 = 70;
    let _ = batch.entry(key(7)).and_modify(|v| {
        fuse_of(v);
        v.0 = 71;
    });
    if let Some(value) = batch.get_mut(&key(7)) {
        value.0 = 72;
    }
    batch.change(&key(0), |v| {
        v.burn();
        v.0 = 10;
    });
    batch.remove(&key(7));
    batch.entry(key(7)).or_insert_with(|| key(7)).0 = 73;
    batch.insert(key(6), key(6));
    batch.remove_entry(&key(6));
    _ = batch.remove_if(&key(1), |k, v| {
        fuse_of(k);
        v.0 == 0
    });
    batch.retain(|k, _| {
        fuse_of(k);
        k.0 != 3
    });
    batch.shrink_to_fit();
    batch.publish();
    writer.catch_up();
    // A batch that is rolled back, and one that follows deferred batches.
    let mut batch = writer.write();
    batch.insert(key(8), key(8));
    batch.defer();
    let mut batch = writer.write();
    batch.remove(&key(8));
    batch.values_mut().for_each(|v| v.0 += 1);
    batch.rollback();
    writer.catch_up();
    // A batch whose copy catches up by a clone of the whole map.
    let mut batch = writer.write();
    batch.retain_mut(|k, _| {
        fuse_of(k);
        true
    });
    batch.publish();
    writer.catch_up();
}

/// Returns the entries, sorted.
fn seen<'m, 'f: 'm>(
    entries: impl IntoIterator<Item = (&'m Fused<'f>, &'m Fused<'f>)>,
) -> Vec<(u32, u32)> {
    let mut seen: Vec<_> = entries.into_iter().map(|(k, v)| (k.0, v.0)).collect();
    seen.sort_unstable();
    seen
}

type Pair<'f> = (Writer<Fused<'f>, Fused<'f>>, Reader<Fused<'f>, Fused<'f>>);

/// Makes a map of the numbers up to `len`, in both copies.
fn numbers(len: u32, fuse: &Cell<u32>) -> Pair<'_> {
    let (mut writer, reader) = dbuf_hashmap::new();
    let entries = (0..len).map(|n| (Fused(n, fuse), Fused(n, fuse)));
    writer.write().extend(entries);
    writer.catch_up();
    (writer, reader)
}

#[test]
fn panic_at_any_point_loses_nothing_published() {
    let (mut old_left, mut new_seen) = (0, 0);
    for burns in 1.. {
        let fuse = Cell::new(0);
        let (mut writer, reader) = numbers(4, &fuse);
        fuse.set(burns);
        let panicked = unwinds(|| change_all(&mut writer, &fuse));
        let burnt_down = fuse.take() == 0;

        // Readers see either the whole batch or nothing of it.
        let now = seen(reader.read().iter());
        if now == [(0, 0), (1, 1), (2, 2), (3, 3)] {
            assert!(panicked, "nothing was published at fuse {burns}");
            old_left += 1;
        } else {
            assert_eq!(now, [(0, 10), (1, 11), (4, 4), (7, 73)]);
            new_seen += 1;
        }
        // The writer works again.
        change_all(&mut writer, &fuse);
        assert_eq!(
            seen(reader.read().iter()),
            [(0, 10), (1, 11), (4, 4), (7, 73)]
        );
        assert_eq!(writer.write().as_map(), reader.read().as_map());
        if !burnt_down {
            assert!(!panicked, "a panic without the fuse");
            break;
        }
    }
    // Panics came in the batch, and while the other copy caught up.
    assert!(old_left > 5, "{old_left} panics in the batch");
    assert!(new_seen > 5, "{new_seen} panics after it");
}

/// `Clone` of a value panics when the batch ends: the caller that ends it gets the panic, the next
/// batch does not, and the batch is rolled back.
#[test]
fn panic_of_a_late_clone_hits_the_caller_that_ends_the_batch() {
    type End = for<'w, 'f> fn(WriterBatch<'w, Fused<'f>, Fused<'f>>);
    let ends: [End; 3] = [
        |batch| batch.publish(),
        |batch| batch.defer(),
        |batch| drop(batch),
    ];
    for end in ends {
        let fuse = Cell::new(0);
        let (mut writer, reader) = numbers(4, &fuse);
        let mut batch = writer.write();
        batch.get_mut(&Fused(1, &fuse)).unwrap().0 = 66;
        batch.get_mut(&Fused(2, &fuse)).unwrap().0 = 66;
        // One comparison finds the key, and then the value is cloned.
        fuse.set(2);
        assert!(unwinds(|| end(batch)), "the caller has no panic");
        fuse.set(0);
        assert!(!writer.has_pending(), "not rolled back");
        for _ in 0..2 {
            assert_eq!(seen(reader.read().iter()), [(0, 0), (1, 1), (2, 2), (3, 3)]);
            assert_eq!(writer.write().as_map(), reader.read().as_map());
            writer.write().insert(Fused(3, &fuse), Fused(3, &fuse));
        }
    }
}

/// A batch that a panic rolls back clones nothing while the thread unwinds.
#[test]
fn unwinding_clones_no_lent_value() {
    let fuse = Cell::new(0);
    let (mut writer, reader) = numbers(2, &fuse);
    assert!(unwinds(|| {
        let mut batch = writer.write();
        batch.values_mut().for_each(|v| v.0 = 66);
        fuse.set(1);
        unwind();
    }));
    assert_eq!(fuse.take(), 1, "user code ran");
    assert_eq!(seen(reader.read().iter()), [(0, 0), (1, 1)]);
    assert_eq!(seen(writer.write().iter()), [(0, 0), (1, 1)]);
}

/// A panic in a replay is caused by the batch that it replays.
#[test]
fn panic_of_a_replay_is_returned_to_the_caller_that_asks() {
    let fuse = Cell::new(0);
    let (mut writer, reader) = numbers(2, &fuse);
    writer.write().insert(Fused(1, &fuse), Fused(66, &fuse));
    fuse.set(1);
    writer.try_catch_up().unwrap_err();
    assert!(writer.try_catch_up().unwrap(), "no guard is held");
    assert_eq!(seen(reader.read().iter()), [(0, 0), (1, 66)]);
    assert_eq!(seen(writer.write().iter()), [(0, 0), (1, 66)]);
}

/// The same for sets and multi-maps.
#[test]
fn panic_at_any_point_in_a_layer_loses_nothing_published() {
    for burns in 1.. {
        let fuse = Cell::new(0);
        let key = |n| Fused(n, &fuse);
        let (mut set, set_reader) = dbuf_hashmap::set::new();
        let (mut bags, bags_reader) = dbuf_hashmap::multimap::new();
        set.write().extend((0..4).map(key));
        bags.write().extend((0..6).map(|n| (key(n / 3), key(n))));
        set.catch_up();
        bags.catch_up();

        let mut change = || {
            let mut batch = set.write();
            batch.insert(key(4));
            batch.remove(&key(0));
            drop(batch.take(&key(1)));
            batch.retain(|k| k.0 != 2);
            batch.publish();
            set.catch_up();
            let mut batch = bags.write();
            batch.insert(key(0), key(9));
            batch.remove_value(&key(0), &key(0));
            batch.retain(&key(0), |v| v.0 != 1);
            batch.remove_value(&key(0), &key(77));
            drop(batch.remove(&key(1)));
            batch.publish();
            bags.catch_up();
        };
        fuse.set(burns);
        let panicked = unwinds(&mut change);
        let burnt_down = fuse.take() == 0;
        let mut elements: Vec<_> = set_reader.read().iter().map(|k| k.0).collect();
        elements.sort_unstable();
        assert!(
            elements == [0, 1, 2, 3] || elements == [3, 4],
            "{elements:?}"
        );
        let bags_now = bags_reader.read();
        let values = bags_now.value_count();
        assert_eq!(values, if bags_now.len() == 2 { 6 } else { 2 });
        drop(bags_now);

        // Both work again.
        change();
        assert_eq!(set.write().as_set(), set_reader.read().as_set());
        assert_eq!(bags.write().as_map(), bags_reader.read().as_map());
        assert_eq!(set_reader.read().len(), 2);
        if !burnt_down {
            assert!(!panicked, "a panic without the fuse");
            break;
        }
    }
}
