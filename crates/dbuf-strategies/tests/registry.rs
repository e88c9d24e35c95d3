//! Readers come and go in every order: a swap waits for exactly those that have guards.
#![cfg(not(dbuf_loom))]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests always have std"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::mem;

use dbuf_strategies::core::{OwnedReadGuard, Strategy, arc};
use dbuf_strategies::{EpochStrategy, FlashStrategy};

thread_local! {
    /// Bytes that this thread has allocated and not freed.
    static HELD: Cell<isize> = const { Cell::new(0) };
}
struct Counting;
// SAFETY: `System` keeps the promises.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = HELD.try_with(|held| held.set(held.get() + layout.size() as isize));
        // SAFETY: the caller's promises.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        let _ = HELD.try_with(|held| held.set(held.get() - layout.size() as isize));
        // SAFETY: the caller's promises.
        unsafe { System.dealloc(at, layout) }
    }
}
#[global_allocator]
static COUNTING: Counting = Counting;

/// Random readers, each idle, with a live guard, or with a forgotten one (kills "a chunk in use
/// is freed", "a freed slot keeps its guards").
fn waits_for_exactly_those_with_guards<S: Strategy>(new: fn() -> S) {
    let (runs, steps) = if cfg!(miri) { (2, 60) } else { (60, 400) };
    for seed in 1..=runs {
        let (mut writer, first) = arc(0_u64, 0, new());
        let mut idle = vec![Box::new(first)];
        let mut guards = Vec::new();
        let mut forgotten = Vec::new();
        let mut random = 0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(seed);
        let mut value = 0;
        for _ in 0..steps {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let pick = (random >> 40) as usize;
            match (random >> 32) % 9 {
                // For a while more readers come than go, then more go than come.
                0 | 1 => idle.push(Box::new(writer.reader())),
                2 if pick % 4 == 0 => {
                    for _ in 0..20 {
                        idle.push(Box::new(writer.reader()));
                    }
                }
                3 if !idle.is_empty() => {
                    let at = pick % idle.len();
                    drop(idle.swap_remove(at));
                }
                4 if !idle.is_empty() => {
                    let at = pick % idle.len();
                    let guard = idle.swap_remove(at).into_guard();
                    let seen = *guard;
                    guards.push((guard, seen));
                }
                5 if !idle.is_empty() => {
                    let at = pick % idle.len();
                    let reader = idle.swap_remove(at);
                    mem::forget(reader.read());
                    forgotten.push(reader);
                }
                6 if pick % 8 == 0 => idle.truncate(pick % 5),
                6 if !forgotten.is_empty() => {
                    let at = pick % forgotten.len();
                    drop(forgotten.swap_remove(at));
                }
                7 if !guards.is_empty() => {
                    let at = pick % guards.len();
                    let (guard, seen) = guards.swap_remove(at);
                    assert_eq!(*guard, seen, "a guarded side was written");
                    idle.push(OwnedReadGuard::into_reader(guard));
                }
                8 => {
                    assert!(writer.try_finish());
                    value += 1;
                    *writer.try_back_mut().unwrap() = value;
                    let waits = guards.len() + forgotten.len();
                    assert!(writer.start_swap());
                    assert_eq!(writer.stragglers(), waits, "seed {seed}");
                    while let Some((guard, seen)) = guards.pop() {
                        assert!(writer.try_back_mut().is_none(), "seed {seed}");
                        assert_eq!(*guard, seen);
                        idle.push(OwnedReadGuard::into_reader(guard));
                    }
                    while let Some(reader) = forgotten.pop() {
                        assert!(writer.try_back_mut().is_none(), "seed {seed}");
                        drop(reader);
                    }
                    assert!(writer.try_finish(), "seed {seed}");
                }
                _ => {}
            }
        }
    }
}

#[test]
fn swaps_wait_for_exactly_those_with_guards() {
    waits_for_exactly_those_with_guards(EpochStrategy::new);
    waits_for_exactly_those_with_guards(FlashStrategy::new);
}

/// ANCHORS 4: slots are reused although a later one stays taken, and memory is freed.
fn churn_holds_no_memory<S: Strategy>(strategy: S) {
    let (writer, reader) = arc(0, 0, strategy);
    let crowd: Vec<_> = (0..20).map(|_| writer.reader()).collect();
    let mut readers = crowd;
    let before = HELD.get();
    for round in 0..if cfg!(miri) { 100 } else { 2000 } {
        // The last reader stays.
        readers[round % 19] = writer.reader();
    }
    assert!(
        HELD.get() - before < 8 << 10,
        "{} more bytes are allocated",
        HELD.get() - before
    );
    readers.clear();
    let before = HELD.get();
    let mut crowd: Vec<_> = (0..300).map(|_| writer.reader()).collect();
    let held = HELD.get() - before;
    assert!(held > 16 << 10, "{held} bytes for that many readers");
    crowd.clear();
    drop(crowd);
    assert!(
        HELD.get() - before < 16 << 10,
        "{} bytes are still allocated",
        HELD.get() - before
    );
    drop(reader);
}

#[test]
fn churn_of_readers_keeps_no_memory() {
    churn_holds_no_memory(EpochStrategy::new());
    churn_holds_no_memory(FlashStrategy::new());
}

/// ANCHORS 29: many readers that are gone cost neither memory nor time, although the last one
/// stays: a swap visits live readers only.
fn crowd_is_forgotten<S: Strategy>(strategy: S) {
    let (mut writer, reader) = arc(0, 0, strategy);
    assert!(writer.start_swap());
    let before = HELD.get();
    let mut crowd: Vec<_> = (0..if cfg!(miri) { 100 } else { 4_000 })
        .map(|_| writer.reader())
        .collect();
    let guards: Vec<_> = crowd.iter().map(|reader| reader.read()).collect();
    assert!(writer.start_swap());
    drop(guards);
    assert!(writer.try_finish());
    let last = crowd.pop();
    drop(crowd);
    assert!(writer.start_swap());
    let held = HELD.get() - before;
    assert!(held < 16 << 10, "{held} bytes are still allocated");
    assert!(writer.try_finish());
    drop((last, reader));
}

#[test]
fn bug_29_crowd_of_readers_is_forgotten() {
    crowd_is_forgotten(EpochStrategy::new());
    crowd_is_forgotten(FlashStrategy::new());
}
