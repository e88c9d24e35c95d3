//! How much a wait allocates.
#![cfg(not(any(dbuf_loom, miri)))]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests always have std"
)]

use std::task::{Context, Waker};

use dbuf_strategies::core::arc;
use dbuf_strategies::{CountStrategy, Watched};
use dbuf_testing::Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A wait allocates only when the list grows. Ten thousand rounds with the same number of
/// waiters do not grow it.
#[test]
fn waits_in_the_long_run_allocate_nothing() {
    let (mut writer, reader) = arc(0, 0, Watched::new(CountStrategy::new()));
    let mut waiters = [(); 3].map(|()| reader.strategy().waiter());
    let mut cx = Context::from_waker(Waker::noop());
    let mut before = 0;
    for round in 0..10_000_u64 {
        if round == 10 {
            before = Counting::calls();
        }
        for waiter in &mut waiters {
            assert!(waiter.poll_changed(round, &mut cx).is_pending());
        }
        writer.store(1);
    }
    let allocations = Counting::calls() - before;
    // The threads of the test runner may allocate a little.
    assert!(allocations < 100, "{allocations} allocations");
}
