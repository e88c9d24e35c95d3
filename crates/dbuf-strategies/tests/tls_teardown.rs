//! Shared readers at the end of a thread.
#![cfg(not(dbuf_loom))]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests always have std"
)]

use std::cell::{Cell, RefCell};
use std::mem::{self, ManuallyDrop};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, LazyLock, Mutex};
use std::task::{Context, Wake, Waker};
use std::thread;

use dbuf_strategies::EpochStrategy;
use dbuf_strategies::core::{
    ArcWriter, BlockingStrategy, DoubleBuffer, SharedReadGuard, SharedReader, Side, Strategy,
    Writer,
};

type Ptr = Arc<DoubleBuffer<usize, EpochStrategy>>;

fn pair() -> (ArcWriter<usize, EpochStrategy>, SharedReader<Ptr>) {
    let buffer = DoubleBuffer::new(0, 0, EpochStrategy::new());
    let writer = Writer::claim(Arc::new(buffer)).unwrap();
    let shared = SharedReader::new(writer.ptr().clone());
    (writer, shared)
}

type Shared = (Mutex<ArcWriter<usize, EpochStrategy>>, SharedReader<Ptr>);
static STATIC: LazyLock<Shared> = LazyLock::new(|| {
    let (writer, shared) = pair();
    (Mutex::new(writer), shared)
});

/// Drops a guard in a destructor.
struct Holds(RefCell<Option<SharedReadGuard<'static, Ptr>>>);

thread_local! {
    static HOLDS: Holds = const { Holds(RefCell::new(None)) };
}

struct Asks(AtomicUsize);
impl Wake for Asks {
    fn wake(self: Arc<Self>) {
        // 1: none, 2: a guard.
        self.0.store(1 + usize::from(STATIC.1.has_guard()), SeqCst);
    }
}

/// A waker that a guard's drop calls may read and write, since the guard is no longer counted.
/// So may that of a guard that has outlived its thread's slots.
fn asked_in_the_waker_of_the_last_guard(late: bool) -> usize {
    let mut writer = STATIC.0.lock().unwrap();
    writer.finish();
    let asks = Arc::new(Asks(AtomicUsize::new(0)));
    let (taken, is_taken) = std::sync::mpsc::channel();
    let (go, may_go) = std::sync::mpsc::channel::<()>();
    let holds = thread::spawn(move || {
        if late {
            // It is registered before the slots' destructor, so it runs after that.
            HOLDS.with(|holds| assert!(holds.0.borrow().is_none()));
        }
        let guard = STATIC.1.read();
        if late {
            HOLDS.with(|holds| *holds.0.borrow_mut() = Some(guard));
            taken.send(()).unwrap();
            may_go.recv().unwrap();
        } else {
            taken.send(()).unwrap();
            may_go.recv().unwrap();
            drop(guard);
        }
    });
    is_taken.recv().unwrap();
    assert!(writer.start_swap());
    let waker = Waker::from(Arc::clone(&asks));
    assert!(
        writer
            .poll_finish(&mut Context::from_waker(&waker))
            .is_pending()
    );
    go.send(()).unwrap();
    holds.join().unwrap();
    asks.0.load(SeqCst)
}

#[test]
fn waker_of_a_late_guard_sees_no_guard() {
    assert_eq!(asked_in_the_waker_of_the_last_guard(false), 1);
    assert_eq!(
        asked_in_the_waker_of_the_last_guard(true),
        1,
        "has_guard of a released guard"
    );
}

/// A panic payload whose destructor panics.
struct Bomb;
impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("a payload's destructor");
    }
}

