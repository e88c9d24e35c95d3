//! A strategy of one's own: two words, three counts, and a waker under a mutex.
//!
//! ```sh
//! cargo run -p dbuf-docs --example custom_strategy
//! ```
//!
//! The output shows a swap with a straggler: the guard keeps the old front, a new one sees
//! the new, and the writer has to wait for as long as the first is there, or goes on with
//! the spare side.
//! `docs/strategies.md` tells how the strategy was made, step by step. A test of this
//! package runs it through the public suite.

use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use core::task::{Context, Poll, Waker};
use std::process::abort;
use std::sync::Mutex;

use dbuf_core::{BlockingStrategy, Side, Strategy};

/// Step 1: all state is here, none in tokens.
#[derive(Debug, Default)]
pub(crate) struct ThreeCounts {
    /// 0, 1 or 2: the side that is the front. A fresh strategy's is A.
    front: AtomicUsize,
    /// The spare side, counted from C back, so that a fresh strategy's is C.
    spare: AtomicUsize,
    guards: [AtomicUsize; 3],
    claimed: AtomicBool,
    unfinished: AtomicBool,
    /// The spare side was set aside, and nobody has seen it free since.
    aside: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

const SIDES: [Side; 3] = [Side::A, Side::B, Side::C];

impl ThreeCounts {
    fn back(&self) -> Side {
        self.front().third(self.spare())
    }

    /// Step 4: a read-modify-write of the word that readers count on, so that one of the
    /// two comes first. Latches what it sees.
    fn is_free(&self, side: Side, held: &AtomicBool) -> bool {
        if held.load(SeqCst) && self.guards[side as usize].fetch_add(0, SeqCst) == 0 {
            held.store(false, SeqCst);
        }
        !held.load(SeqCst)
    }

    fn leave(&self, side: Side) {
        // Steps 2 and 5: the last leave of an old side wakes, as its last step.
        let last = self.guards[side as usize].fetch_sub(1, SeqCst) == 1;
        if last && side != self.front() {
            let waker = self.waker.lock().unwrap().take();
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }
}

// SAFETY: S1, S10 `claimed`. S2: a count comes before the writer's look, which
// sees it, or after, and then the second look at the front sees the flip. S3, S4
// everything is sequentially consistent. S5 `unfinished` is cleared by a check that
// saw nobody. S6 register, then check. S7 the waker is last; overflow aborts. S8,
// S12 only guards count. S9 `start_swap`. S11 tokens are empty. S13 `aside` is to the
// spare side what `unfinished` is to the back.
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
            // Step 6: far from wrapping, however many threads come at once.
            if self.guards[side as usize].fetch_add(1, SeqCst) > usize::MAX / 2 {
                abort();
            }
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

    // Step 7: without these four, writers wait for every guard.
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
        "beside the guard of {straggler:?} it goes on to {:?}",
        *reader.read()
    );
    assert_eq!((*straggler, *reader.read()), ("first", "third"));
    assert_eq!(writer.spare_stragglers(), 1);

    drop(straggler);
    assert!(writer.try_finish());
    println!("and without it, it waits for {}", writer.spare_stragglers());
    assert_eq!(writer.spare_stragglers(), 0);
}
