//! Tasks that write to the map and await its changes.

mod cancel;
mod regressions;
// Not under Miri, which does not support what multi-threaded executors sleep on.
#[cfg(not(miri))]
mod executors;
mod local;
mod panics;
// Nor this and `turns`: Miri's clock counts steps, and a turn is over after a few hundred.
#[cfg(not(miri))]
mod patience;
mod queue;
mod send;
#[cfg(not(miri))]
mod turns;
#[cfg(not(miri))]
mod wakers;
mod watch;

/// Runs a generic test over every strategy that a `ConcurrentHashMap` can have.
macro_rules! over_strategies {
    ($($name:ident)+) => {
        mod over {
            use dbuf_hashmap::strategies::{
                CountStrategy, EpochStrategy, FlashStrategy, LockStrategy,
            };
            $(
                #[test]
                fn $name() {
                    super::$name(CountStrategy::new);
                    super::$name(EpochStrategy::new);
                    super::$name(FlashStrategy::new);
                    super::$name(LockStrategy::new);
                }
            )+
        }
    };
}
use over_strategies;

/// The bounds of such a map on its strategy.
trait MapStrategy: dbuf_hashmap::BlockingStrategy + 'static {}

impl<S> MapStrategy for S where S: dbuf_hashmap::BlockingStrategy + 'static {}

/// A watched map of numbers.
type Map<S> =
    dbuf_hashmap::ConcurrentHashMap<u32, u32, std::hash::RandomState, dbuf_hashmap::Watched<S>>;

fn map<S: MapStrategy>(strategy: S) -> Map<S> {
    map_with(strategy, dbuf_hashmap::PublishPolicy::Immediate)
}

fn map_with<S: MapStrategy>(strategy: S, policy: dbuf_hashmap::PublishPolicy) -> Map<S> {
    dbuf_hashmap::Builder::new()
        .strategy(strategy)
        .publish_policy(policy)
        // However long a test is stopped, it waits.
        .on_straggler(dbuf_hashmap::OnStraggler::Wait)
        .watched()
        .build_concurrent()
}
