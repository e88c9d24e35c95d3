//! Swaps, and the guards that delay them.

use core::mem;
use core::time::Duration;

use dbuf_core::{BlockingStrategy, ReadGuard, split};

use super::harness::SuitePtr;

/// C2: a second start is refused and does nothing.
pub fn start_is_refused_while_a_swap_is_unfinished<P: SuitePtr>(new: impl Fn() -> P) {
    let (mut writer, reader) = split(new()).unwrap();
    let guard = reader.read();
    writer.try_back_mut().unwrap().set(1);
    assert!(writer.start_swap());
    assert!(!writer.start_swap());
    assert_eq!(writer.version(), 1);
    assert_eq!(reader.read().get(), 1);
    assert!(writer.is_swapping());
    assert!(writer.stragglers() > 0);
    drop(guard);
    assert!(writer.start_swap());
    assert_eq!((writer.version(), reader.read().get()), (2, 0));
}

/// S2, C5: no call returns the back while a guard holds it.
pub fn unfinished_swap_gives_no_back<P: SuitePtr>(new: impl Fn() -> P) {
    let (mut writer, reader) = split(new()).unwrap();
    let guard = reader.read();
    assert!(writer.start_swap());
    assert!(writer.try_back_mut().is_none());
    assert!(!writer.try_finish());
    assert_eq!(guard.get(), 0);
    drop(guard);
    writer.try_back_mut().unwrap().set(2);
    assert!(!writer.is_swapping());
}

/// S5: queries have no side effects.
pub fn queries_change_nothing<P: SuitePtr>(new: impl Fn() -> P) {
    let (mut writer, reader) = split(new()).unwrap();
    let guard = reader.read();
    assert!(writer.start_swap());
    let before = writer.stragglers();
    assert!(before > 0);
    assert_eq!(writer.stragglers(), before);
    assert!(writer.is_swapping());
    drop(guard);
    assert!(writer.try_finish());
    assert!(!writer.is_swapping());
    // A guard on the front does not make the swap unfinished again.
    let _guard = reader.read();
    assert!(!writer.is_swapping());
    assert_eq!(writer.stragglers(), 0);
    assert!(writer.try_finish());
}

/// A guard is a snapshot: its value and version stay the same through a swap.
pub fn guard_keeps_its_value_and_version<P: SuitePtr>(new: impl Fn() -> P) {
    let (mut writer, reader) = split(new()).unwrap();
    writer.try_back_mut().unwrap().set(1);
    assert!(writer.start_swap());
    let guard = reader.read();
    assert!(writer.try_finish());
    writer.try_back_mut().unwrap().set(2);
    assert!(writer.start_swap());
    assert_eq!((guard.get(), ReadGuard::version(&guard)), (1, 1));
    let newer = reader.read();
    assert_eq!((newer.get(), ReadGuard::version(&newer)), (2, 2));
}

/// Guards of one reader on both sides are dropped in every order.
pub fn nested_guards_go_in_any_order<P: SuitePtr>(new: impl Fn() -> P) {
    // Two guards are on the old side and two on the new one.
    for order in permutations() {
        let (mut writer, reader) = split(new()).unwrap();
        let mut guards = [Some(reader.read()), Some(reader.read()), None, None];
        writer.try_back_mut().unwrap().set(1);
        assert!(writer.start_swap());
        guards[2] = Some(reader.read());
        guards[3] = Some(reader.read());
        for at in order {
            let old_side_held = guards[0].is_some() || guards[1].is_some();
            assert_eq!(writer.try_finish(), !old_side_held);
            for (at, guard) in guards.iter().enumerate() {
                if let Some(guard) = guard {
                    assert_eq!(guard.get(), usize::from(at >= 2));
                }
            }
            guards[at] = None;
        }
        assert!(writer.try_finish());
    }
}

pub(super) fn permutations() -> Vec<[usize; 4]> {
    let mut all = Vec::new();
    for code in 0..256_usize {
        let order = [code & 3, code >> 2 & 3, code >> 4 & 3, code >> 6 & 3];
        if (0..4).all(|at| order.contains(&at)) {
            all.push(order);
        }
    }
    assert_eq!(all.len(), 24);
    all
}

/// S12: a reader that runs `g = reader.read()` in a loop always holds a guard, and every swap still
/// finishes at the next step.
pub fn overlapping_guards_do_not_hold_the_writer_up<P: SuitePtr>(new: impl Fn() -> P) {
    let (mut writer, reader) = split(new()).unwrap();
    let mut guard = reader.read();
    for value in 1..20 {
        assert!(writer.try_finish());
        writer.try_back_mut().unwrap().set(value);
        assert!(writer.start_swap());
        assert!(!writer.try_finish());
        assert_eq!(guard.get(), value - 1);
        guard = reader.read();
        assert_eq!(guard.get(), value);
    }
}

/// S8: a forgotten guard may delay the writer; no call hangs or panics, no drop waits, and no
/// `&mut` to its value is returned.
pub fn forgotten_guard_only_delays_the_writer<P: SuitePtr>(new: impl Fn() -> P) {
    let (mut writer, reader) = split(new()).unwrap();
    mem::forget(reader.read());
    writer.try_back_mut().unwrap().set(1);
    assert!(writer.start_swap());
    assert!(writer.try_back_mut().is_none());
    assert_eq!(reader.read().get(), 1);
    let other = reader.clone();
    drop(reader);
    assert_eq!(other.read().get(), 1);
    drop(writer);
    assert_eq!(other.read().get(), 1);
}

/// `swap` publishes and finishes, and the old value is the back.
pub fn swap_publishes_and_finishes<P>(new: impl Fn() -> P)
where
    P: SuitePtr<Strategy: BlockingStrategy>,
{
    let (mut writer, reader) = split(new()).unwrap();
    for value in 1..=4 {
        writer.back_mut().set(value);
        writer.swap();
        assert!(!writer.is_swapping());
        assert_eq!(reader.read().get(), value);
        let (front, back) = writer.split_mut();
        assert_eq!((front.get(), back.get()), (value, value - 1));
    }
    assert_eq!(writer.version(), 4);
}

/// `store` replaces the value without reading it.
pub fn store_overwrites<P>(new: impl Fn() -> P)
where
    P: SuitePtr<Strategy: BlockingStrategy>,
{
    let (mut writer, reader) = split(new()).unwrap();
    writer.store(crate::tracked::Tracked::new(1));
    let guard = reader.read();
    writer.store(crate::tracked::Tracked::new(2));
    assert_eq!((guard.get(), reader.read().get()), (1, 2));
}

/// A timed wait for a guard of its own thread ends, and changes nothing.
pub fn finish_timeout_gives_up_and_changes_nothing<P>(new: impl Fn() -> P)
where
    P: SuitePtr<Strategy: BlockingStrategy>,
{
    let (mut writer, reader) = split(new()).unwrap();
    let guard = reader.read();
    assert!(writer.start_swap());
    assert!(!writer.finish_timeout(Duration::ZERO));
    assert!(!writer.finish_timeout(Duration::from_millis(1)));
    assert!(writer.is_swapping());
    drop(guard);
    assert!(writer.finish_timeout(Duration::ZERO));
    assert!(writer.finish_timeout(Duration::MAX));
}
