//! The strategy of `examples/custom_strategy.rs`, written against the documented
//! contract alone, passes the public suite.
#![allow(clippy::std_instead_of_alloc, reason = "tests always have std")]

use std::rc::Rc;
use std::sync::Arc;

use dbuf_testing::suite;
use dbuf_testing::suite::buffer;

#[allow(dead_code, reason = "the example has a main function")]
#[path = "../examples/custom_strategy.rs"]
mod custom_strategy;
use custom_strategy::ThreeCounts;

suite!(arc: any, blocking, threads, owning, owning_threads => || Arc::new(buffer(ThreeCounts::default())));
suite!(rc: any, blocking, owning => || Rc::new(buffer(ThreeCounts::default())));
suite!(reference: any, blocking, threads => || &*Box::leak(Box::new(buffer(ThreeCounts::default()))));
