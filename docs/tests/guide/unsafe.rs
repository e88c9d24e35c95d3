//! What goes wrong in chapter 3.
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests always have std"
)]

use std::panic::catch_unwind;
use std::rc::Rc;
use std::task::{Context, Poll};

use dbuf_core::{DoubleBuffer, Side, Strategy};
use dbuf_strategies::LocalStrategy;
use dbuf_testing::{Tracked, suite};

/// Counts as `LocalStrategy` does, but says that every swap is finished.
#[derive(Default)]
struct Hasty(LocalStrategy);

type Inner = LocalStrategy;

// SAFETY: none. It breaks S2 and S5, which the tests are about; they never read a value
// while it is written.
unsafe impl Strategy for Hasty {
    type WriterToken = <Inner as Strategy>::WriterToken;
    type ReaderToken = <Inner as Strategy>::ReaderToken;
    type GuardToken = <Inner as Strategy>::GuardToken;

    /// The mistake.
    unsafe fn is_finished(&self, _: &Self::WriterToken) -> bool {
        true
    }

    fn try_claim_writer(&self) -> Option<Self::WriterToken> {
        self.0.try_claim_writer()
    }

    unsafe fn release_writer(&self, writer: Self::WriterToken) {
        // SAFETY: the caller's promise.
        unsafe { self.0.release_writer(writer) };
    }

    fn is_writer_claimed(&self) -> bool {
        self.0.is_writer_claimed()
    }

    fn new_reader(&self) -> Self::ReaderToken {
        self.0.new_reader()
    }

    unsafe fn acquire(&self, reader: &Self::ReaderToken) -> Self::GuardToken {
        // SAFETY: the caller's promise.
        unsafe { self.0.acquire(reader) }
    }

    fn side(guard: &Self::GuardToken) -> Side {
        Inner::side(guard)
    }

    unsafe fn release(&self, reader: &Self::ReaderToken, guard: Self::GuardToken) {
        // SAFETY: the caller's promise.
        unsafe { self.0.release(reader, guard) };
    }

    fn front(&self) -> Side {
        self.0.front()
    }

    unsafe fn start_swap(&self, writer: &mut Self::WriterToken) {
        // SAFETY: the caller's promise, except C2: the core relies on `is_finished`. `LocalStrategy`
        // only counts, so an early start does no harm.
        unsafe { self.0.start_swap(writer) };
    }

    unsafe fn try_finish(&self, writer: &mut Self::WriterToken) -> bool {
        // SAFETY: the caller's promise.
        unsafe { self.0.try_finish(writer) }
    }

    unsafe fn poll_finish(&self, writer: &mut Self::WriterToken, cx: &mut Context<'_>) -> Poll<()> {
        // SAFETY: the caller's promise.
        unsafe { self.0.poll_finish(writer, cx) }
    }

    unsafe fn stragglers(&self, writer: &Self::WriterToken) -> usize {
        // SAFETY: the caller's promise.
        unsafe { self.0.stragglers(writer) }
    }
}

type Ptr<S> = Rc<DoubleBuffer<Tracked, S, u32>>;

/// Returns the parts of the suite that `S` fails.
fn broken<S: Strategy + Default + 'static>() -> Vec<&'static str> {
    fn new<S: Strategy + Default>() -> Ptr<S> {
        Rc::new(suite::buffer(S::default()))
    }
    let parts: [(_, fn()); 7] = [
        ("claim_is_exclusive", || suite::claim_is_exclusive(new::<S>)),
        ("guards_narrow_to_a_part", || {
            suite::guards_narrow_to_a_part(new::<S>);
        }),
        ("unfinished_swap_gives_no_back", || {
            suite::unfinished_swap_gives_no_back(new::<S>);
        }),
        ("start_is_refused_while_a_swap_is_unfinished", || {
            suite::start_is_refused_while_a_swap_is_unfinished(new::<S>);
        }),
        ("claim_after_a_drop_continues_the_swap", || {
            suite::claim_after_a_drop_continues_the_swap(new::<S>);
        }),
        ("forgotten_guard_only_delays_the_writer", || {
            suite::forgotten_guard_only_delays_the_writer(new::<S>);
        }),
        ("forgotten_writer_stays_claimed", || {
            suite::forgotten_writer_stays_claimed(new::<S>);
        }),
    ];
    parts
        .into_iter()
        .filter(|(_, part)| catch_unwind(part).is_err())
        .map(|(name, _)| name)
        .collect()
}

#[test]
fn suite_names_what_a_hasty_strategy_breaks() {
    assert_eq!(
        broken::<Hasty>(),
        [
            "guards_narrow_to_a_part",
            "unfinished_swap_gives_no_back",
            "start_is_refused_while_a_swap_is_unfinished",
            "claim_after_a_drop_continues_the_swap",
            "forgotten_guard_only_delays_the_writer",
        ]
    );
}

#[test]
fn suite_has_nothing_to_say_about_an_honest_one() {
    assert_eq!(broken::<LocalStrategy>(), [""; 0]);
}
