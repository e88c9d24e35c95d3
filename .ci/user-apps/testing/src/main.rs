//! `dbuf-testing`: its suite, and what it is run on by its re-exports.

use std::sync::Arc;

use dbuf_testing::strategies::LockStrategy;
use dbuf_testing::suite::{self, SuitePtr, buffer};

fn handles<P: SuitePtr>(new: impl Fn() -> P) {
    suite::claim_is_exclusive(&new);
    suite::nested_guards_go_in_any_order(&new);
    suite::forgotten_guard_only_delays_the_writer(&new);
}

fn main() {
    handles(|| Arc::new(buffer(LockStrategy::new())));
    handles(|| &*Box::leak(Box::new(buffer(LockStrategy::new()))));
}