/// Lock, with a reader token whose drop runs user code, as Epoch's does when it wakes.
struct Loud(dbuf_strategies::LockStrategy);
struct LoudReader(<dbuf_strategies::LockStrategy as Strategy>::ReaderToken);
impl Drop for LoudReader {
    fn drop(&mut self) {
        std::panic::panic_any(Bomb);
    }
}
// SAFETY: the inner strategy keeps the promises.
#[allow(clippy::undocumented_unsafe_blocks)]
unsafe impl Strategy for Loud {
    type WriterToken = <dbuf_strategies::LockStrategy as Strategy>::WriterToken;
    type ReaderToken = LoudReader;
    type GuardToken = <dbuf_strategies::LockStrategy as Strategy>::GuardToken;
    fn try_claim_writer(&self) -> Option<Self::WriterToken> {
        self.0.try_claim_writer()
    }
    unsafe fn release_writer(&self, writer: Self::WriterToken) {
        unsafe { self.0.release_writer(writer) }
    }
    fn is_writer_claimed(&self) -> bool {
        self.0.is_writer_claimed()
    }
    fn new_reader(&self) -> LoudReader {
        LoudReader(self.0.new_reader())
    }
    unsafe fn acquire(&self, reader: &LoudReader) -> Self::GuardToken {
        unsafe { self.0.acquire(&reader.0) }
    }
    fn side(guard: &Self::GuardToken) -> Side {
        dbuf_strategies::LockStrategy::side(guard)
    }
    unsafe fn release(&self, reader: &LoudReader, guard: Self::GuardToken) {
        unsafe { self.0.release(&reader.0, guard) }
    }
    fn front(&self) -> Side {
        self.0.front()
    }
    unsafe fn start_swap(&self, writer: &mut Self::WriterToken) {
        unsafe { self.0.start_swap(writer) }
    }
    unsafe fn is_finished(&self, writer: &Self::WriterToken) -> bool {
        unsafe { self.0.is_finished(writer) }
    }
    unsafe fn try_finish(&self, writer: &mut Self::WriterToken) -> bool {
        unsafe { self.0.try_finish(writer) }
    }
    unsafe fn poll_finish(
        &self,
        writer: &mut Self::WriterToken,
        cx: &mut Context<'_>,
    ) -> std::task::Poll<()> {
        unsafe { self.0.poll_finish(writer, cx) }
    }
    unsafe fn stragglers(&self, writer: &Self::WriterToken) -> usize {
        unsafe { self.0.stragglers(writer) }
    }
}

/// A panic in the destructor of a thread local would end the process, so it is caught. The drop
/// of its payload may panic too.
#[test]
#[cfg_attr(miri, ignore = "Miri starts no processes")]
fn payload_that_panics_in_its_drop_ends_no_process() {
    const CHILD: &str = "DBUF_REVIEW2_CHILD";
    if std::env::var_os(CHILD).is_some() {
        let buffer = DoubleBuffer::new(0, 0, Loud(dbuf_strategies::LockStrategy::new()));
        let shared = Arc::new(SharedReader::new(Arc::new(buffer)));
        let reads = Arc::clone(&shared);
        thread::spawn(move || drop(reads.read())).join().unwrap();
        std::process::exit(7);
    }
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "payload_that_panics_in_its_drop_ends_no_process",
            "--exact",
            "--nocapture",
        ])
        .env(CHILD, "1")
        .env("RUST_BACKTRACE", "0")
        .output()
        .unwrap();
    assert_eq!(
        child.status.code(),
        Some(7),
        "{}",
        String::from_utf8_lossy(&child.stderr)
    );
}

/// Epoch, with a step of another thread while a writer asks for its own thread's guards.
struct Asked(EpochStrategy);

type AskedPtr = Arc<DoubleBuffer<u32, Asked>>;
static WHILE_ASKED: Mutex<Option<SharedReader<AskedPtr>>> = Mutex::new(None);

// SAFETY: the inner strategy's.
#[allow(clippy::undocumented_unsafe_blocks)]
unsafe impl Strategy for Asked {
    type WriterToken = <EpochStrategy as Strategy>::WriterToken;
    type ReaderToken = <EpochStrategy as Strategy>::ReaderToken;
    type GuardToken = <EpochStrategy as Strategy>::GuardToken;
    fn try_claim_writer(&self) -> Option<Self::WriterToken> {
        self.0.try_claim_writer()
    }
    unsafe fn release_writer(&self, writer: Self::WriterToken) {
        unsafe { self.0.release_writer(writer) }
    }
    fn is_writer_claimed(&self) -> bool {
        self.0.is_writer_claimed()
    }
    fn new_reader(&self) -> Self::ReaderToken {
        self.0.new_reader()
    }
    unsafe fn acquire(&self, reader: &Self::ReaderToken) -> Self::GuardToken {
        unsafe { self.0.acquire(reader) }
    }
    fn side(guard: &Self::GuardToken) -> Side {
        EpochStrategy::side(guard)
    }
    unsafe fn release(&self, reader: &Self::ReaderToken, guard: Self::GuardToken) {
        unsafe { self.0.release(reader, guard) }
    }
    fn front(&self) -> Side {
        self.0.front()
    }
    unsafe fn start_swap(&self, writer: &mut Self::WriterToken) {
        unsafe { self.0.start_swap(writer) }
    }
    unsafe fn is_finished(&self, writer: &Self::WriterToken) -> bool {
        unsafe { self.0.is_finished(writer) }
    }
    unsafe fn try_finish(&self, writer: &mut Self::WriterToken) -> bool {
        unsafe { self.0.try_finish(writer) }
    }
    unsafe fn poll_finish(
        &self,
        writer: &mut Self::WriterToken,
        cx: &mut Context<'_>,
    ) -> std::task::Poll<()> {
        unsafe { self.0.poll_finish(writer, cx) }
    }
    unsafe fn stragglers(&self, writer: &Self::WriterToken) -> usize {
        unsafe { self.0.stragglers(writer) }
    }
    unsafe fn holds(&self, reader: &Self::ReaderToken, side: Side) -> bool {
        let holds = unsafe { self.0.holds(reader, side) };
        // As another thread may at this moment.
        let last = WHILE_ASKED.lock().unwrap().take();
        drop(last);
        holds
    }
}
impl BlockingStrategy for Asked {}

