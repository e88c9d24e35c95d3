//! Which leaves wake a writer that waits for three readers.
#![forbid(unsafe_code)]

use std::task::Context;

use dbuf_strategies::core::{Strategy, arc};
use dbuf_strategies::{
    CountStrategy, EpochStrategy, Fence, FlashStrategy, LocalStrategy, LockStrategy,
};

use crate::common::Count;

/// Returns which of three readers wakes a writer that polled once, if they leave in this order.
fn wakes<S: Strategy>(strategy: S, order: [usize; 3]) -> Vec<usize> {
    let (mut writer, first) = arc(0, 0, strategy);
    let readers = [first.clone(), first.clone(), first];
    let mut guards = readers.each_ref().map(|reader| Some(reader.read()));
    assert!(writer.start_swap());
    let (count, waker) = Count::waker();
    let mut cx = Context::from_waker(&waker);
    assert!(writer.poll_finish(&mut cx).is_pending());
    let wakes = |reader: &usize| {
        let before = count.wakes();
        drop(guards[*reader].take());
        count.wakes() > before
    };
    order.into_iter().filter(wakes).collect()
}

const ORDERS: [[usize; 3]; 6] = [
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
];

/// Where guards are counted, only the last leave wakes.
#[test]
fn last_leave_alone_wakes_where_guards_are_counted() {
    for order in ORDERS {
        let last = vec![order[2]];
        assert_eq!(wakes(LockStrategy::new(), order), last);
        assert_eq!(wakes(CountStrategy::new(), order), last);
        assert_eq!(wakes(FlashStrategy::new(), order), last);
        assert_eq!(wakes(LocalStrategy::new(), order), last);
    }
}

/// Epoch asks one straggler, and only its leave wakes.
#[test]
fn straggler_that_was_asked_alone_wakes() {
    for fence in [Fence::Symmetric, Fence::Asymmetric] {
        let asked = wakes(EpochStrategy::with_fence(fence), ORDERS[0]);
        assert_eq!(asked.len(), 1);
        for order in ORDERS {
            assert_eq!(wakes(EpochStrategy::with_fence(fence), order), asked);
            assert_eq!(wakes(EpochStrategy::new(), order), asked);
        }
    }
}
