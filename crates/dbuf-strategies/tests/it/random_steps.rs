//! Random calls of each strategy's methods, compared with a model of three sides.

#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    clippy::multiple_unsafe_ops_per_block,
    clippy::collapsible_if,
    clippy::collapsible_match,
    reason = "tests always have std, and a step is a block"
)]

use std::sync::Arc;
use std::task::{Context, Wake, Waker};

use dbuf_core::{Side, Strategy};
use dbuf_strategies::{
    CountStrategy, EpochStrategy, Fence, FlashStrategy, LocalStrategy, LockStrategy, Watched,
};

use crate::common::{Count, Random, unwinds};

struct Held<S: Strategy> {
    reader: usize,
    guard: S::GuardToken,
    side: Side,
}

const READERS: usize = 4;

/// With `ends`, the drop of a reader ends its forgotten guards.
fn steps<S: Strategy>(new: impl Fn() -> S, ends: bool, seed: u64) {
    let rng = &mut Random::new(seed);
    let s = new();
    let mut writer = s.try_claim_writer().unwrap();
    let mut readers: Vec<_> = (0..READERS).map(|_| s.new_reader()).collect();
    let mut held: Vec<Held<S>> = Vec::new();
    // The guards of each reader on each side, and those of readers that are gone.
    let mut forgotten = [[0_usize; 3]; READERS + 1];
    let (mut front, mut back, mut spare) = (Side::A, Side::B, Side::C);
    let (mut finished, mut free) = (true, true);
    let (woken, waker) = Count::waker();
    // The number of wakes at registration, and whether it was for the spare side too.
    let mut registered: Option<(usize, bool)> = None;
    for _ in 0..150 {
        let on = |held: &[Held<S>], forgotten: &[[usize; 3]], side: Side| {
            held.iter().filter(|h| h.side == side).count()
                + forgotten.iter().map(|f| f[side as usize]).sum::<usize>()
        };
        // SAFETY: the model keeps C1 to C7.
        unsafe {
            match rng.below(14) {
                0..=3 => {
                    let reader = rng.below(READERS);
                    let guard = s.acquire(&readers[reader]);
                    let side = S::side(&guard);
                    assert_eq!(side, front);
                    held.push(Held {
                        reader,
                        guard,
                        side,
                    });
                }
                4..=6 if !held.is_empty() => {
                    let h = held.swap_remove(rng.below(held.len()));
                    s.release(&readers[h.reader], h.guard);
                }
                7 if !held.is_empty() && rng.below(4) == 0 => {
                    let h = held.swap_remove(rng.below(held.len()));
                    forgotten[h.reader][h.side as usize] += 1;
                    core::mem::forget(h.guard);
                }
                8 => {
                    let reader = rng.below(READERS);
                    // Guards borrow readers, so those that remain were forgotten.
                    while let Some(at) = held.iter().position(|h| h.reader == reader) {
                        let h = held.swap_remove(at);
                        s.release(&readers[reader], h.guard);
                    }
                    readers[reader] = s.new_reader();
                    let of = core::mem::take(&mut forgotten[reader]);
                    if !ends {
                        for (gone, of) in forgotten[READERS].iter_mut().zip(of) {
                            *gone += of;
                        }
                    }
                }
                9 | 10 => {
                    if s.try_finish(&mut writer) {
                        s.start_swap(&mut writer);
                        (front, back) = (back, front);
                        finished = false;
                        registered = None;
                    }
                }
                11 => {
                    let mut cx = Context::from_waker(&waker);
                    let before = woken.wakes();
                    let was_free = free;
                    if s.poll_finish(&mut writer, &mut cx).is_ready() {
                        finished = true;
                        registered = None;
                    } else {
                        let is_empty = on(&held, &forgotten, spare) == 0;
                        registered = Some((before, !was_free && !is_empty));
                    }
                }
                12 => {
                    if !s.try_finish(&mut writer) && s.try_free_spare(&mut writer) {
                        s.set_aside(&mut writer);
                        (back, spare) = (spare, back);
                        finished = true;
                        free = false;
                        registered = None;
                    }
                }
                13 if rng.below(3) == 0 => {
                    s.release_writer(writer);
                    writer = s.try_claim_writer().unwrap();
                }
                _ => {}
            }
            assert_eq!(
                (s.front(), s.spare()),
                (front, spare),
                "S9, S13: seed {seed}"
            );
            if s.is_finished(&writer) {
                finished = true;
            } else {
                assert!(!finished, "S5: seed {seed}");
            }
            let on_back = on(&held, &forgotten, back);
            let on_spare = on(&held, &forgotten, spare);
            if finished {
                assert_eq!(on_back, 0, "S2: seed {seed}");
                assert_eq!(s.stragglers(&writer), 0);
            }
            if free {
                assert_eq!(on_spare, 0, "S13: seed {seed}");
            }
            // A wake is due as soon as one of the two is free.
            if let Some((before, for_spare)) = registered {
                let is_due = (!finished && on_back == 0) || (for_spare && on_spare == 0);
                let wakes = woken.wakes() > before;
                assert!(!is_due || wakes, "S6, S13: seed {seed}");
                if wakes {
                    registered = None;
                }
            }
            if rng.below(3) == 0 {
                let is_free = finished || on_back == 0;
                assert_eq!(s.try_finish(&mut writer), is_free, "S12: seed {seed}");
                finished |= on_back == 0;
                if finished {
                    registered = None;
                }
            }
            if rng.below(5) == 0 {
                let is_free = free || on_spare == 0;
                assert_eq!(s.try_free_spare(&mut writer), is_free, "S13: seed {seed}");
                free |= on_spare == 0;
                assert_eq!(
                    s.spare_stragglers(&writer) == 0,
                    on_spare == 0,
                    "seed {seed}"
                );
            }
            for (at, reader) in readers.iter().enumerate() {
                for side in [Side::A, Side::B, Side::C] {
                    let mine = held.iter().any(|h| h.reader == at && h.side == side);
                    let mine = mine || forgotten[at][side as usize] > 0;
                    assert_eq!(s.holds(reader, side), mine, "holds, seed {seed}");
                }
            }
        }
    }
    for h in held {
        // SAFETY: the model keeps C1, C3 and C4.
        unsafe { s.release(&readers[h.reader], h.guard) };
    }
}

