//! Handles: claims, readers, extras and mapped guards.

use core::mem;

use dbuf_core::{ClaimError, MappedReadGuard, ReadGuard, Reader, Side, Strategy, Writer, split};

use super::harness::{EXTRAS, SuitePtr};

/// S5, S9: a new strategy is finished, and the first value is the front.
pub fn fresh_strategy_is_finished_and_shows_a<P: SuitePtr>(new: impl Fn() -> P) {
    let (mut writer, reader) = split(new()).unwrap();
    assert!(!writer.is_swapping());
    assert_eq!(writer.strategy().front(), Side::A);
    assert_eq!(writer.version(), 0);
    assert_eq!(writer.stragglers(), 0);
    writer.try_back_mut().unwrap().set(1);
    assert_eq!(reader.read().get(), 0);
    assert_eq!(writer.front().get(), 0);
}

/// S1: only one claim exists at a time, and dropping the writer ends it.
pub fn claim_is_exclusive<P: SuitePtr>(new: impl Fn() -> P) {
    let ptr = new();
    let reader = Reader::new(ptr.clone());
    assert!(reader.is_closed());
    let writer = Writer::claim(ptr.clone()).unwrap();
    assert!(!reader.is_closed());
    assert_eq!(Writer::claim(ptr.clone()).unwrap_err(), ClaimError);
    drop(writer);
    assert!(reader.is_closed());
    assert!(Writer::claim(ptr).is_ok());
}

/// S5, S10: the next writer finds an unfinished swap unfinished.
pub fn claim_after_a_drop_continues_the_swap<P: SuitePtr>(new: impl Fn() -> P) {
    let ptr = new();
    let (mut writer, reader) = split(ptr.clone()).unwrap();
    let guard = reader.read();
    writer.try_back_mut().unwrap().set(1);
    assert!(writer.start_swap());
    drop(writer);
    let mut writer = Writer::claim(ptr).unwrap();
    assert!(writer.is_swapping());
    assert!(writer.try_back_mut().is_none());
    assert_eq!(writer.version(), 1);
    assert_eq!(writer.front().get(), 1);
    assert_eq!(guard.get(), 0);
    drop(guard);
    assert_eq!(writer.try_back_mut().unwrap().get(), 0);
}

/// S1: a forgotten writer keeps its claim, and readers still work.
pub fn forgotten_writer_stays_claimed<P: SuitePtr>(new: impl Fn() -> P) {
    let ptr = new();
    let (writer, reader) = split(ptr.clone()).unwrap();
    mem::forget(writer);
    assert_eq!(Writer::claim(ptr.clone()).unwrap_err(), ClaimError);
    assert_eq!(reader.read().get(), 0);
    assert!(!reader.is_closed());
}

/// Handles of two buffers are swapped with `mem::swap`: each still works on its own buffer.
pub fn swapped_handles_keep_their_buffers<P: SuitePtr>(new: impl Fn() -> P) {
    let (mut one, one_reader) = split(new()).unwrap();
    let (mut two, two_reader) = split(new()).unwrap();
    let guard = one_reader.read();
    one.try_back_mut().unwrap().set(1);
    assert!(one.start_swap());
    mem::swap(&mut one, &mut two);
    // After that, `two` is the writer of the first buffer, whose swap is unfinished.
    assert!(two.try_back_mut().is_none());
    one.try_back_mut().unwrap().set(2);
    assert!(one.start_swap());
    assert_eq!(guard.get(), 0);
    assert_eq!(one_reader.read().get(), 1);
    assert_eq!(two_reader.read().get(), 2);
    drop(guard);
    assert!(two.try_back_mut().is_some());
}

/// A reader that is made after an odd number of swaps reads the front.
pub fn reader_made_after_odd_swaps_sees_the_front<P: SuitePtr>(new: impl Fn() -> P) {
    let (mut writer, _) = split(new()).unwrap();
    for value in 1..=5 {
        writer.try_back_mut().unwrap().set(value);
        assert!(writer.start_swap());
        let reader = writer.reader();
        let guard = reader.read();
        assert_eq!(guard.get(), value);
        assert_eq!(ReadGuard::version(&guard), value as u64);
        drop(guard);
        assert!(writer.try_finish());
        assert_eq!(writer.reader().read().get(), value);
        assert_eq!(reader.clone().read().get(), value);
    }
}

/// A reader that is made during a swap, on a thread that holds a guard, reads the front and does
/// not delay that swap.
pub fn reader_made_during_a_swap_sees_the_front<P: SuitePtr>(new: impl Fn() -> P) {
    let (mut writer, reader) = split(new()).unwrap();
    let guard = reader.read();
    writer.try_back_mut().unwrap().set(1);
    assert!(writer.start_swap());
    let made = writer.reader();
    let cloned = reader.clone();
    let newer = made.read();
    assert_eq!(newer.get(), 1);
    assert_eq!(cloned.read().get(), 1);
    drop(cloned);
    assert!(!writer.try_finish());
    assert_eq!(guard.get(), 0);
    drop(guard);
    assert!(writer.try_finish());
    assert_eq!(newer.get(), 1);
}

/// Every handle and guard returns the same extras.
pub fn extras_are_reachable_from_everywhere<P: SuitePtr>(new: impl Fn() -> P) {
    let (writer, reader) = split(new()).unwrap();
    assert_eq!(*writer.extras(), EXTRAS);
    assert_eq!(*reader.extras(), EXTRAS);
    let guard = reader.read();
    assert_eq!(*ReadGuard::extras(&guard), EXTRAS);
    let mapped = ReadGuard::map(guard, |_, extras| extras);
    assert_eq!(*mapped, EXTRAS);
    assert_eq!(*MappedReadGuard::extras(&mapped), EXTRAS);
}

/// A mapped guard keeps its side; `try_map` returns the guard if it fails.
pub fn guards_narrow_to_a_part<P: SuitePtr>(new: impl Fn() -> P) {
    let (mut writer, reader) = split(new()).unwrap();
    let guard = ReadGuard::try_map(reader.read(), |_, _| None::<&u8>).unwrap_err();
    let mapped = ReadGuard::map(guard, |value, _| value);
    let mapped = MappedReadGuard::try_map(mapped, |_, _| None::<&u8>).unwrap_err();
    let mapped = MappedReadGuard::map(mapped, |value, _| value);
    writer.try_back_mut().unwrap().set(1);
    assert!(writer.start_swap());
    assert!(!writer.try_finish());
    assert_eq!((mapped.get(), MappedReadGuard::version(&mapped)), (0, 0));
    drop(mapped);
    assert!(writer.try_finish());
}
