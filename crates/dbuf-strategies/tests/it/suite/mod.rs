//! Every strategy behind every pointer. A new strategy is one line here.

use std::rc::Rc;
use std::sync::Arc;

use dbuf_strategies::{
    CountStrategy, DefaultStrategy, EpochStrategy, Fence, FlashStrategy, LocalStrategy,
    LockStrategy, Watched,
};
use dbuf_testing::suite;
use dbuf_testing::suite::buffer;

use crate::common::hooked::NoSpare;

macro_rules! concurrent {
    ($name:ident, $strategy:expr) => {
        mod $name {
            use super::*;

            suite!(arc: any, blocking, threads, owning, owning_threads => || Arc::new(buffer($strategy)));
            suite!(rc: any, blocking, owning => || Rc::new(buffer($strategy)));
            suite!(triomphe: any, blocking, threads, owning, owning_threads => || {
                triomphe::Arc::new(buffer($strategy))
            });
            suite!(reference: any, blocking, threads => || {
                &*Box::leak(Box::new(buffer($strategy)))
            });
        }
    };
}

concurrent!(lock, LockStrategy::new());
concurrent!(count, CountStrategy::new());
concurrent!(epoch, EpochStrategy::new());
concurrent!(epoch_symmetric, EpochStrategy::with_fence(Fence::Symmetric));
concurrent!(
    epoch_asymmetric,
    EpochStrategy::with_fence(Fence::Asymmetric)
);
concurrent!(flash, FlashStrategy::new());
concurrent!(default, DefaultStrategy::new());
concurrent!(watched_epoch, Watched::new(EpochStrategy::new()));
concurrent!(watched_flash, Watched::new(FlashStrategy::new()));
concurrent!(without_spare, NoSpare(EpochStrategy::new()));

mod local {
    use super::*;

    suite!(rc: any, owning => || Rc::new(buffer(LocalStrategy::new())));
    suite!(reference: any => || &*Box::leak(Box::new(buffer(LocalStrategy::new()))));
}

mod watched_local {
    use super::*;

    suite!(rc: any, owning => || Rc::new(buffer(Watched::new(LocalStrategy::new()))));
}
