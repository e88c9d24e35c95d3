//! A strategy around a strategy that counts calls, and panics on request.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll};

use dbuf_strategies::LockStrategy;
use dbuf_strategies::core::{BlockingStrategy, OpWriter, SharedReadGuard, Side, Strategy, arc};

#[derive(Default)]
struct Seen {
    readers: AtomicUsize,
    released: AtomicUsize,
    /// `start_swap` unwinds after the flip, as `Watched` may if a waker panics.
    start_panics: AtomicBool,
}

struct Probe(LockStrategy, Arc<Seen>);

// SAFETY: the inner strategy keeps the promises; a panic comes after `start_swap` is complete.
unsafe impl Strategy for Probe {
    type WriterToken = <LockStrategy as Strategy>::WriterToken;
    type ReaderToken = <LockStrategy as Strategy>::ReaderToken;
    type GuardToken = Side;
    fn try_claim_writer(&self) -> Option<Self::WriterToken> {
        self.0.try_claim_writer()
    }
    unsafe fn release_writer(&self, writer: Self::WriterToken) {
        self.1.released.fetch_add(1, SeqCst);
        // SAFETY: the caller's promises.
        unsafe { self.0.release_writer(writer) }
    }
    fn is_writer_claimed(&self) -> bool {
        self.0.is_writer_claimed()
    }
    fn new_reader(&self) -> Self::ReaderToken {
        self.1.readers.fetch_add(1, SeqCst);
        self.0.new_reader()
    }
    unsafe fn acquire(&self, reader: &Self::ReaderToken) -> Side {
        // SAFETY: the caller's promises.
        unsafe { self.0.acquire(reader) }
    }
    fn side(guard: &Side) -> Side {
        *guard
    }
    unsafe fn release(&self, reader: &Self::ReaderToken, guard: Side) {
        // SAFETY: the caller's promises.
        unsafe { self.0.release(reader, guard) }
    }
    fn front(&self) -> Side {
        self.0.front()
    }
    unsafe fn start_swap(&self, writer: &mut Self::WriterToken) {
        // SAFETY: the caller's promises.
        unsafe { self.0.start_swap(writer) };
        assert!(!self.1.start_panics.swap(false, SeqCst), "after the flip");
    }
    unsafe fn is_finished(&self, writer: &Self::WriterToken) -> bool {
        // SAFETY: the caller's promises.
        unsafe { self.0.is_finished(writer) }
    }
    unsafe fn try_finish(&self, writer: &mut Self::WriterToken) -> bool {
        // SAFETY: the caller's promises.
        unsafe { self.0.try_finish(writer) }
    }
    unsafe fn poll_finish(&self, writer: &mut Self::WriterToken, cx: &mut Context<'_>) -> Poll<()> {
        // SAFETY: the caller's promises.
        unsafe { self.0.poll_finish(writer, cx) }
    }
    unsafe fn stragglers(&self, writer: &Self::WriterToken) -> usize {
        // SAFETY: the caller's promises.
        unsafe { self.0.stragglers(writer) }
    }
}
impl BlockingStrategy for Probe {}

/// Kills "publish without Torn": the ops were published and must not be applied again.
#[test]
fn panic_in_a_publish_is_resynced() {
    type Op = fn(&mut Vec<u32>, &());
    let seen = Arc::new(Seen::default());
    let (writer, reader) = arc(
        vec![],
        vec![],
        Probe(LockStrategy::new(), Arc::clone(&seen)),
    );
    let mut writer = OpWriter::<_, Op>::new(writer);
    writer.write().apply(|list, _| list.push(1));
    seen.start_panics.store(true, SeqCst);
    let published = catch_unwind(AssertUnwindSafe(|| {
        writer.write().apply(|list, _| list.push(2));
    }));
    assert!(published.is_err());
    assert_eq!(*reader.read(), [1, 2]);
    writer.write().apply(|list, _| list.push(3));
    assert_eq!(*reader.read(), [1, 2, 3]);
    writer.catch_up();
    let mut raw = writer.into_writer();
    let (front, back) = raw.split_mut();
    assert_eq!(front, back);
}

/// Kills "the reader is not put back": one reader for a thread, and one for a nested read.
#[test]
fn shared_reads_keep_one_reader() {
    let seen = Arc::new(Seen::default());
    let (_writer, reader) = arc(1, 1, Probe(LockStrategy::new(), Arc::clone(&seen)));
    let shared = reader.shared();
    let before = seen.readers.load(SeqCst);
    for _ in 0..5 {
        assert_eq!(*shared.read() + *shared.clone().read(), 2);
    }
    let made = seen.readers.load(SeqCst) - before;
    // The reader of a nested guard is dropped when the outer one returns: at most one each time.
    assert!(made <= 6, "{made} readers for one thread");
    let before = seen.readers.load(SeqCst);
    for _ in 0..5 {
        drop(shared.read());
    }
    assert_eq!(seen.readers.load(SeqCst), before, "a reader was made again");
}

/// Kills "`try_into_buffers` drops the token".
#[test]
fn taking_the_buffers_ends_the_claim() {
    let seen = Arc::new(Seen::default());
    let (writer, reader) = arc(1, 2, Probe(LockStrategy::new(), Arc::clone(&seen)));
    let writer = writer.try_into_buffers().unwrap_err();
    assert_eq!(seen.released.load(SeqCst), 0);
    drop(reader);
    assert_eq!(writer.try_into_buffers().unwrap(), (1, 2));
    assert_eq!(seen.released.load(SeqCst), 1);
}

/// What a strategy does not implement has a default that promises nothing: no guard is known or
/// current, and no side can be set aside.
#[test]
fn a_strategy_of_the_required_methods_waits_for_its_readers() {
    let (writer, reader) = arc(0, 0, Probe(LockStrategy::new(), Arc::default()));
    let mut writer = OpWriter::<_, fn(&mut u32, &())>::new(writer);
    let shared = reader.shared();
    let mut guard = shared.read();
    writer.write().apply(|n, _| *n += 1);
    assert!(!shared.has_guard_on_back(), "a guess");
    assert!(!writer.set_aside());
    assert_eq!((writer.stragglers(), writer.spare_stragglers()), (1, 0));
    assert!(SharedReadGuard::refresh(&mut guard));
    assert_eq!((*guard, *writer.write()), (1, 1));
}
