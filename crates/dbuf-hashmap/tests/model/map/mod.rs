mod change;

use core::marker::PhantomData;
use std::collections::HashMap;

use change::Change;
use dbuf_hashmap::{Builder, MapRef, Reader, Snapshot, WriterBatch};
use proptest::prelude::*;

use super::fixture::{Changed, Fixture, unwind};
use super::layer::{every_strategy, handles};
use super::steps::Ending;
use super::{FewBuckets, key};

type Plain = HashMap<String, Box<u32>>;
type Writer<S> = dbuf_hashmap::Writer<String, Box<u32>, FewBuckets, S>;
type Batch<'w, S> = WriterBatch<'w, String, Box<u32>, FewBuckets, S>;

pub(crate) struct Map<S>(PhantomData<S>);

impl<S: Transacts + 'static> Fixture for Map<S> {
    type Change = Change;
    type Plain = Plain;
    type Writer = Writer<S>;
    type Reader = Reader<String, Box<u32>, FewBuckets, S>;
    type Batch<'w> = Batch<'w, S>;
    type Guard<'r> = Snapshot<'r, String, Box<u32>, FewBuckets, S>;
    const SPOIL_TEARS: bool = true;

    fn changes() -> BoxedStrategy<Change> {
        change::changes()
    }

    fn build(capacity: usize) -> (Self::Writer, Self::Reader) {
        Builder::new()
            .capacity(capacity)
            .hasher(FewBuckets::default())
            .strategy(S::default())
            .build()
    }

    handles!(as_map);

    fn change(batch: &mut Batch<'_, S>, plain: &mut Plain, change: &Change) -> Changed {
        change::change(batch, plain, change)
    }

    fn spoil(batch: &mut Batch<'_, S>, k: u8) {
        if k % 3 == 0 {
            batch.update(&key(k), |v| {
                **v = !**v;
                unwind();
            });
        } else if k % 3 == 1 {
            let _ = batch.entry(key(k)).and_modify(|v| {
                **v = !**v;
                unwind();
            });
        } else {
            // Panics at the last entry, after the others are changed.
            let mut left = batch.len();
            batch.retain_mut(|_, v| {
                **v = 0;
                left -= 1;
                if left == 0 {
                    unwind();
                }
                false
            });
        }
    }

    fn assert_reader(reader: &Self::Reader, plain: &Plain) {
        assert_eq!(reader.get(&key(0)).as_deref(), plain.get(&key(0)));
    }
}

fn assert_same(map: MapRef<'_, String, Box<u32>, FewBuckets>, plain: &Plain) {
    assert_eq!(map.len(), plain.len());
    assert_eq!(map.is_empty(), plain.is_empty());
    assert_eq!(map.iter().len(), plain.len());
    // Every entry that is found is also listed, and every listed one is found.
    for (k, v) in plain {
        assert_eq!(map.get(k), Some(v), "{k} is not found");
    }
    for (k, v) in map.iter() {
        assert_eq!(plain.get(k), Some(v), "{k} is listed");
    }
    assert_eq!(map.get("no key"), None);
}

every_strategy!(Map, Writer, Batch);