type AskedGuard = SharedReadGuard<'static, AskedPtr>;

/// Runs in a destructor.
struct Runs(Cell<Option<Box<dyn FnOnce()>>>);
impl Drop for Runs {
    fn drop(&mut self) {
        if let Some(f) = self.0.take() {
            f();
        }
    }
}

thread_local! {
    static RUNS: Runs = const { Runs(Cell::new(None)) };
    static KEPT: Cell<Option<ManuallyDrop<AskedGuard>>> = const { Cell::new(None) };
}

struct DropsKept;
impl Wake for DropsKept {
    fn wake(self: Arc<Self>) {
        drop(KEPT.take().map(ManuallyDrop::into_inner));
    }
}

/// A thread that ends asks its slots whether it would wait for itself. With one table goes a
/// reader, whose forgotten guard wakes, and the waker drops the last guard of another slot of
/// this thread, which ends that slot. (Miri sees it.)
#[test]
fn slot_that_ends_while_its_thread_asks_is_not_asked() {
    let buffer = Arc::new(DoubleBuffer::new(0, 0, Asked(EpochStrategy::new())));
    let mut writer = Writer::claim(Arc::clone(&buffer)).unwrap();
    let first = SharedReader::new(Arc::clone(&buffer));
    let second: &'static SharedReader<_> = Box::leak(Box::new(SharedReader::new(buffer)));
    let (tell, told) = std::sync::mpsc::channel();
    thread::spawn(move || {
        // Registered before the slots' destructor: runs after it.
        RUNS.with(|_| ());
        KEPT.set(Some(ManuallyDrop::new(second.read())));
        assert!(writer.start_swap());
        mem::forget(first.read());
        let waker = Waker::from(Arc::new(DropsKept));
        let mut cx = Context::from_waker(&waker);
        assert!(writer.poll_finish(&mut cx).is_pending());
        RUNS.with(|runs| {
            runs.0.set(Some(Box::new(move || {
                *WHILE_ASKED.lock().unwrap() = Some(first);
                let _ = catch_unwind(AssertUnwindSafe(|| writer.finish()));
                tell.send(writer.try_finish()).unwrap();
            })));
        });
    })
    .join()
    .unwrap();
    assert!(told.recv().unwrap());
}

/// The destructor of a `pthread` key runs when nothing of std's is left of the thread.
#[cfg(all(target_os = "linux", not(miri)))]
#[test]
fn first_read_may_be_in_a_destructor_of_the_system() {
    static READ: Mutex<Option<thread::Result<usize>>> = Mutex::new(None);
    extern "C" fn reads(_: *mut libc::c_void) {
        *READ.lock().unwrap() = Some(catch_unwind(|| *STATIC.1.read()));
    }
    LazyLock::force(&STATIC);
    let mut key = 0;
    for destructor in [None, Some(reads as unsafe extern "C" fn(_))] {
        // The second one: std's own key is before that, and not always before the first.
        // SAFETY: the destructor takes any pointer.
        let made = unsafe { libc::pthread_key_create(&raw mut key, destructor) };
        assert_eq!(made, 0);
    }
    thread::spawn(move || {
        // SAFETY: the key was made above. Not null: else no destructor runs.
        let set = unsafe { libc::pthread_setspecific(key, (&raw const READ).cast()) };
        assert_eq!(set, 0);
    })
    .join()
    .unwrap();
    let read = READ.lock().unwrap().take();
    assert!(read.expect("the destructor has run").is_ok());
}
