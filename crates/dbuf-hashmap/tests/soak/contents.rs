//! The contents of the map, and what each writer does to it.

use std::hash::RandomState;
use std::time::Duration;

use dbuf_hashmap::{BlockingStrategy, ConcurrentHashMap, MapRef};

use crate::common::{unwind, unwinds};
use crate::futures::{poll_and_cancel, yield_now};

pub(crate) const WRITERS: u32 = 4;
/// A key for each writer, which changes alone.
const OWN: u32 = 100;
/// A key for each writer, which changes only together with the sum.
const PART: u32 = 200;
const SUM: u32 = 300;

pub(crate) trait Soaked: BlockingStrategy + 'static {}

impl<S> Soaked for S where S: BlockingStrategy + 'static {}

/// The number twice, in memory that every change replaces.
pub(crate) type Number = Box<[u64; 2]>;
pub(crate) type Map<S> = ConcurrentHashMap<u32, Number, RandomState, S>;

fn number(n: u64) -> Number {
    Box::new([n; 2])
}

/// One writer's number of changes to its own key, and of changes with the sum.
pub(crate) type Made = [u64; 2];

/// What a map holds of each writer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Contents(pub(crate) [Made; WRITERS as usize]);

impl Contents {
    pub(crate) fn of<H: std::hash::BuildHasher>(map: MapRef<'_, u32, Number, H>) -> Self {
        let at = |key| {
            map.get(&key).map_or(0, |number| {
                assert_eq!(number[0], number[1], "torn");
                number[0]
            })
        };
        let contents = Self(std::array::from_fn(|id| {
            [at(OWN + id as u32), at(PART + id as u32)]
        }));
        let parts = contents.0.iter().map(|made| made[1]);
        assert_eq!(parts.sum::<u64>(), at(SUM), "half a batch");
        contents
    }

    /// Returns whether no writer's numbers have gone back.
    pub(crate) fn is_after(&self, before: &Self) -> bool {
        let (now, before) = (self.0.as_flattened(), before.0.as_flattened());
        now.iter().zip(before).all(|(now, before)| now >= before)
    }
}

/// Changes `PART` and `SUM` in a batch.
macro_rules! add {
    ($batch:expr, $id:expr) => {
        $batch.upsert(PART + $id, number(1), |n| *n = number(n[0] + 1));
        $batch.upsert(SUM, number(1), |n| *n = number(n[0] + 1));
    };
}

/// Makes one writer's next change by a thread, counted in `made`.
pub(crate) fn change<S: Soaked>(map: &Map<S>, id: u32, kind: u64, made: &mut Made) {
    let own = OWN + id;
    match kind % 10 {
        0 => {
            let was = map.insert(own, number(made[0] + 1));
            assert_eq!(was.map_or(0, |n| n[0]), made[0], "a write was lost");
            made[0] += 1;
        }
        1 => {
            if map.update(&own, |n| *n = number(n[0] + 1)).is_some() {
                made[0] += 1;
            }
        }
        2 => {
            // Removes and inserts it in one batch, so no reader misses it.
            let mut batch = map.write();
            let was = batch.remove(&own).map_or(0, |n| n[0]);
            assert_eq!(was, made[0], "a write was lost");
            batch.insert(own, number(was + 1));
            batch.publish();
            made[0] += 1;
        }
        3 => {
            let failed = map.transact(|batch| {
                add!(batch, id);
                batch.clear();
                Err::<(), _>(())
            });
            assert!(failed.is_err());
        }
        4 => assert!(unwinds(|| {
            let _ = map.transact(|batch| -> Result<(), ()> {
                add!(batch, id);
                unwind();
            });
        })),
        5 => {
            if let Some(mut batch) = map.try_write() {
                add!(batch, id);
                made[1] += 1;
            }
        }
        6 => {
            if let Some(mut batch) = map.write_timeout(Duration::from_micros(50)) {
                add!(batch, id);
                made[1] += 1;
            }
        }
        7 => map.retain(|key, _| *key >= OWN),
        8 => {
            // More entries than fit, so both copies grow, and shrink again.
            let mut batch = map.write();
            for key in 0..OWN {
                batch.insert(key, number(0));
            }
            batch.retain_mut(|key, _| *key >= OWN);
            batch.shrink_to_fit();
            add!(batch, id);
            batch.publish();
            made[1] += 1;
        }
        _ => {
            let done = map.transact(|batch| {
                add!(batch, id);
                Ok::<_, ()>(())
            });
            assert!(done.is_ok());
            made[1] += 1;
        }
    }
}

/// Makes one writer's next change by a task: it succeeds, fails, or is cancelled halfway.
pub(crate) async fn change_async<S: Soaked>(map: &Map<S>, id: u32, kind: u64, made: &mut Made) {
    match kind % 5 {
        0 => {
            let was = map.insert_async(OWN + id, number(made[0] + 1)).await;
            assert_eq!(was.map_or(0, |n| n[0]), made[0], "a write was lost");
            made[0] += 1;
        }
        1 => {
            let mut batch = map.write_async().await;
            add!(batch, id);
            batch.publish();
            made[1] += 1;
        }
        kind => {
            let transacts = map.transact_async(async |batch| {
                add!(batch, id);
                yield_now().await;
                if kind == 2 { Err(()) } else { Ok(()) }
            });
            // The fourth kind is cancelled at the lock, behind a reader, or inside.
            let done = match kind {
                4 => poll_and_cancel(transacts, 1),
                _ => Some(transacts.await),
            };
            made[1] += u64::from(done == Some(Ok(())));
        }
    }
}
