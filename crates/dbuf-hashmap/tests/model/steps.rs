//! The steps of a test, as proptest and `Arbitrary` make them.

use arbitrary::{Arbitrary, Unstructured};
use proptest::prelude::*;
use proptest::strategy::Strategy as Generate;

use super::fixture::Fixture;

#[derive(Arbitrary, Clone, Copy, Debug, PartialEq)]
pub(crate) enum Ending {
    Publish,
    Drop,
    Defer,
    DeferThenPublish,
    Rollback,
    /// Dropped after `rollback_on_drop`.
    RollbackOnDrop,
    Forget,
    TransactOk,
    TransactErr,
    TransactPanic,
    /// A closure panics (or the test does, if the closure is not called).
    Panic(#[arbitrary(with = few)] u8),
    /// The same, but the panic is caught while the batch lives.
    CaughtPanic(#[arbitrary(with = few)] u8),
}

#[derive(Arbitrary, Clone, Debug)]
pub(crate) enum Step<C> {
    Batch(Vec<C>, Ending),
    TakeGuard(#[arbitrary(with = which)] usize),
    DropGuard(#[arbitrary(with = nth)] usize),
}

/// One of the keys.
pub(crate) fn few(bytes: &mut Unstructured<'_>) -> arbitrary::Result<u8> {
    bytes.int_in_range(0..=11)
}

/// One of the readers.
fn which(bytes: &mut Unstructured<'_>) -> arbitrary::Result<usize> {
    bytes.int_in_range(0..=1)
}

/// A small number that is not 0.
pub(crate) fn nth(bytes: &mut Unstructured<'_>) -> arbitrary::Result<usize> {
    bytes.int_in_range(1..=4)
}

/// The number of entries to reserve room for.
pub(crate) fn room(bytes: &mut Unstructured<'_>) -> arbitrary::Result<usize> {
    bytes.int_in_range(0..=79)
}

fn endings() -> impl Generate<Value = Ending> {
    prop_oneof![
        3 => Just(Ending::Publish),
        3 => Just(Ending::Drop),
        2 => Just(Ending::Defer),
        1 => Just(Ending::DeferThenPublish),
        1 => Just(Ending::Rollback),
        1 => Just(Ending::RollbackOnDrop),
        1 => Just(Ending::Forget),
        1 => Just(Ending::TransactOk),
        1 => Just(Ending::TransactErr),
        1 => Just(Ending::TransactPanic),
        1 => (0..12_u8).prop_map(Ending::Panic),
        1 => (0..12_u8).prop_map(Ending::CaughtPanic),
    ]
}

pub(crate) fn steps<W: Fixture>() -> impl Generate<Value = Vec<Step<W::Change>>> {
    let changes = prop::collection::vec(W::changes(), 0..if cfg!(miri) { 4 } else { 8 });
    let step = prop_oneof![
        4 => (changes, endings()).prop_map(|(changes, ending)| Step::Batch(changes, ending)),
        1 => (0..2_usize).prop_map(Step::TakeGuard),
        1 => (0..8_usize).prop_map(Step::DropGuard),
    ];
    prop::collection::vec(step, 1..if cfg!(miri) { 12 } else { 40 })
}

pub(crate) fn config() -> ProptestConfig {
    ProptestConfig {
        cases: if cfg!(miri) { 2 } else { 256 },
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}
