//! S12 under load: a swap does not wait for a guard that is taken after its start, while an
//! older guard of the same reader goes. The model `later_guard_does_not_hold_the_writer_up` is the proof;
//! this test needs two processors and luck to notice anything.
#![forbid(unsafe_code)]

use std::hint::spin_loop;
use std::sync::atomic::{
    AtomicUsize,
    Ordering::{Acquire, Release},
};
use std::time::Duration;

use dbuf_strategies::EpochStrategy;

fn until(flag: &AtomicUsize, round: usize) {
    while flag.load(Acquire) < round {
        spin_loop();
    }
}

#[test]
fn later_guard_does_not_hold_the_writer_up() {
    let rounds = if cfg!(miri) { 300 } else { 2_000 };
    let (mut writer, reader) = dbuf_strategies::core::arc(0_usize, 0, EpochStrategy::new());
    let [ready, go, started, taken, done] = [const { AtomicUsize::new(0) }; 5];
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let reader = reader;
            for round in 1..=rounds {
                ready.store(round, Release);
                until(&go, round);
                (0..round % 37).for_each(|_| spin_loop());
                let outer = reader.read();
                until(&started, round);
                // The swap is started, so this guard is on its new side.
                let inner = reader.read();
                assert_eq!(*inner, round);
                drop(outer);
                taken.store(round, Release);
                until(&done, round);
            }
        });
        let mut held_up = 0_usize;
        for round in 1..=rounds {
            *writer.back_mut() = round;
            until(&ready, round);
            go.store(round, Release);
            (0..round % 41).for_each(|_| spin_loop());
            writer.start_swap();
            started.store(round, Release);
            until(&taken, round);
            // The reader sleeps until the writer has finished.
            held_up += usize::from(!writer.finish_timeout(Duration::from_millis(20)));
            done.store(round, Release);
        }
        assert_eq!(
            held_up, 0,
            "swaps of {rounds} that waited for a newer guard"
        );
    });
}
