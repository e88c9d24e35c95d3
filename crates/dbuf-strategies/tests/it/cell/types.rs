//! Cells in a `static`, over a used strategy, at the address of another; and their traits.

use std::cell::Cell;
use std::mem::forget;
use std::panic::catch_unwind;
use std::rc::Rc;
use std::sync::MutexGuard;

use dbuf_strategies::core::Strategy;
use dbuf_strategies::{
    CellGuard, ConcurrentCell, CountStrategy, DefaultStrategy, EpochStrategy, FlashStrategy,
    LockStrategy, Watched,
};

use super::{AnyCell, Plain};
use crate::common::{elsewhere, panics_with};

static COUNT: AnyCell<&str, CountStrategy> = AnyCell::with_strategy("a", CountStrategy::new());
static FLASH: AnyCell<&str, FlashStrategy> = AnyCell::with_strategy("a", FlashStrategy::new());
static LOCK: AnyCell<&str, LockStrategy> = AnyCell::with_strategy("a", LockStrategy::new());
static WATCHED: AnyCell<&str, Watched<DefaultStrategy>> =
    AnyCell::with_strategy("a", Watched::new(DefaultStrategy::new()));

#[test]
fn every_strategy_makes_a_static_cell() {
    COUNT.store("b");
    FLASH.store("c");
    LOCK.store("d");
    WATCHED.store("e");
    let read = [COUNT.load(), FLASH.load(), LOCK.load(), WATCHED.load()];
    assert_eq!(read, ["b", "c", "d", "e"]);
}

/// A used strategy is refused: its front may be the empty side, or it may be claimed elsewhere.
#[test]
fn a_used_strategy_is_refused() {
    let claimed = CountStrategy::new();
    assert!(claimed.try_claim_writer().is_some()); // never released
    let swapped = CountStrategy::new();
    let mut token = swapped.try_claim_writer().unwrap();
    // SAFETY: this strategy's token (C1), finished (C2), and there is no data (C5).
    unsafe { swapped.start_swap(&mut token) };
    // SAFETY: this strategy's token (C1).
    unsafe { swapped.release_writer(token) };
    for strategy in [claimed, swapped] {
        let cell = AnyCell::with_strategy(Plain(1), strategy);
        panics_with(|| drop(cell.read()), "not fresh");
        panics_with(|| cell.store(Plain(2)), "not fresh");
        panics_with(|| assert_eq!(cell.stragglers(), 0), "not fresh");
        assert_eq!(cell.into_inner(), Plain(1));
    }
}

/// A cell is moved to the address of another cell, of which a thread has a token.
#[test]
fn a_cell_takes_the_address_of_another() {
    let mut boxed = Box::new(AnyCell::with_strategy(
        String::from("a"),
        EpochStrategy::new(),
    ));
    for round in 0..20 {
        assert_eq!(boxed.load().len(), 1 + round % 2);
        if round % 3 == 0 {
            forget(boxed.read());
        }
        elsewhere(|| assert_eq!(boxed.read().len(), 1 + round % 2));
        let next = AnyCell::with_strategy(String::from("b"), EpochStrategy::new());
        if round % 2 == 0 {
            next.store(String::from("bb"));
            let guard = next.read();
            elsewhere(|| next.store(String::from("cc")));
            forget(guard);
        }
        *boxed = next;
        assert_eq!(boxed.version(), if round % 2 == 0 { 2 } else { 0 });
    }
}

#[test]
fn common_traits_are_implemented() {
    let cell = ConcurrentCell::from(3);
    assert_eq!(
        format!("{cell:?} {:?} {}", cell.read(), cell.read()),
        "ConcurrentCell(3) 3 3"
    );
    assert_eq!(<ConcurrentCell<Vec<u8>>>::default().into_inner(), [0; 0]);
    assert_eq!(<ConcurrentCell<u8>>::from(7).into_inner(), 7);
    // The cell is consistent after a panic that was caught.
    assert!(catch_unwind(|| cell.update(|_| panic!("closure"))).is_err());
    // `Debug` shows the published value, even during a write.
    cell.update(|n| {
        *n = 4;
        assert_eq!(format!("{cell:?}"), "ConcurrentCell(3)");
    });
    assert_eq!(cell.load(), 4);
}

fn is_sync<T: Sync>() {}

fn is_send_and_sync<T: Send + Sync>() {}

#[test]
fn a_cell_is_shared_where_its_value_is() {
    trait Ambiguous<A> {
        fn is_not_sync() {}
    }
    impl<T: ?Sized> Ambiguous<()> for T {}
    struct Is;
    impl<T: ?Sized + Sync> Ambiguous<Is> for T {}

    is_send_and_sync::<ConcurrentCell<String>>();
    is_send_and_sync::<ConcurrentCell<String, FlashStrategy>>();
    // Each fails to compile, being ambiguous, if the type is `Sync`.
    <ConcurrentCell<Cell<u8>> as Ambiguous<_>>::is_not_sync();
    <ConcurrentCell<Rc<u8>> as Ambiguous<_>>::is_not_sync();
    <ConcurrentCell<MutexGuard<'static, ()>> as Ambiguous<_>>::is_not_sync();
    <CellGuard<'static, Cell<u8>> as Ambiguous<_>>::is_not_sync();
    is_sync::<CellGuard<'static, u8>>();
}
