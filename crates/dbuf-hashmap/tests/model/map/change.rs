//! The changes of a map.

use core::mem;

use arbitrary::{Arbitrary, Unstructured};
use dbuf_hashmap::{Entry, Refused};
use proptest::prelude::*;

use super::super::steps::{few, nth, room};
use super::{Batch, Changed, Plain, Transacts, key};

#[derive(Arbitrary, Clone, Debug)]
pub(crate) enum Change {
    Insert(#[arbitrary(with = few)] u8, u32),
    Remove(#[arbitrary(with = few)] u8),
    RemoveEntry(#[arbitrary(with = few)] u8),
    RemoveIfOdd(#[arbitrary(with = few)] u8),
    Update(#[arbitrary(with = few)] u8, u32),
    Upsert(#[arbitrary(with = few)] u8, u32),
    GetOrInsert(#[arbitrary(with = few)] u8, u32),
    EntryInsert(#[arbitrary(with = few)] u8, u32),
    EntryModify(#[arbitrary(with = few)] u8, u32),
    EntryAdd(#[arbitrary(with = few)] u8, u32),
    GetMut(#[arbitrary(with = few)] u8, u32),
    /// Repeats the change on both copies.
    Patch(#[arbitrary(with = few)] u8, u32),
    /// Changes this many values.
    IterMut(#[arbitrary(with = nth)] usize),
    ValuesMut,
    EntryRemove(#[arbitrary(with = few)] u8),
    /// Keeps an entry at every n-th call.
    RetainEvery(#[arbitrary(with = nth)] usize),
    /// The same, and changes the entries that it keeps.
    RetainMutEvery(#[arbitrary(with = nth)] usize),
    Clear,
    /// Takes this many entries out of a drain, and drops or forgets it.
    Drain(#[arbitrary(with = nth)] usize, bool),
    Extend(#[arbitrary(with = entries)] Vec<(u8, u32)>),
    Reserve(#[arbitrary(with = room)] usize),
    ShrinkToFit,
}

/// Some entries, with keys that repeat.
fn entries(bytes: &mut Unstructured<'_>) -> arbitrary::Result<Vec<(u8, u32)>> {
    let mut list = Vec::<(u8, u32)>::arbitrary(bytes)?;
    list.iter_mut().for_each(|(k, _)| *k %= 12);
    Ok(list)
}

pub(crate) fn changes() -> BoxedStrategy<Change> {
    let k = || 0..12_u8;
    let v = any::<u32>;
    prop_oneof![
        6 => (k(), v()).prop_map(|(k, v)| Change::Insert(k, v)),
        2 => k().prop_map(Change::Remove),
        1 => k().prop_map(Change::RemoveEntry),
        1 => k().prop_map(Change::RemoveIfOdd),
        2 => (k(), v()).prop_map(|(k, v)| Change::Update(k, v)),
        1 => (k(), v()).prop_map(|(k, v)| Change::Upsert(k, v)),
        1 => (k(), v()).prop_map(|(k, v)| Change::GetOrInsert(k, v)),
        1 => (k(), v()).prop_map(|(k, v)| Change::EntryInsert(k, v)),
        1 => (k(), v()).prop_map(|(k, v)| Change::EntryModify(k, v)),
        1 => k().prop_map(Change::EntryRemove),
        2 => (k(), v()).prop_map(|(k, v)| Change::EntryAdd(k, v)),
        2 => (k(), v()).prop_map(|(k, v)| Change::GetMut(k, v)),
        2 => (k(), v()).prop_map(|(k, v)| Change::Patch(k, v)),
        1 => (0..4_usize).prop_map(Change::IterMut),
        1 => Just(Change::ValuesMut),
        1 => (1..5_usize).prop_map(Change::RetainEvery),
        1 => (1..5_usize).prop_map(Change::RetainMutEvery),
        1 => Just(Change::Clear),
        1 => (0..4_usize, any::<bool>()).prop_map(|(n, forget)| Change::Drain(n, forget)),
        1 => prop::collection::vec((k(), v()), 0..12).prop_map(Change::Extend),
        1 => (0..80_usize).prop_map(Change::Reserve),
        1 => Just(Change::ShrinkToFit),
    ]
    .boxed()
}

/// Makes a change on both, and compares the results.
pub(crate) fn change<S: Transacts>(
    batch: &mut Batch<'_, S>,
    plain: &mut Plain,
    change: &Change,
) -> Changed {
    let add = |by: u32| {
        move |v: &mut Box<u32>| {
            **v = v.wrapping_add(by);
            **v
        }
    };
    match *change {
        Change::Insert(k, v) => {
            let old = batch.insert(key(k), Box::new(v));
            assert_eq!(old, plain.insert(key(k), Box::new(v)));
            Changed::Yes
        }
        Change::Remove(k) => {
            let old = batch.remove(key(k).as_str());
            assert_eq!(old, plain.remove(&key(k)));
            old.is_some().into()
        }
        Change::RemoveEntry(k) => {
            let old = batch.remove_entry(key(k).as_str());
            assert_eq!(old, plain.remove_entry(&key(k)));
            old.is_some().into()
        }
        Change::RemoveIfOdd(k) => {
            let old = batch.remove_if(&key(k), |_, v| **v % 2 == 1);
            let odd = plain.get(&key(k)).map(|v| **v % 2 == 1);
            assert_eq!(
                old,
                match odd {
                    Some(true) => Ok(plain.remove(&key(k))),
                    Some(false) => Err(Refused),
                    None => Ok(None),
                }
            );
            (odd == Some(true)).into()
        }
        Change::Update(k, by) => {
            let new = batch.update(key(k).as_str(), add(by));
            assert_eq!(new, plain.get_mut(&key(k)).map(add(by)));
            new.is_some().into()
        }
        Change::Upsert(k, v) => {
            batch.upsert(key(k), Box::new(v), |v| **v /= 2);
            plain
                .entry(key(k))
                .and_modify(|v| **v /= 2)
                .or_insert(Box::new(v));
            Changed::Yes
        }
        Change::GetOrInsert(k, v) => {
            let new = !plain.contains_key(&key(k));
            let got = batch.get_or_insert_with(key(k), || Box::new(v));
            assert_eq!(got, plain.entry(key(k)).or_insert(Box::new(v)));
            new.into()
        }
        Change::EntryInsert(k, v) => {
            let old = match batch.entry(key(k)) {
                Entry::Occupied(mut entry) => {
                    assert_eq!(
                        (entry.key(), Some(entry.get())),
                        (&key(k), plain.get(&key(k)))
                    );
                    Some(entry.insert(Box::new(v)))
                }
                Entry::Vacant(entry) => {
                    assert_eq!(entry.key(), &key(k));
                    entry.insert(Box::new(v));
                    None
                }
            };
            assert_eq!(old, plain.insert(key(k), Box::new(v)));
            Changed::Yes
        }
        Change::EntryModify(k, by) => {
            // The change is marked, whatever happens to the entry. A forgotten entry leaks
            // the given key, which Miri would report.
            let entry = batch.entry(key(k)).and_modify(|v| **v ^= by);
            if !cfg!(miri) {
                mem::forget(entry);
            }
            let old = plain.get_mut(&key(k)).map(|v| **v ^= by);
            old.is_some().into()
        }
        Change::EntryRemove(k) => {
            let old = match batch.entry(key(k)) {
                Entry::Occupied(entry) if k % 2 == 0 => Some(entry.remove()),
                Entry::Occupied(entry) => Some(entry.remove_entry().1),
                Entry::Vacant(entry) => {
                    assert_eq!(entry.into_key(), key(k));
                    None
                }
            };
            assert_eq!(old, plain.remove(&key(k)));
            old.is_some().into()
        }
        Change::EntryAdd(k, by) => {
            let value = batch.entry(key(k)).or_default();
            **value = value.wrapping_add(by);
            let same = plain.entry(key(k)).or_default();
            **same = same.wrapping_add(by);
            Changed::Yes
        }
        Change::GetMut(k, by) => {
            let value = batch.get_mut(key(k).as_str());
            let there = value.map(|value| **value ^= by);
            assert_eq!(there, plain.get_mut(&key(k)).map(|value| **value ^= by));
            there.is_some().into()
        }
        Change::Patch(k, by) => {
            let there = batch.change(key(k).as_str(), move |v| **v = v.wrapping_mul(by));
            let same = plain.get_mut(&key(k)).map(|v| **v = v.wrapping_mul(by));
            assert_eq!(there, same.is_some());
            there.into()
        }
        Change::IterMut(taken) => {
            let before = plain.len();
            let mut entries = batch.iter_mut();
            for (k, v) in entries.by_ref().take(taken) {
                **v = v.wrapping_add(7);
                plain.insert(k.clone(), v.clone());
            }
            assert_eq!(entries.len(), before - taken.min(before));
            (before.min(taken) > 0).into()
        }
        Change::ValuesMut => {
            batch.values_mut().for_each(|v| **v /= 3);
            plain.values_mut().for_each(|v| **v /= 3);
            (!plain.is_empty()).into()
        }
        Change::RetainEvery(nth) => {
            let (before, mut calls) = (plain.len(), 0);
            batch.retain(|k, v| {
                calls += 1;
                assert_eq!(plain.get(k), Some(v));
                calls % nth == 0 || plain.remove(k).is_none()
            });
            (plain.len() < before).into()
        }
        Change::RetainMutEvery(nth) => {
            let (before, mut calls) = (plain.len(), 0);
            batch.retain_mut(|k, v| {
                calls += 1;
                **v = v.wrapping_mul(3);
                if calls % nth == 0 {
                    plain.insert(k.clone(), v.clone());
                    true
                } else {
                    plain.remove(k);
                    false
                }
            });
            assert_eq!(calls, before);
            (before > 0).into()
        }
        Change::Clear => {
            batch.clear();
            (!mem::take(plain).is_empty()).into()
        }
        Change::Drain(taken, forget) => {
            let before = mem::take(plain);
            let mut drain = batch.drain();
            assert_eq!(drain.len(), before.len());
            for (k, v) in drain.by_ref().take(taken) {
                assert_eq!(before.get(&k), Some(&v));
            }
            // Miri would report this leak.
            if forget && !cfg!(miri) {
                mem::forget(drain);
            }
            (!before.is_empty()).into()
        }
        Change::Extend(ref entries) => {
            let entries = || entries.iter().map(|&(k, v)| (key(k), Box::new(v)));
            batch.extend(entries());
            plain.extend(entries());
            (entries().count() > 0).into()
        }
        Change::Reserve(additional) => {
            batch.reserve(additional);
            let capacity = batch.as_map().capacity();
            assert!(capacity >= plain.len() + additional, "room for {capacity}");
            Changed::Maybe
        }
        Change::ShrinkToFit => {
            batch.shrink_to_fit();
            Changed::Maybe
        }
    }
}
