use core::marker::PhantomData;
use core::mem;
use std::collections::HashSet;

use arbitrary::{Arbitrary, Unstructured};
use dbuf_hashmap::Builder;
use dbuf_hashmap::set::{Reader, SetRef, Snapshot, WriterBatch};
use proptest::prelude::*;

use super::fixture::{Changed, Fixture, unwind};
use super::layer::{every_strategy, handles};
use super::steps::{Ending, few, nth};
use super::{FewBuckets, key};

type Plain = HashSet<String>;
type Writer<S> = dbuf_hashmap::set::Writer<String, FewBuckets, S>;
type Batch<'w, S> = WriterBatch<'w, String, FewBuckets, S>;

pub(crate) struct Set<S>(PhantomData<S>);

#[derive(Arbitrary, Clone, Debug)]
pub(crate) enum Change {
    Insert(#[arbitrary(with = few)] u8),
    Remove(#[arbitrary(with = few)] u8),
    Take(#[arbitrary(with = few)] u8),
    RetainEvery(#[arbitrary(with = nth)] usize),
    Clear,
    Drain,
    Extend(#[arbitrary(with = elements)] Vec<u8>),
    ShrinkToFit,
}

/// Some elements, with duplicates.
fn elements(bytes: &mut Unstructured<'_>) -> arbitrary::Result<Vec<u8>> {
    let mut list = Vec::<u8>::arbitrary(bytes)?;
    list.iter_mut().for_each(|element| *element %= 12);
    Ok(list)
}

impl<S: Transacts + 'static> Fixture for Set<S> {
    type Change = Change;
    type Plain = Plain;
    type Writer = Writer<S>;
    type Reader = Reader<String, FewBuckets, S>;
    type Batch<'w> = Batch<'w, S>;
    type Guard<'r> = Snapshot<'r, String, FewBuckets, S>;
    const SPOIL_TEARS: bool = true;

    fn changes() -> BoxedStrategy<Change> {
        let k = || 0..12_u8;
        prop_oneof![
            6 => k().prop_map(Change::Insert),
            3 => k().prop_map(Change::Remove),
            1 => k().prop_map(Change::Take),
            1 => (1..5_usize).prop_map(Change::RetainEvery),
            1 => Just(Change::Clear),
            1 => Just(Change::Drain),
            1 => prop::collection::vec(k(), 0..12).prop_map(Change::Extend),
            1 => Just(Change::ShrinkToFit),
        ]
        .boxed()
    }

    fn build(capacity: usize) -> (Self::Writer, Self::Reader) {
        Builder::new()
            .capacity(capacity)
            .hasher(FewBuckets::default())
            .strategy(S::default())
            .build_set()
    }

    handles!(as_set);

    fn change(batch: &mut Batch<'_, S>, plain: &mut Plain, change: &Change) -> Changed {
        match *change {
            Change::Insert(k) => {
                let new = batch.insert(key(k));
                assert_eq!(new, plain.insert(key(k)));
                // `insert` may reserve room even if it adds nothing.
                new.into()
            }
            Change::Remove(k) => {
                let was = batch.remove(key(k).as_str());
                assert_eq!(was, plain.remove(&key(k)));
                was.into()
            }
            Change::Take(k) => {
                let was = batch.take(key(k).as_str());
                assert_eq!(was, plain.take(&key(k)));
                was.is_some().into()
            }
            Change::RetainEvery(nth) => {
                let (before, mut calls) = (plain.len(), 0);
                batch.retain(|k| {
                    calls += 1;
                    calls % nth == 0 || !plain.remove(k)
                });
                (plain.len() < before).into()
            }
            Change::Clear => {
                batch.clear();
                (!mem::take(plain).is_empty()).into()
            }
            Change::Drain => {
                let drained: Plain = batch.drain().collect();
                assert_eq!(drained, mem::take(plain));
                (!drained.is_empty()).into()
            }
            Change::Extend(ref elements) => {
                let before = plain.len();
                batch.extend(elements.iter().copied().map(key));
                plain.extend(elements.iter().copied().map(key));
                if plain.len() > before {
                    Changed::Yes
                } else {
                    Changed::Maybe
                }
            }
            Change::ShrinkToFit => {
                batch.shrink_to_fit();
                Changed::Maybe
            }
        }
    }

    fn spoil(batch: &mut Batch<'_, S>, _: u8) {
        batch.retain(|_| unwind());
    }

    fn assert_reader(reader: &Self::Reader, plain: &Plain) {
        assert_eq!(reader.contains(&key(0)), plain.contains(&key(0)));
        assert_eq!(reader.get(&key(1)).as_deref(), plain.get(&key(1)));
    }
}

fn assert_same(set: SetRef<'_, String, FewBuckets>, plain: &Plain) {
    assert_eq!(set.len(), plain.len());
    assert_eq!(set.iter().cloned().collect::<Plain>(), *plain);
    for element in plain {
        assert!(set.contains(element), "{element} is listed and not found");
    }
}

every_strategy!(Set, Writer, Batch);
