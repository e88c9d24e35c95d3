//! A strategy of your own: two words, three counts, and a waker under a mutex.
//!
//! ```sh
//! cargo run -p dbuf-docs --example custom_strategy
//! ```
//!
//! The output shows a swap with a straggler: the guard keeps the old value, and a new guard
//! sees the new one. The writer has to wait until the first guard is dropped, or goes on with
//! the spare side. `docs/strategies.md` describes the steps by which the strategy was
//! written. A test of this package runs the public suite on it.

use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use core::task::{Context, Poll, Waker};
use std::process::abort;
use std::sync::Mutex;

use dbuf_core::{BlockingStrategy, Side, Strategy};

/// State: all of it is here, and none in tokens.
#[derive(Debug, Default)]
pub(crate) struct ThreeCounts {
    /// The side that is the front: 0, 1 or 2. In a fresh strategy it is A.
    front: AtomicUsize,
    /// The spare side, counted back from C, so that it is C in a fresh strategy.
    spare: AtomicUsize,
    guards: [AtomicUsize; 3],
    claimed: AtomicBool,
    unfinished: AtomicBool,
    /// The spare side was set aside, and no check has found it free since.
    aside: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

const SIDES: [Side; 3] = [Side::A, Side::B, Side::C];

impl ThreeCounts {
    fn back(&self) -> Side {
        self.front().third(self.spare())
    }

    /// Checks a side, and latches the result. A read-modify-write of the word in which
    /// readers count themselves, so one of the two comes first.
    fn is_free(&self, side: Side, held: &AtomicBool) -> bool {
        if held.load(SeqCst) && self.guards[side as usize].fetch_add(0, SeqCst) == 0 {
            held.store(false, SeqCst);
        }
        !held.load(SeqCst)
    }

    fn leave(&self, side: Side) {
        // The last leave of an old side wakes, as its last step.
        let last = self.guards[side as usize].fetch_sub(1, SeqCst) == 1;
        if last && side != self.front() {
            let waker = self.waker.lock().unwrap().take();
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }
}

// SAFETY: S1, S10 `claimed`. S2 a count comes before the writer's check, which sees it, or
// after, and then the second load of the front sees the flip. S3, S4 everything is
// sequentially consistent. S5 `unfinished` is cleared by a check that found no guard. S6
// register, then check. S7 the waker is last; overflow aborts. S8, S12 only guards count.
// S9 `start_swap`. S11 tokens are empty. S13 `aside` is for the spare side what `unfinished`
// is for the back.
unsafe impl Strategy for ThreeCounts {
    type WriterToken = ();
    type ReaderToken = ();
    type GuardToken = Side;

    fn try_claim_writer(&self) -> Option<()> {
        (!self.claimed.swap(true, SeqCst)).then_some(())
    }

    unsafe fn release_writer(&self, (): ()) {
        self.claimed.store(false, SeqCst);
    }

    fn is_writer_claimed(&self) -> bool {
        self.claimed.load(SeqCst)
    }

    fn new_reader(&self) {}

    unsafe fn acquire(&self, (): &()) -> Side {
        loop {
            let side = self.front();
            // Overflow: the limit is far from wrapping, even if many threads add at once.
            if self.guards[side as usize].fetch_add(1, SeqCst) > usize::MAX / 2 {
                abort();
            }
            // Announced: check that it was in time.
            if self.front() == side {
                return side;
            }
            self.leave(side);
        }
    }

    fn side(guard: &Side) -> Side {
        *guard
    }

    unsafe fn release(&self, (): &(), side: Side) {
        self.leave(side);
    }

    fn front(&self) -> Side {
        SIDES[self.front.load(SeqCst)]
    }

    unsafe fn start_swap(&self, (): &mut ()) {
        let back = self.back();
        self.unfinished.store(true, SeqCst);
        self.front.store(back as usize, SeqCst);
    }

    unsafe fn is_finished(&self, (): &()) -> bool {
        !self.unfinished.load(SeqCst)
    }

    unsafe fn try_finish(&self, (): &mut ()) -> bool {
        self.is_free(self.back(), &self.unfinished)
    }

    unsafe fn poll_finish(&self, writer: &mut (), cx: &mut Context<'_>) -> Poll<()> {
        let waker = cx.waker().clone();
        let replaced = self.waker.lock().unwrap().replace(waker);
        drop(replaced);
        // SAFETY: the caller's promise (C1).
        if unsafe { self.try_finish(writer) } {
            let unused = self.waker.lock().unwrap().take();
            drop(unused);
            return Poll::Ready(());
        }
        Poll::Pending
    }

    unsafe fn stragglers(&self, (): &()) -> usize {
        if self.unfinished.load(SeqCst) {
            self.guards[self.back() as usize].load(SeqCst)
        } else {
            0
        }
    }

    // The spare side: without these four methods, writers wait for every guard.
    fn spare(&self) -> Side {
        SIDES[2 - self.spare.load(SeqCst)]
    }

    unsafe fn try_free_spare(&self, (): &mut ()) -> bool {
        self.is_free(self.spare(), &self.aside)
    }

    unsafe fn set_aside(&self, (): &mut ()) {
        let back = self.back();
        self.aside.store(true, SeqCst);
        self.spare.store(2 - back as usize, SeqCst);
        self.unfinished.store(false, SeqCst);
    }

    unsafe fn spare_stragglers(&self, (): &()) -> usize {
        if self.aside.load(SeqCst) {
            self.guards[self.spare() as usize].load(SeqCst)
        } else {
            0
        }
    }
}

impl BlockingStrategy for ThreeCounts {}

fn main() {
    let (mut writer, reader) = dbuf_core::arc("first", "", ThreeCounts::default());
    let straggler = reader.read();
    writer.store("second");
    println!(
        "a guard sees {:?}, a new one {:?}",
        *straggler,
        *reader.read()
    );
    assert_eq!((*straggler, *reader.read()), ("first", "second"));

    println!("the writer waits for {} guard", writer.stragglers());
    assert!(!writer.try_finish(), "the straggler is on the old side");
    assert!(writer.try_back_mut().is_none());

    type Set = fn(&mut &'static str, &());
    let mut writer = dbuf_core::OpWriter::<_, Set>::new(writer);
    assert!(writer.set_aside(), "the spare side is free");
    writer
        .try_write()
        .unwrap()
        .apply(|value, _| *value = "third");
    println!(
        "on the spare side it publishes {:?}, and the guard keeps {straggler:?}",
        *reader.read()
    );
    assert_eq!((*straggler, *reader.read()), ("first", "third"));
    assert_eq!(writer.spare_stragglers(), 1);

    drop(straggler);
    assert!(writer.try_finish());
    println!(
        "the guard is dropped, and {} guards keep the side that was set aside",
        writer.spare_stragglers()
    );
    assert_eq!(writer.spare_stragglers(), 0);
}