fn seeds() -> core::ops::Range<u64> {
    let from = std::env::var("SEED").map_or(0, |seed| seed.parse().unwrap());
    let seeds = if cfg!(miri) {
        3
    } else if cfg!(dbuf_sanitize) {
        1_000
    } else {
        20_000
    };
    from..from + seeds
}

macro_rules! strategies {
    ($($name:ident, $ends:expr, $new:expr;)*) => {$(
        #[test]
        fn $name() {
            seeds().for_each(|seed| steps(|| $new, $ends, seed));
        }
    )*};
}

strategies! {
    lock, false, LockStrategy::new();
    local, false, LocalStrategy::new();
    count, false, CountStrategy::new();
    flash, true, FlashStrategy::new();
    epoch_symmetric, true, EpochStrategy::with_fence(Fence::Symmetric);
    epoch, true, EpochStrategy::new();
    watched, true, Watched::new(EpochStrategy::with_fence(Fence::Symmetric));
}

/// A writer waits for two sides with forgotten guards of one reader, whose drop wakes twice. A
/// waker that panics each time must not end the process.
#[test]
fn two_wakes_that_panic_in_one_drop() {
    use std::sync::Mutex;

    use dbuf_core::{ArcOpWriter, OpWriter};

    type Log = ArcOpWriter<u32, fn(&mut u32, &()), FlashStrategy>;

    /// Polls at once until the task has nothing more to do, as an executor that runs tasks in the
    /// waker does. The task panics.
    struct Runs(Mutex<Option<Log>>);

    impl Wake for Runs {
        fn wake(self: Arc<Self>) {
            let waker = Waker::from(Arc::clone(&self));
            let Ok(mut log) = self.0.try_lock() else {
                return; // the task is running
            };
            if let Some(log) = &mut *log {
                for _ in 0..2 {
                    let _ = log.poll_finish(&mut Context::from_waker(&waker));
                }
            }
            drop(log);
            panic!("the task panicked");
        }
    }

    let (writer, reader) = dbuf_core::arc(0, 0, FlashStrategy::new());
    let other = reader.clone();
    let mut log: Log = OpWriter::new(writer);
    core::mem::forget(reader.read());
    log.try_write().unwrap().apply(|n, ()| *n += 1);
    assert!(log.set_aside());
    core::mem::forget(reader.read());
    let kept = other.read();
    log.try_write().unwrap().apply(|n, ()| *n += 1);
    drop(kept);
    assert_eq!((log.stragglers(), log.spare_stragglers()), (1, 1));
    let runs = Arc::new(Runs(Mutex::new(Some(log))));
    let waker = Waker::from(Arc::clone(&runs));
    let mut cx = Context::from_waker(&waker);
    let poll = runs
        .0
        .lock()
        .unwrap()
        .as_mut()
        .unwrap()
        .poll_finish(&mut cx);
    assert!(poll.is_pending());
    assert!(unwinds(|| drop(reader)), "no waker was called");
    let log = runs.0.lock().unwrap_or_else(|log| log.into_inner()).take();
    let mut log = log.unwrap();
    assert!(log.try_finish());
    assert_eq!(log.spare_stragglers(), 0);
}
