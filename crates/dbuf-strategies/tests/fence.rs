//! Which fence readers use, and what happens when the kernel refuses the barrier, before
//! readers rely on it and after. System call filters last as long as their thread, so each
//! test that sets one runs in a process of its own.
#![cfg(all(target_os = "linux", not(any(dbuf_loom, miri))))]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests always have std"
)]

use std::sync::Barrier;
use std::task::{Context, Waker};
use std::thread;

use dbuf_strategies::core::{ArcReader, ArcWriter, Strategy, arc};
use dbuf_strategies::{EpochStrategy, Fence};

#[path = "../examples/refuse_membarrier/filter.rs"]
mod filter;
#[path = "common/process.rs"]
mod process;

use filter::{refuse_command, refuse_membarrier};
use process::{TO_THE_END, in_a_process};

type Handles = (ArcWriter<u64, EpochStrategy>, ArcReader<u64, EpochStrategy>);

fn handles(strategy: EpochStrategy) -> Handles {
    arc(0, 0, strategy)
}

/// Returns whether this machine has a barrier. Prints that it skips, if not.
fn has_barrier() -> bool {
    let (writer, _) = handles(EpochStrategy::with_fence(Fence::Asymmetric));
    let has = writer.strategy().fence() == Fence::Asymmetric;
    if !has {
        println!("SKIPPED in part: this process may not use membarrier");
    }
    has
}

fn passes(test: &str, body: impl FnOnce()) {
    process::passes(test, 0, |_| body());
}

/// Asserts that `body` aborts with a message that says `why` and names the alternative.
fn aborts(test: &str, why: &str, body: impl FnOnce()) {
    let output = in_a_process(test, 0, |_| body());
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        output.status.code(),
        None,
        "not ended by a signal: {stderr}"
    );
    assert!(stderr.contains(why), "{stderr}");
    assert!(stderr.contains("Fence::Symmetric"), "no advice: {stderr}");
}

/// Publishes while a reader has a guard on the old side each time, and sleeps for it.
fn publishes_and_sleeps((mut writer, reader): Handles) -> ArcWriter<u64, EpochStrategy> {
    const ROUNDS: u64 = 50;
    let (held, started) = (Barrier::new(2), Barrier::new(2));
    thread::scope(|scope| {
        scope.spawn(|| {
            let reader = reader;
            for round in 0..ROUNDS {
                let guard = reader.read();
                assert_eq!(*guard, round);
                held.wait();
                started.wait();
                // The writer waits or is about to. In both cases it must see the leave.
                assert_eq!(*guard, round);
            }
        });
        for round in 1..=ROUNDS {
            *writer.back_mut() = round;
            held.wait();
            writer.start_swap();
            assert_eq!(writer.stragglers(), 1);
            started.wait();
            writer.finish();
        }
    });
    writer
}

#[test]
fn first_claim_decides_the_fence() {
    let asymmetric = if has_barrier() {
        Fence::Asymmetric
    } else {
        Fence::Symmetric
    };
    for (strategy, after) in [
        (EpochStrategy::new(), asymmetric),
        (EpochStrategy::with_fence(Fence::Asymmetric), asymmetric),
        (
            EpochStrategy::with_fence(Fence::Symmetric),
            Fence::Symmetric,
        ),
    ] {
        assert_eq!(strategy.fence(), Fence::Symmetric, "before the first claim");
        let token = strategy.try_claim_writer().unwrap();
        assert_eq!(strategy.fence(), after);
        // SAFETY: this strategy's token (C1), and no handle uses the claim.
        unsafe { strategy.release_writer(token) };
        assert_eq!(strategy.fence(), after, "after the release");
        assert!(format!("{strategy:?}").contains(&format!("{after:?}")));
    }
}

#[test]
fn reader_from_before_the_first_claim_is_waited_for() {
    use dbuf_strategies::core::{DoubleBuffer, Reader, Writer};
    let buffer = DoubleBuffer::new(0, 0, EpochStrategy::new());
    let reader = Reader::new(&buffer);
    let guard = reader.read();
    let mut writer = Writer::claim(&buffer).unwrap();
    *writer.back_mut() = 1;
    writer.start_swap();
    assert!(writer.try_back_mut().is_none());
    assert_eq!((*guard, *reader.read()), (0, 1));
    drop(guard);
    assert!(writer.try_back_mut().is_some());
}

#[test]
fn every_fence_publishes_and_sleeps() {
    publishes_and_sleeps(handles(EpochStrategy::new()));
    publishes_and_sleeps(handles(EpochStrategy::with_fence(Fence::Symmetric)));
    publishes_and_sleeps(handles(EpochStrategy::with_fence(Fence::Asymmetric)));
}

#[test]
fn filter_before_the_first_claim_leaves_readers_fencing() {
    passes(
        "filter_before_the_first_claim_leaves_readers_fencing",
        || {
            refuse_membarrier(libc::EPERM);
            for strategy in [
                EpochStrategy::new(),
                EpochStrategy::with_fence(Fence::Asymmetric),
            ] {
                let writer = publishes_and_sleeps(handles(strategy));
                assert_eq!(writer.strategy().fence(), Fence::Symmetric);
            }
        },
    );
}

