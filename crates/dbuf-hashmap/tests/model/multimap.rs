use core::marker::PhantomData;
use core::mem;
use std::collections::HashMap;

use arbitrary::{Arbitrary, Unstructured};
use dbuf_hashmap::Builder;
use dbuf_hashmap::multimap::{MultiMapRef, Reader, Snapshot, WriterBatch};
use proptest::prelude::*;

use super::fixture::{Changed, Fixture, unwind};
use super::layer::{every_strategy, handles};
use super::steps::{Ending, few, nth, room};
use super::{FewBuckets, key};

/// The values of each key, in order. Each key has at least one.
type Plain = HashMap<String, Vec<u8>>;
type Writer<S> = dbuf_hashmap::multimap::Writer<String, Box<u8>, FewBuckets, S>;
type Batch<'w, S> = WriterBatch<'w, String, Box<u8>, FewBuckets, S>;

pub(crate) struct MultiMap<S>(PhantomData<S>);

#[derive(Arbitrary, Clone, Debug)]
pub(crate) enum Change {
    Insert(#[arbitrary(with = few)] u8, #[arbitrary(with = value)] u8),
    RemoveValue(#[arbitrary(with = few)] u8, #[arbitrary(with = value)] u8),
    Remove(#[arbitrary(with = few)] u8),
    RemoveEntry(#[arbitrary(with = few)] u8),
    /// Keeps a value at every n-th call.
    RetainEvery(#[arbitrary(with = few)] u8, #[arbitrary(with = nth)] usize),
    Clear,
    Drain,
    Reserve(#[arbitrary(with = room)] usize),
}

/// One of four values, so that bags hold duplicates.
fn value(bytes: &mut Unstructured<'_>) -> arbitrary::Result<u8> {
    bytes.int_in_range(0..=3)
}

impl<S: Transacts + 'static> Fixture for MultiMap<S> {
    type Change = Change;
    type Plain = Plain;
    type Writer = Writer<S>;
    type Reader = Reader<String, Box<u8>, FewBuckets, S>;
    type Batch<'w> = Batch<'w, S>;
    type Guard<'r> = Snapshot<'r, String, Box<u8>, FewBuckets, S>;
    /// `retain` calls its closure for every value before it removes one.
    const SPOIL_TEARS: bool = false;

    fn changes() -> BoxedStrategy<Change> {
        let k = || 0..5_u8;
        let v = || 0..4_u8;
        prop_oneof![
            8 => (k(), v()).prop_map(|(k, v)| Change::Insert(k, v)),
            4 => (k(), v()).prop_map(|(k, v)| Change::RemoveValue(k, v)),
            1 => k().prop_map(Change::Remove),
            1 => k().prop_map(Change::RemoveEntry),
            2 => (k(), 1..4_usize).prop_map(|(k, n)| Change::RetainEvery(k, n)),
            1 => Just(Change::Clear),
            1 => Just(Change::Drain),
            1 => (0..40_usize).prop_map(Change::Reserve),
        ]
        .boxed()
    }

    fn build(capacity: usize) -> (Self::Writer, Self::Reader) {
        Builder::new()
            .capacity(capacity)
            .hasher(FewBuckets::default())
            .strategy(S::default())
            .build_multimap()
    }

    handles!(as_map);

    fn change(batch: &mut Batch<'_, S>, plain: &mut Plain, change: &Change) -> Changed {
        match *change {
            Change::Insert(k, v) => {
                batch.insert(key(k), Box::new(v));
                let values = plain.entry(key(k)).or_default();
                values.push(v);
                values.sort_unstable();
                Changed::Yes
            }
            Change::RemoveValue(k, v) => {
                let was = batch.remove_value(key(k).as_str(), &v.into());
                let at = plain
                    .get(&key(k))
                    .and_then(|values| values.iter().position(|x| *x == v));
                assert_eq!(was, at.is_some());
                if let Some(at) = at {
                    plain.get_mut(&key(k)).unwrap().remove(at);
                }
                plain.retain(|_, values| !values.is_empty());
                was.into()
            }
            Change::Remove(k) => {
                let bag = batch.remove(&key(k)).map(sorted);
                assert_eq!(bag, plain.remove(&key(k)));
                bag.is_some().into()
            }
            Change::RemoveEntry(k) => {
                let entry = batch.remove_entry(&key(k)).map(|(k, bag)| (k, sorted(bag)));
                assert_eq!(entry, plain.remove_entry(&key(k)));
                entry.is_some().into()
            }
            Change::RetainEvery(k, nth) => {
                let (mut calls, mut removed) = (0, 0);
                batch.retain(&key(k), |v| {
                    calls += 1;
                    if calls % nth == 0 {
                        return true;
                    }
                    let values = plain.get_mut(&key(k)).unwrap();
                    values.remove(values.iter().position(|x| *x == **v).unwrap());
                    removed += 1;
                    false
                });
                plain.retain(|_, values| !values.is_empty());
                (removed > 0).into()
            }
            Change::Clear => {
                batch.clear();
                (!mem::take(plain).is_empty()).into()
            }
            Change::Drain => {
                let drained: Plain = batch.drain().map(|(k, bag)| (k, sorted(bag))).collect();
                assert_eq!(drained, mem::take(plain));
                (!drained.is_empty()).into()
            }
            Change::Reserve(additional) => {
                batch.reserve(additional);
                Changed::Maybe
            }
        }
    }

    fn spoil(batch: &mut Batch<'_, S>, k: u8) {
        let mut calls = 0;
        batch.retain(&key(k % 5), |_| {
            calls += 1;
            if calls == 2 {
                unwind();
            }
            true
        });
    }

    fn assert_reader(reader: &Self::Reader, plain: &Plain) {
        let bag = reader.get(&key(0)).map(|bag| sorted(bag.clone()));
        assert_eq!(bag.as_ref(), plain.get(&key(0)));
        assert_eq!(reader.get_one(&key(0)).is_some(), bag.is_some());
        let guard = reader.read();
        assert_eq!(guard.value_count(), guard.as_map().value_count());
    }
}

fn sorted(bag: impl IntoIterator<Item = Box<u8>>) -> Vec<u8> {
    let mut values: Vec<_> = bag.into_iter().map(|v| *v).collect();
    values.sort_unstable();
    values
}

fn assert_same(map: MultiMapRef<'_, String, Box<u8>, FewBuckets>, plain: &Plain) {
    let seen: Plain = map
        .iter()
        .map(|(k, bag)| (k.clone(), sorted(bag.clone())))
        .collect();
    assert_eq!(&seen, plain);
    assert_eq!(map.value_count(), plain.values().map(Vec::len).sum());
    for (k, values) in plain {
        let one = map.get_one(k).unwrap();
        assert!(values.contains(one), "{k}: {one} is not in {values:?}");
        let found = [values[0], 9].map(|value| map.contains_value(k, &value.into()));
        assert_eq!(found, [true, false], "{k}: {values:?}");
    }
}

every_strategy!(MultiMap, Writer, Batch);
