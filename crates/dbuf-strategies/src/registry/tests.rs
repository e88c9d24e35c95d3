//! Tests of the registry and its view.

use alloc::vec::Vec;

use super::Registry;
use super::chunk::CHUNK;
#[cfg(feature = "epoch")]
use super::view::View;

#[test]
fn lowest_free_slot_is_given_out_first() {
    let registry = Registry::<u8>::new(());
    let mut taken: Vec<_> = (0..3 * CHUNK)
        .map(|_| registry.register(|_, ()| {}))
        .collect();
    for number in [CHUNK + 1, 3, 2 * CHUNK] {
        registry.free(&mut taken[number], |_, ()| {});
    }
    let next = || registry.register(|_, ()| {}).number;
    assert_eq!(
        [next(), next(), next(), next()],
        [3, CHUNK + 1, 2 * CHUNK, 3 * CHUNK]
    );
}

#[test]
fn chunks_without_a_reader_leave_the_list() {
    let registry = Registry::<u8>::new(());
    let mut taken: Vec<_> = (0..100 * CHUNK)
        .map(|_| registry.register(|_, ()| {}))
        .collect();
    let (last, others) = taken.split_last_mut().unwrap();
    for registration in others {
        registry.free(registration, |_, ()| {});
    }
    let kept = || {
        let list = registry.list.lock();
        list.chunks
            .iter()
            .filter(|entry| entry.chunk.is_some())
            .count()
    };
    assert_eq!(kept(), 1);
    registry.free(last, |_, ()| {});
    assert_eq!(kept(), 0);
    assert!(registry.list.lock().chunks.capacity() < 100);
}

#[test]
#[cfg(feature = "flash")]
fn only_taken_slots_are_visited() {
    let registry = Registry::<u8>::new(());
    let mut taken: Vec<_> = (0..50 * CHUNK)
        .map(|_| registry.register(|_, ()| {}))
        .collect();
    for number in (0..50 * CHUNK).filter(|number| number % 7 > 0) {
        registry.free(&mut taken[number], |_, ()| {});
    }
    let mut expected = taken
        .iter()
        .step_by(7)
        .map(|slot| core::ptr::from_ref(&**slot));
    registry.for_each(
        || {},
        |slot| assert_eq!(expected.next(), Some(core::ptr::from_ref(slot))),
    );
    assert_eq!(expected.next(), None);
}

#[test]
#[cfg(feature = "epoch")]
fn view_has_the_slots_that_are_taken() {
    let registry = Registry::<u8>::new(());
    let mut view = View::new();
    assert!(!registry.has_changed());
    let mut taken: Vec<_> = (0..3 * CHUNK)
        .map(|_| registry.register(|_, ()| {}))
        .collect();
    for number in 0..2 * CHUNK + 1 {
        assert!(registry.has_changed(), "{number}");
        registry.renew(&mut view, |_, ()| {});
        assert!(!registry.has_changed());
        assert!(view.iter().eq(taken[number..].iter().map(|taken| &**taken)));
        assert_eq!(view.iter().count(), taken.len() - number);
        registry.free(&mut taken[number], |_, ()| {});
    }
}
