//! Random steps, and what they must lead to.

use std::fmt::Debug;
use std::rc::Rc;

use dbuf_async::core::{DoubleBuffer, OpWriter, ReadGuard, Reader, Strategy};
use dbuf_async::strategies::{
    CountStrategy, EpochStrategy, FlashStrategy, LocalStrategy, LockStrategy, Watched,
};
use proptest::prelude::*;

use super::Push;
use super::agree::{cells_agree_with_the_model, log_agrees_with_the_model};

type Buffer<T, S> = DoubleBuffer<T, Watched<S>>;
pub(super) type Log<S> = OpWriter<Rc<Buffer<Vec<u32>, S>>, Push>;
type Guard<T, S> = ReadGuard<'static, Rc<Buffer<T, S>>>;

/// Guards, each of its own reader, with the value that each must keep.
pub(super) struct Guards<T: 'static, S: Strategy + 'static> {
    pub(super) reader: Reader<Rc<Buffer<T, S>>>,
    pub(super) live: Vec<(Guard<T, S>, T)>,
}

impl<T: Clone + PartialEq + Debug, S: Strategy> Guards<T, S> {
    pub(super) fn take(&mut self) {
        let reader: &'static Reader<_> = Box::leak(Box::new(self.reader.clone()));
        let guard = reader.read();
        let shown = guard.clone();
        self.live.push((guard, shown));
    }

    pub(super) fn release(&mut self, pick: usize) {
        if !self.live.is_empty() {
            drop(self.live.swap_remove(pick % self.live.len()));
        }
    }

    pub(super) fn check(&self) {
        for (guard, shown) in &self.live {
            assert_eq!(**guard, *shown, "a guarded side was written");
        }
    }

    /// Returns whether a guard holds the back.
    pub(super) fn hold_the_back(&self, version: u64) -> bool {
        self.live
            .iter()
            .any(|(guard, _)| ReadGuard::version(guard) < version)
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    Take,
    Release(usize),
    /// Holds a batch across an await, for at most `polls` polls.
    Write {
        polls: usize,
        end: u8,
    },
    Transact {
        polls: usize,
        fails: bool,
    },
    /// Calls the method that does not wait.
    WithoutWaiting,
    Watch {
        polls: usize,
    },
    Reclaim,
    Swap {
        polls: usize,
    },
    Finish {
        polls: usize,
    },
}

fn step() -> impl Strategies {
    prop_oneof![
        3 => Just(Step::Take),
        4 => any::<usize>().prop_map(Step::Release),
        4 => (0..4_usize, 0..4_u8).prop_map(|(polls, end)| Step::Write { polls, end }),
        4 => (0..4_usize, any::<bool>()).prop_map(|(polls, fails)| Step::Transact { polls, fails }),
        1 => Just(Step::WithoutWaiting),
        2 => (0..3_usize).prop_map(|polls| Step::Watch { polls }),
        1 => Just(Step::Reclaim),
        4 => (0..4_usize).prop_map(|polls| Step::Swap { polls }),
        2 => (0..3_usize).prop_map(|polls| Step::Finish { polls }),
    ]
}

use proptest::strategy::Strategy as Strategies_;
trait Strategies: Strategies_<Value = Step> {}
impl<G: Strategies_<Value = Step>> Strategies for G {}

/// The expected state of a log.
#[derive(Default)]
pub(super) struct Model {
    pub(super) published: Vec<u32>,
    pub(super) pending: Vec<u32>,
    pub(super) version: u64,
}

impl Model {
    pub(super) fn publish(&mut self) {
        if !self.pending.is_empty() {
            self.published.append(&mut self.pending);
            self.version += 1;
        }
    }
}

fn every_strategy(steps: &[Step]) {
    macro_rules! with {
        ($($strategy:ident),+) => {
            $(
                log_agrees_with_the_model($strategy::new(), steps);
                cells_agree_with_the_model($strategy::new(), steps);
            )+
        };
    }
    with!(
        LocalStrategy,
        CountStrategy,
        LockStrategy,
        EpochStrategy,
        FlashStrategy
    );
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 1 } else { 400 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn futures_dropped_after_any_poll_lose_nothing(
        steps in prop::collection::vec(step(), 1..if cfg!(miri) { 20 } else { 60 })
    ) {
        every_strategy(&steps);
    }
}
