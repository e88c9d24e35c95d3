//! The memory that two copies need, by a counting allocator. Alone in its process, one test at a
//! time.

extern crate alloc;

use alloc::sync::Arc;
use std::collections::HashMap;

use dbuf_hashmap::{Builder, ConcurrentHashMap, Writer};
use dbuf_testing::Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const ENTRIES: u64 = if cfg!(miri) { 1_000 } else { 1_000_000 };

/// Returns the result of `make` and how many bytes it keeps allocated.
fn held<T>(make: impl FnOnce() -> T) -> (T, usize) {
    let before = Counting::live();
    let made = make();
    (made, Counting::live() - before)
}

fn allocations(f: impl FnOnce()) -> usize {
    let before = Counting::calls();
    f();
    Counting::calls() - before
}

fn fill(writer: &mut Writer<u64, u64>, batch: u64) {
    for begin in (0..ENTRIES).step_by(batch as usize) {
        let end = ENTRIES.min(begin + batch);
        let mut batch = writer.write();
        for n in begin..end {
            batch.insert(n, n);
        }
        batch.publish();
    }
    writer.catch_up();
}

fn std_map() -> (HashMap<u64, u64>, usize) {
    held(|| {
        let mut map = HashMap::new();
        for n in 0..ENTRIES {
            map.insert(n, n);
        }
        map
    })
}

fn two_copies_cost_twice_a_map() {
    let (map, one) = std_map();
    drop(map);
    for batch in [100, 10_000] {
        let (handles, two) = held(|| {
            let (mut writer, reader) = dbuf_hashmap::new();
            fill(&mut writer, batch);
            (writer, reader)
        });
        let ratio = two as f64 / one as f64;
        println!("{ENTRIES} entries in batches of {batch}: {two} bytes, {ratio:.3} x std's {one}");
        assert!(ratio <= if cfg!(miri) { 4.0 } else { 2.05 }, "{ratio}");
        drop(handles);
    }
}

fn log_of_a_large_batch_is_freed() {
    let (map, one) = std_map();
    drop(map);
    let (handles, two) = held(|| {
        let (mut writer, reader) = dbuf_hashmap::new();
        fill(&mut writer, ENTRIES);
        // Two publishes later, the log's memory is freed.
        for n in 0..2 {
            writer.write().insert(n, n);
        }
        writer.catch_up();
        (writer, reader)
    });
    let ratio = two as f64 / one as f64;
    println!("{ENTRIES} entries in one batch: {two} bytes, {ratio:.3} x std's {one}");
    assert!(ratio <= if cfg!(miri) { 4.0 } else { 2.05 }, "{ratio}");
    drop(handles);
}

fn change_allocates_nothing() {
    let (mut writer, _reader) = Builder::new().capacity(1_000).build::<u64, u64>();
    let mut round = |first: u64| {
        let mut batch = writer.write();
        for n in 0..500 {
            batch.insert(first + n, n);
            batch.update(&n, |v| *v += 1);
            batch.upsert(n, 0, |v| *v += 1);
        }
        for n in 0..500 {
            batch.remove(&(first + n));
        }
        batch.publish();
        writer.catch_up();
    };
    // The log grows once to what a batch needs, and so do the marks of each copy.
    (0..4).for_each(|n| round(500 * n));
    assert_eq!(allocations(|| (4..8).for_each(|n| round(500 * n))), 0);
}

fn shared_values_are_held_once() {
    const SIZE: usize = 1 << 16;
    let large = || vec![0_u8; SIZE];
    let (own, twice) = held(|| {
        let (mut writer, reader) = dbuf_hashmap::new();
        writer.write().extend((0..32).map(|n| (n, large())));
        writer.catch_up();
        (writer, reader)
    });
    drop(own);
    let (shared, once) = held(|| {
        let (mut writer, reader) = dbuf_hashmap::new();
        writer
            .write()
            .extend((0..32).map(|n| (n, Arc::new(large()))));
        writer.catch_up();
        (writer, reader)
    });
    println!("32 values of {SIZE} bytes: own {twice} bytes, shared {once} bytes");
    assert!(twice >= 2 * 32 * SIZE, "own values are shared");
    assert!(once < 33 * SIZE, "shared values are copied");
    drop(shared);
}

