//! The writes of the test.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use dbuf_hashmap::BlockingStrategy;

use super::{FUSE, Map, Model, burn, contents, new};

/// Makes one write, on the map and on the model.
pub(super) fn step<S>(map: &Map<S>, model: &mut Model, op: u32, k: u32, v: u32)
where
    S: BlockingStrategy,
{
    match op {
        0..=4 => {
            model.insert(k, v);
            map.insert(new(k), new(v));
        }
        5 => {
            model.remove(&k);
            map.remove(&new(k));
        }
        6 => {
            model.entry(k).and_modify(|old| *old = v);
            map.update(&new(k), |old| *old = new(v));
        }
        7 => {
            model.entry(k).and_modify(|old| *old = v).or_insert(k);
            map.upsert(new(k), new(k), |old| old.0 = v);
        }
        8 => {
            model.retain(|key, _| key % 5 != k % 5);
            map.retain(|key, _| key.0 % 5 != k % 5);
        }
        9 => {
            model.retain(|key, value| {
                *value += 1;
                key % 7 != k % 7
            });
            map.retain_mut(|key, value| {
                value.0 += 1;
                key.0 % 7 != k % 7
            });
        }
        10 => {
            let _ = map.transact(|batch| {
                batch.insert(new(k), new(v));
                batch.remove(&new(v));
                if k % 2 == 0 {
                    batch.clear();
                }
                Err::<(), _>(())
            });
        }
        11 => {
            model.insert(k, v);
            model.remove(&v);
            let _ = map.transact(|batch| {
                batch.insert(new(k), new(v));
                batch.remove(&new(v));
                Ok::<_, ()>(())
            });
        }
        12 => {
            if k % 3 == 0 {
                model.clear();
                map.clear();
            }
        }
        13 => {
            // Deferred: neither published nor undone.
            model.insert(k, v);
            model.insert(v, k);
            let mut batch = map.write();
            batch.insert(new(k), new(v));
            batch.insert(new(v), new(k));
            batch.defer();
        }
        14 => {
            // A caught panic in the middle rolls the whole batch back.
            let mut batch = map.write();
            batch.insert(new(k), new(v));
            // Otherwise the lookup may panic, which does not tear the batch.
            FUSE.set(0);
            let _ = catch_unwind(AssertUnwindSafe(|| {
                batch.update(&new(k), |_| resume_unwind(Box::new(())));
            }));
            drop(batch);
        }
        15 => {
            if k % 2 == 0 {
                model.clear();
                model.insert(k, v);
                let mut batch = map.write();
                drop(batch.drain().next());
                batch.insert(new(k), new(v));
            }
        }
        16 => {
            model.entry(k).or_insert(v);
            let mut batch = map.write();
            batch.entry(new(k)).or_insert_with(|| new(v));
            batch.shrink_to_fit();
        }
        17 => {
            map.publish();
        }
        18 => {
            // Modified and deferred, then published at once.
            model.insert(k, v);
            model.values_mut().for_each(|value| *value += 1);
            let mut batch = map.write();
            batch.insert(new(k), new(v));
            batch.retain_mut(|_, value| {
                value.0 += 1;
                true
            });
            batch.defer();
        }
        19 => {
            let mut batch = map.write();
            batch.insert(new(k), new(v));
            batch.retain_mut(|_, _| false);
            batch.rollback();
        }
        20 => {
            // Lends values in every way, and removes and lends them again.
            model.insert(k, v);
            model.remove(&v);
            model.insert(v, k);
            let mut batch = map.write();
            *batch.entry(new(k)).or_insert_with(|| new(77)) = new(v);
            batch.entry(new(v)).or_insert_with(|| new(78)).0 = 79;
            batch.remove(&new(v));
            batch.entry(new(v)).or_insert_with(|| new(80));
            if let Some(value) = batch.get_mut(&new(v)) {
                value.0 = k;
            }
            batch.publish();
        }
        21 => {
            model.entry(k).and_modify(|value| *value = v);
            map.write().change(&new(k), move |value| {
                burn();
                value.0 = v;
            });
        }
        22 => {
            let mut batch = map.write();
            batch.values_mut().for_each(|value| value.0 += 1);
            batch.insert(new(k), new(v));
            batch.change(&new(v), |value| value.0 = 66);
            batch.remove(&new(v));
            batch.rollback();
        }
        23 => {
            // Lends values and keeps the changes.
            model.entry(k).and_modify(|value| *value += 1).or_insert(v);
            model.remove(&v);
            let mut batch = map.write();
            batch
                .entry(new(k))
                .and_modify(|value| value.0 += 1)
                .or_insert_with(|| new(v));
            batch.remove(&new(v));
            batch.change(&new(k), |_| burn());
            batch.defer();
        }
        24 => {
            // Lends values, and then clears the map in the same batch.
            model.clear();
            model.insert(k, v);
            let mut batch = map.write();
            batch.values_mut().for_each(|value| value.0 += 1);
            batch.insert(new(v), new(v));
            batch.clear();
            batch.insert(new(k), new(v));
        }
        25 => {
            let mut batch = map.write();
            batch.rollback_on_drop();
            batch.retain(|key, _| key.0 % 2 == k % 2);
            batch.update(&new(k), |value| value.0 = 66);
        }
        _ => {
            // A guard lives across writes: the second write sets its copy aside, and the first
            // write after its release drops that copy.
            model.insert(k, v);
            let guard = map.read();
            let before = contents(guard.iter());
            assert!(map.try_write().is_none(), "the guard holds the copy");
            for _ in 0..3 {
                map.insert(new(k), new(v));
                map.publish();
            }
            assert_eq!(contents(guard.iter()), before);
            assert_eq!(map.spare_stragglers(), 1);
            drop(guard);
            map.insert(new(k), new(v));
            assert_eq!(map.spare_since(), None);
        }
    }
}
