//! Guards that hold a copy which a writer needs: they are counted, and their threads are named.

use std::mem;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use dbuf_hashmap::strategies::{CountStrategy, EpochStrategy, FlashStrategy, LockStrategy};
use dbuf_hashmap::{
    BlockingStrategy, Builder, DefaultStrategy, OnStraggler, PublishPolicy, Published,
};

use super::with_policy;

/// A guard of another thread blocks writers after one publish. `stragglers` shows it, and the
/// waiting writers do not hold the lock.
#[test]
fn a_stuck_reader_is_visible_and_holds_no_lock() {
    let map = with_policy(PublishPolicy::Immediate);
    let (taken, release) = (Barrier::new(2), Barrier::new(2));
    thread::scope(|scope| {
        scope.spawn(|| {
            let _guard = map.read();
            taken.wait();
            release.wait();
        });
        taken.wait();
        assert_eq!(map.stragglers(), 0);
        map.insert(1, 1);
        assert_eq!(map.stragglers(), 1);
        assert!(map.try_write().is_none(), "the reader is stuck");
        let waits = scope.spawn(|| map.insert(2, 2));
        let timed = map.write_timeout(Duration::from_millis(5));
        assert!(timed.is_none(), "the reader is stuck");
        // The waiting writer does not hold the lock, which this call needs.
        assert_eq!(map.publish(), Published::Nothing);
        assert_eq!((map.stragglers(), map.len()), (1, 1));
        release.wait();
        assert_eq!(waits.join().unwrap(), None);
    });
    assert_eq!(map.len(), 2);
    let mut batch = map.write_timeout(Duration::from_secs(60)).unwrap();
    assert_eq!(batch.insert(2, 3), Some(2));
}

/// Strategies that know the threads name them, for the copy that the next write waits for and for
/// the one that was set aside. A thread that forgot a guard is named even after its end.
#[test]
fn straggling_threads_are_named() {
    fn check<S: BlockingStrategy>(strategy: S, knows: bool) {
        let on_straggler = OnStraggler::Spare {
            after: Duration::ZERO,
            up_to: usize::MAX,
        };
        let map = Builder::new()
            .strategy(strategy)
            .on_straggler(on_straggler)
            .build_concurrent();
        let named = |expected: &[&str]| {
            let threads = map.straggling_threads();
            let mut names: Vec<_> = threads
                .iter()
                .map(|thread| thread.name().unwrap())
                .collect();
            names.sort_unstable();
            assert_eq!(names, if knows { expected } else { &[] });
        };
        let (kept, end) = (Barrier::new(2), Barrier::new(3));
        let thread = |name: &str| thread::Builder::new().name(name.to_owned());
        thread::scope(|scope| {
            let keeps = || {
                let guard = map.read();
                kept.wait();
                end.wait();
                drop(guard);
            };
            thread("first").spawn_scoped(scope, keeps).unwrap();
            kept.wait();
            named(&[]);
            map.insert(1, 1);
            named(&["first"]);
            map.insert(1, 2);
            named(&["first"]);
            thread("second").spawn_scoped(scope, keeps).unwrap();
            kept.wait();
            map.insert(1, 3);
            named(&["first", "second"]);
            end.wait();
        });
        named(&[]);
        let forgets = || mem::forget(map.read());
        thread::scope(|scope| _ = thread("third").spawn_scoped(scope, forgets).unwrap());
        map.insert(1, 4);
        named(&["third"]);
        map.insert(1, 5);
        named(&["third"]);
    }
    check(EpochStrategy::new(), true);
    check(FlashStrategy::new(), true);
    check(DefaultStrategy::new(), true);
    #[cfg(feature = "async")]
    check(dbuf_hashmap::Watched::new(EpochStrategy::new()), true);
    check(CountStrategy::new(), false);
    check(LockStrategy::new(), false);
}