#[test]
fn filter_after_the_claim_ends_the_process_at_the_swap() {
    if has_barrier() {
        aborts(
            "filter_after_the_claim_ends_the_process_at_the_swap",
            "membarrier worked",
            || {
                let (mut writer, _reader) = handles(EpochStrategy::new());
                refuse_membarrier(libc::EPERM);
                writer.start_swap();
            },
        );
    }
}

#[test]
fn filter_after_the_swap_ends_the_process_at_the_sleep() {
    if has_barrier() {
        aborts(
            "filter_after_the_swap_ends_the_process_at_the_sleep",
            "membarrier worked",
            || {
                let (mut writer, reader) = handles(EpochStrategy::new());
                let guard = reader.read();
                writer.start_swap();
                refuse_membarrier(libc::EPERM);
                // A check needs no barrier; only a sleep does.
                assert!(!writer.try_finish());
                writer.finish();
                drop(guard);
            },
        );
    }
}

/// The kernel may lack memory for a barrier. The message differs, and comes after the retries
/// (which `fence::process::tests` counts).
#[test]
fn barrier_that_never_gets_memory_ends_the_process() {
    if has_barrier() {
        aborts(
            "barrier_that_never_gets_memory_ends_the_process",
            "membarrier lacked memory",
            || {
                let (mut writer, _reader) = handles(EpochStrategy::new());
                refuse_membarrier(libc::ENOMEM);
                writer.start_swap();
            },
        );
    }
}

#[test]
fn filter_never_ends_a_process_whose_readers_fence() {
    passes("filter_never_ends_a_process_whose_readers_fence", || {
        let forced = handles(EpochStrategy::with_fence(Fence::Symmetric));
        // Another strategy has registered the process.
        drop(handles(EpochStrategy::new()));
        refuse_membarrier(libc::EPERM);
        publishes_and_sleeps(forced);
    });
}

/// Returns the commands of `membarrier` that the process uses, in this order.
fn commands() -> [libc::c_int; 2] {
    [
        libc::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED,
        libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED,
    ]
}

#[test]
fn barrier_refused_at_the_registration_or_at_the_first_use_leaves_readers_fencing() {
    for number in 0..4 {
        process::passes(
            "barrier_refused_at_the_registration_or_at_the_first_use_leaves_readers_fencing",
            number,
            |number| {
                let errno = [libc::EPERM, libc::ENOMEM][number / 2];
                refuse_command(commands()[number % 2], errno);
                for strategy in [
                    EpochStrategy::new(),
                    EpochStrategy::with_fence(Fence::Asymmetric),
                ] {
                    let writer = publishes_and_sleeps(handles(strategy));
                    assert_eq!(writer.strategy().fence(), Fence::Symmetric);
                }
            },
        );
    }
}

/// Publishes under a guard and sleeps for it. Before barrier number `refused` the kernel
/// begins to refuse; `used` gets the number of each barrier that came back.
fn uses_barriers(refused: usize, errno: i32, used: impl Fn(usize)) {
    let (mut writer, reader) = handles(EpochStrategy::with_fence(Fence::Asymmetric));
    let mut cx = Context::from_waker(Waker::noop());
    let mut number = 0;
    let mut barrier = |step: &mut dyn FnMut()| {
        if number == refused {
            refuse_membarrier(errno);
        }
        step();
        used(number);
        number += 1;
    };
    for value in 0..4 {
        let guard = reader.read();
        *writer.try_back_mut().unwrap() = value + 1;
        barrier(&mut || _ = writer.start_swap());
        barrier(&mut || assert!(writer.poll_finish(&mut cx).is_pending()));
        assert!(writer.try_back_mut().is_none(), "&mut under a guard");
        assert_eq!((*guard, *reader.read()), (value, value + 1));
        drop(guard);
        assert!(writer.try_finish());
    }
}

/// The process ends at that barrier and not later, when a writer could rely on it.
#[test]
fn barrier_refused_at_any_later_use_ends_the_process_there() {
    if !has_barrier() {
        return;
    }
    for number in 0..16 {
        let refused = |number| number / 2;
        let output = in_a_process(
            "barrier_refused_at_any_later_use_ends_the_process_there",
            number,
            |number| {
                let errno = [libc::EPERM, libc::ENOMEM][number % 2];
                uses_barriers(refused(number), errno, |n| println!("barrier {n} is done"));
            },
        );
        let [stdout, stderr] =
            [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
        assert_eq!(
            output.status.code(),
            None,
            "not ended by a signal: {stderr}"
        );
        assert!(stderr.contains("Fence::Symmetric"), "no advice: {stderr}");
        assert!(!stdout.contains(TO_THE_END));
        assert_eq!(
            stdout.matches("is done").count(),
            refused(number),
            "{stdout}"
        );
    }
}
