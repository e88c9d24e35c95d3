//! A claim that unwinds.
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests always have std"
)]
#![cfg(all(target_os = "linux", feature = "watch", not(any(dbuf_loom, miri))))]

#[allow(dead_code, reason = "only a clock that fails")]
mod failing_clock;

use dbuf_strategies::core::{DoubleBuffer, Writer};
use dbuf_strategies::{EpochStrategy, Fence, Watched};

use failing_clock::unwinds_after;

/// The first claim of a process measures a fence, and unwinds if the clock fails. Then the
/// buffer is closed again. (Alone in its binary, since a process measures once.)
#[test]
fn claim_without_a_clock_can_be_made_again() {
    let buffer = DoubleBuffer::new(0, 0, Watched::new(EpochStrategy::new()));
    let unwound = unwinds_after(0, || drop(Writer::claim(&buffer)));
    assert!(
        Writer::claim(&buffer).is_ok(),
        "the claim that unwound was not given up"
    );

    // Without a barrier no fence is measured.
    let buffer = DoubleBuffer::new(0, 0, EpochStrategy::new());
    let writer = Writer::claim(&buffer).unwrap();
    assert_eq!(unwound, writer.strategy().fence() == Fence::Asymmetric);
}
