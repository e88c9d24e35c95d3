//! What goes wrong in chapter 9.
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests always have std"
)]

use std::rc::Rc;
use std::task::{Context, Poll};

use dbuf_core::{DoubleBuffer, Side, Strategy, Writer, split};
use dbuf_strategies::LocalStrategy;
use dbuf_testing::suite::{self, buffer};

/// A strategy that is right, except that the token holds whether the swap is finished.
#[derive(Default)]
struct Forgetful(LocalStrategy);

struct Token {
    inner: <LocalStrategy as Strategy>::WriterToken,
    /// The mistake. It is `true` in a new token.
    finished: bool,
}

// SAFETY: it breaks S5: a claim after an unfinished swap is finished. The tests hold no
// reference to a value while it is written. Everything else is the inner strategy's.
unsafe impl Strategy for Forgetful {
    type WriterToken = Token;
    type ReaderToken = <LocalStrategy as Strategy>::ReaderToken;
    type GuardToken = Side;

    fn try_claim_writer(&self) -> Option<Token> {
        let inner = self.0.try_claim_writer()?;
        Some(Token {
            inner,
            finished: true,
        })
    }

    unsafe fn release_writer(&self, writer: Token) {
        // SAFETY: the caller's promise.
        unsafe { self.0.release_writer(writer.inner) }
    }

    fn is_writer_claimed(&self) -> bool {
        self.0.is_writer_claimed()
    }

    fn new_reader(&self) -> Self::ReaderToken {
        self.0.new_reader()
    }

    unsafe fn acquire(&self, reader: &Self::ReaderToken) -> Side {
        // SAFETY: the caller's promise.
        unsafe { self.0.acquire(reader) }
    }

    fn side(guard: &Side) -> Side {
        *guard
    }

    unsafe fn release(&self, reader: &Self::ReaderToken, guard: Side) {
        // SAFETY: the caller's promise.
        unsafe { self.0.release(reader, guard) }
    }

    fn front(&self) -> Side {
        self.0.front()
    }

    unsafe fn start_swap(&self, writer: &mut Token) {
        writer.finished = false;
        // SAFETY: the caller's promise.
        unsafe { self.0.start_swap(&mut writer.inner) }
    }

    unsafe fn is_finished(&self, writer: &Token) -> bool {
        writer.finished
    }

    unsafe fn try_finish(&self, writer: &mut Token) -> bool {
        // SAFETY: the caller's promise.
        writer.finished = writer.finished || unsafe { self.0.try_finish(&mut writer.inner) };
        writer.finished
    }

    unsafe fn poll_finish(&self, writer: &mut Token, cx: &mut Context<'_>) -> Poll<()> {
        // SAFETY: the caller's promise.
        let poll = unsafe { self.0.poll_finish(&mut writer.inner, cx) };
        writer.finished |= poll.is_ready();
        poll
    }

    unsafe fn stragglers(&self, writer: &Token) -> usize {
        // SAFETY: the caller's promise.
        unsafe { self.0.stragglers(&writer.inner) }
    }
}

fn drop_and_claim<S: Strategy>(strategy: S) -> (&'static str, &'static str) {
    let buffer = Rc::new(DoubleBuffer::new("first", "", strategy));
    let (mut writer, reader) = split(Rc::clone(&buffer)).expect("a fresh buffer");
    let guard = reader.read();
    let before = *guard;
    assert!(writer.start_swap());
    drop(writer);
    let mut writer = Writer::claim(buffer).expect("unclaimed");
    if let Some(back) = writer.try_back_mut() {
        *back = "overwritten";
    }
    (before, *guard)
}

#[test]
fn state_in_the_token_is_lost_with_the_writer() {
    assert_eq!(
        drop_and_claim(Forgetful::default()),
        ("first", "overwritten")
    );
    assert_eq!(drop_and_claim(LocalStrategy::new()), ("first", "first"));
}

/// Some tests of the suite.
fn part_of_the_suite<S: Strategy + Default>() {
    let new = || Rc::new(buffer(S::default()));
    suite::start_is_refused_while_a_swap_is_unfinished(new);
    suite::unfinished_swap_gives_no_back(new);
    suite::nested_guards_go_in_any_order(new);
    suite::forgotten_guard_only_delays_the_writer(new);
    suite::waker_is_called_by_the_last_leave(new);
}

#[test]
fn most_of_the_suite_passes_all_the_same() {
    part_of_the_suite::<LocalStrategy>();
    part_of_the_suite::<Forgetful>();
}

#[test]
#[should_panic(expected = "writer.is_swapping()")]
fn the_suite_notices_state_in_the_token() {
    suite::claim_after_a_drop_continues_the_swap(|| Rc::new(buffer(Forgetful::default())));
}

#[test]
fn the_suite_accepts_state_in_the_strategy() {
    suite::claim_after_a_drop_continues_the_swap(|| Rc::new(buffer(LocalStrategy::new())));
}