fn collected_entries_leave_no_log_after_the_first_write() {
    let (map, one) = std_map();
    drop(map);
    let (map, two) = held(|| {
        let map: ConcurrentHashMap<u64, u64> = (0..ENTRIES).map(|n| (n, n)).collect();
        map.insert(0, 1);
        map
    });
    let ratio = two as f64 / one as f64;
    println!("{ENTRIES} entries collected, one write later: {two} bytes, {ratio:.3} x std's {one}");
    assert!(ratio <= if cfg!(miri) { 20.0 } else { 2.05 }, "{ratio}");
    drop(map);
}

const LARGE: usize = 1 << 14;
type Large = [u8; LARGE];

#[track_caller]
fn assert_grew_less(before: usize, limit: usize) {
    let grown = Counting::live().saturating_sub(before);
    assert!(grown < limit, "{grown} more bytes are in use");
}

/// The log of a batch holds one entry for each key, and later keeps a bounded allocation.
fn log_grows_with_keys_and_not_with_calls() {
    let calls = if cfg!(miri) { 20 } else { 20_000 };
    let (mut writer, _reader) = dbuf_hashmap::new::<u32, Large>();
    writer.write().insert(1, [0; LARGE]);
    writer.catch_up();
    let before = Counting::live();
    let mut batch = writer.write();
    for _ in 0..calls {
        batch.update(&1, |value| value[0] = value[0].wrapping_add(1));
        *batch.entry(1).or_insert([0; LARGE]) = [1; LARGE];
        batch.values_mut().for_each(|value| value[1] = 1);
    }
    assert_grew_less(before, LARGE);
    batch.publish();
    assert_grew_less(before, 2 * LARGE);
    writer.catch_up();
    assert_grew_less(before, 2 * LARGE);

    // The log entry of a repeated change holds no value.
    let before = Counting::live();
    let mut batch = writer.write();
    batch.change(&1, |value| value[0] = 7);
    batch.publish();
    assert_grew_less(before, LARGE);
    writer.catch_up();
}

fn removes_of_large_values_hold_keys() {
    let entries = if cfg!(miri) { 40 } else { 1_000 };
    let (mut writer, _reader) = Builder::new().capacity(entries).build::<usize, Large>();
    for n in 0..entries {
        writer.write().insert(n, [0; LARGE]);
    }
    writer.catch_up();
    let before = Counting::live();
    let mut batch = writer.write();
    for n in 0..entries {
        batch.remove(&n);
    }
    assert_grew_less(before, 4 * LARGE);
    batch.publish();
    writer.catch_up();
    assert_grew_less(before, 4 * LARGE);
    assert!(writer.write().is_empty());
}

fn clear_frees_what_the_log_held() {
    let entries = if cfg!(miri) { 40 } else { 1_000 };
    let map = Builder::new()
        .capacity(entries)
        .build_concurrent::<usize, Large>();
    map.insert(0, [0; LARGE]);
    map.insert(0, [0; LARGE]);
    let before = Counting::live();
    let mut batch = map.write();
    for n in 0..entries {
        batch.insert(n, [0; LARGE]);
    }
    let grown = Counting::live() - before;
    assert!(grown > entries * LARGE, "the log holds {grown} bytes");
    batch.clear();
    // A log may keep 256 KiB.
    let most = (256 << 10) + 4 * LARGE;
    assert_grew_less(before, most);
    batch.publish();
    map.insert(0, [0; LARGE]);
    map.insert(0, [0; LARGE]);
    assert_grew_less(before, most);
}

/// One test, so that no other thread allocates in the meantime.
#[test]
fn memory() {
    log_grows_with_keys_and_not_with_calls();
    removes_of_large_values_hold_keys();
    clear_frees_what_the_log_held();
    collected_entries_leave_no_log_after_the_first_write();
    two_copies_cost_twice_a_map();
    log_of_a_large_batch_is_freed();
    change_allocates_nothing();
    shared_values_are_held_once();
}
