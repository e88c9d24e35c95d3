//! The pointer of `examples/custom_pointer.rs` passes the public suite.
#![allow(clippy::std_instead_of_alloc, reason = "tests always have std")]

use std::sync::Arc;

use dbuf_core::{DoubleBuffer, Strategy};
use dbuf_strategies::{CountStrategy, EpochStrategy, FlashStrategy};
use dbuf_testing::suite::buffer;
use dbuf_testing::{Tracked, suite};

#[allow(dead_code, reason = "the example has a main function")]
#[path = "../examples/custom_pointer.rs"]
mod custom_pointer;
use custom_pointer::{LimitOf, Service};

fn service<S: Strategy>(strategy: S) -> LimitOf<DoubleBuffer<Tracked, S, u32>> {
    LimitOf(Arc::new(Service {
        name: "suite",
        limit: buffer(strategy),
    }))
}

suite!(count: any, blocking, threads => || service(CountStrategy::new()));
suite!(epoch: any, blocking, threads => || service(EpochStrategy::new()));
suite!(flash: any, blocking, threads => || service(FlashStrategy::new()));
