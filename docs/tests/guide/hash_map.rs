//! What goes wrong in chapter 12.
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests always have std"
)]

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::rc::Rc;

use dbuf_core::{OpWriter, arc};
use dbuf_strategies::EpochStrategy;

type Map = HashMap<u32, u32>;

fn five() -> Map {
    (0..5).map(|n| (n, n)).collect()
}

/// How many entries readers see after each of three publishes. The last two change nothing.
fn lengths(retain: impl FnOnce(&mut OpWriter<Ptr, Op>)) -> [usize; 3] {
    let (writer, reader) = arc(five(), Map::new(), EpochStrategy::new());
    let mut writer = OpWriter::new(writer);
    retain(&mut writer);
    let mut seen = [reader.read().len(); 3];
    for seen in &mut seen[1..] {
        writer.write().apply(Box::new(|_, _| {}));
        *seen = reader.read().len();
    }
    seen
}

type Op = Box<dyn FnMut(&mut Map, &())>;
type Ptr = std::sync::Arc<dbuf_core::DoubleBuffer<Map, EpochStrategy>>;

/// Keeps the first two entries that it is called for.
fn two() -> impl FnMut(&u32, &mut u32) -> bool {
    let mut asked = 0;
    move |_, _| {
        asked += 1;
        asked <= 2
    }
}

#[test]
fn replayed_retain_makes_the_copies_differ() {
    let seen = lengths(|writer| {
        let mut keep = two();
        writer
            .write()
            .apply(Box::new(move |map, _| map.retain(&mut keep)));
    });
    assert_eq!(seen, [2, 0, 2]);
}

#[test]
fn recorded_retain_keeps_the_copies_equal() {
    let seen = lengths(|writer| {
        writer.write().record(|map, _| {
            let before: HashSet<u32> = map.keys().copied().collect();
            map.retain(two());
            let gone: Vec<u32> = before
                .into_iter()
                .filter(|key| !map.contains_key(key))
                .collect();
            let op: Op = Box::new(move |map, _| gone.iter().for_each(|key| _ = map.remove(key)));
            ((), op)
        });
    });
    assert_eq!(seen, [2, 2, 2]);

    // The map does this.
    let (mut writer, reader) = dbuf_hashmap::new();
    writer.write().extend(five());
    let mut keep = two();
    writer
        .write()
        .retain(|key, value| keep(key, &mut { *value }));
    for more in 0..3 {
        assert_eq!(reader.read().len(), 2 + more);
        writer.write().insert(100 + more as u32, 0);
    }
}

#[test]
fn change_through_a_shared_reference_comes_and_goes() {
    let (mut writer, reader) = dbuf_hashmap::new();
    writer
        .write()
        .insert("hits", (Cell::new(0), Rc::new(Cell::new(0))));
    let mut own = Vec::new();
    let mut shared = Vec::new();
    for _ in 0..3 {
        {
            let map = reader.read();
            let (hits, all) = &map["hits"];
            hits.set(hits.get() + 1);
            all.set(all.get() + 1);
            own.push(hits.get());
            shared.push(all.get());
        }
        writer.write().insert("other", Default::default()); // the copies swap
    }
    assert_eq!(own, [1, 1, 2], "each copy counts for itself");
    assert_eq!(shared, [1, 2, 3]);
}

/// Hashes differently each time.
#[derive(Clone, PartialEq, Eq)]
struct Liar(String);

thread_local! {
    static LIE: Cell<u64> = const { Cell::new(0) };
}

impl Hash for Liar {
    fn hash<H: Hasher>(&self, state: &mut H) {
        LIE.set(LIE.get() + 1);
        LIE.get().hash(state);
    }
}

#[test]
fn a_wrong_hash_is_wrong_and_nothing_worse() {
    let (mut writer, reader) = dbuf_hashmap::new();
    for n in 0..100 {
        let mut batch = writer.write();
        batch.insert(Liar("the same".into()), vec![n]);
        batch.remove(&Liar("the same".into()));
        batch.retain(|_, value| value[0] % 3 > 0);
    }
    // How many there are is unknown. Each of them is whole.
    let map = reader.read();
    assert!(map.len() > 1, "one key, many times");
    assert!(
        map.iter()
            .all(|(key, value)| key.0 == "the same" && value[0] < 100)
    );
}
