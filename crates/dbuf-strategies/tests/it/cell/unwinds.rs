//! The cell over a strategy that unwinds, and over one without a spare side.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use dbuf_strategies::core::BlockingStrategy;
use dbuf_strategies::{CellGuard, CountStrategy, EpochStrategy, FlashStrategy, LockStrategy};

use super::{AnyCell, Bomb};
use crate::common::hooked::{UNWINDS, Unwinds, unwinding};
use crate::common::{Count, elsewhere, panics_with, poll};

/// The front always holds a value (K1), and each value is dropped once.
fn a_start_unwinds<S: BlockingStrategy, const SPARE: bool>(new: fn() -> Unwinds<S, SPARE>) {
    for script in (0..4_usize.pow(4)).step_by(if cfg!(miri) { 19 } else { 1 }) {
        let takes_out = script.count_ones() % 2 == 0;
        let drops = Arc::new(AtomicUsize::new(0));
        let value = |n: usize| (n, Bomb(Arc::clone(&drops), false));
        let cell = AnyCell::with_strategy(value(0), new());
        let mut published = 0;
        let mut guard = Some(cell.read());
        for step in 0..4 {
            let at = script / 4_usize.pow(step) % 4;
            let n = step as usize + 1;
            let is_kept = guard.is_some();
            elsewhere(|| {
                UNWINDS.set(at as u8);
                let store = || cell.store_timeout(value(n), Duration::ZERO).is_ok();
                let unwound = catch_unwind(AssertUnwindSafe(store));
                UNWINDS.set(0);
                let did = match unwound {
                    Ok(did) => {
                        assert!(
                            did || (is_kept && !SPARE),
                            "refused although no guard stops it"
                        );
                        did
                    }
                    Err(_) => at == 2,
                };
                if did {
                    assert_eq!(cell.version(), CellGuard::version(&cell.read()));
                    assert_eq!(cell.read().0, n);
                    published = n;
                }
                assert_eq!(cell.read().0, published);
            });
            if let Some(guard) = &guard {
                assert_eq!(guard.0, 0);
            }
            if step == 2 {
                guard = None;
            }
        }
        drop(guard);
        if takes_out {
            assert_eq!(cell.into_inner().0, published);
        } else {
            cell.catch_up();
            assert_eq!((cell.read().0, drops.load(SeqCst)), (published, 4));
            drop(cell);
        }
        assert_eq!(drops.load(SeqCst), 5);
    }
}

#[test]
fn starts_that_unwind() {
    a_start_unwinds::<_, true>(|| unwinding(CountStrategy::new()));
    if !cfg!(miri) {
        a_start_unwinds::<_, false>(|| unwinding(CountStrategy::new()));
        a_start_unwinds::<_, true>(|| unwinding(EpochStrategy::new()));
        a_start_unwinds::<_, true>(|| unwinding(FlashStrategy::new()));
        a_start_unwinds::<_, true>(|| unwinding(LockStrategy::new()));
    }
}

/// Without a spare side, the second write under a guard panics, or waits.
#[test]
fn a_strategy_without_a_spare_side_waits() {
    let cell = AnyCell::with_strategy(0, unwinding::<_, false>(EpochStrategy::new()));
    let guard = cell.read();
    cell.store(1);
    panics_with(|| cell.store(2), "holds a guard");
    assert_eq!(cell.try_store(2), Err(2));
    elsewhere(|| assert_eq!(cell.store_timeout(2, Duration::ZERO), Err(2)));
    let (woken, waker) = Count::waker();
    let mut task = Box::pin(cell.store_async(3));
    assert!(poll(task.as_mut(), &waker).is_pending());
    cell.catch_up();
    assert_eq!((*guard, cell.load(), woken.wakes()), (0, 1, 0));
    drop(guard);
    assert_eq!(woken.wakes(), 1);
    assert!(poll(task.as_mut(), &waker).is_ready());
    assert_eq!((cell.load(), cell.stragglers()), (3, 0));
}
