//! The readers and guards of threads that share a `SharedReader`, while threads and handles come
//! and go.

use std::cell::{Cell, RefCell};
use std::mem::forget;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier, LazyLock, Mutex, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use dbuf_strategies::core::{
    ArcWriter, BlockingStrategy, BufferPtr, DoubleBuffer, SharedReadGuard, SharedReader, Side,
    Strategy, Writer, arc, rc,
};
use dbuf_strategies::{CountStrategy, EpochStrategy, FlashStrategy, LocalStrategy, LockStrategy};

/// A strategy that counts its registered readers.
#[derive(Default)]
struct Registered<S>(S, Arc<AtomicUsize>);

struct Reader<T>(T, Arc<AtomicUsize>);

impl<T> Drop for Reader<T> {
    fn drop(&mut self) {
        self.1.fetch_sub(1, SeqCst);
    }
}

// SAFETY: the inner strategy keeps the promises; the caller's are passed on.
unsafe impl<S: Strategy> Strategy for Registered<S> {
    type WriterToken = S::WriterToken;
    type ReaderToken = Reader<S::ReaderToken>;
    type GuardToken = S::GuardToken;
    fn try_claim_writer(&self) -> Option<S::WriterToken> {
        self.0.try_claim_writer()
    }
    unsafe fn release_writer(&self, writer: S::WriterToken) {
        // SAFETY: the caller's promises.
        unsafe { self.0.release_writer(writer) }
    }
    fn is_writer_claimed(&self) -> bool {
        self.0.is_writer_claimed()
    }
    fn new_reader(&self) -> Self::ReaderToken {
        self.1.fetch_add(1, SeqCst);
        Reader(self.0.new_reader(), Arc::clone(&self.1))
    }
    unsafe fn acquire(&self, reader: &Self::ReaderToken) -> S::GuardToken {
        // SAFETY: the caller's promises.
        unsafe { self.0.acquire(&reader.0) }
    }
    fn side(guard: &S::GuardToken) -> Side {
        S::side(guard)
    }
    unsafe fn release(&self, reader: &Self::ReaderToken, guard: S::GuardToken) {
        // SAFETY: the caller's promises.
        unsafe { self.0.release(&reader.0, guard) }
    }
    fn front(&self) -> Side {
        self.0.front()
    }
    unsafe fn start_swap(&self, writer: &mut S::WriterToken) {
        // SAFETY: the caller's promises.
        unsafe { self.0.start_swap(writer) }
    }
    unsafe fn is_finished(&self, writer: &S::WriterToken) -> bool {
        // SAFETY: the caller's promises.
        unsafe { self.0.is_finished(writer) }
    }
    unsafe fn try_finish(&self, writer: &mut S::WriterToken) -> bool {
        // SAFETY: the caller's promises.
        unsafe { self.0.try_finish(writer) }
    }
    unsafe fn poll_finish(&self, writer: &mut S::WriterToken, cx: &mut Context<'_>) -> Poll<()> {
        // SAFETY: the caller's promises.
        unsafe { self.0.poll_finish(writer, cx) }
    }
    unsafe fn stragglers(&self, writer: &S::WriterToken) -> usize {
        // SAFETY: the caller's promises.
        unsafe { self.0.stragglers(writer) }
    }
}
impl<S: BlockingStrategy> BlockingStrategy for Registered<S> {}

type Handle<S> = SharedReader<Arc<DoubleBuffer<u32, Registered<S>>>>;
type Owner<S> = ArcWriter<u32, Registered<S>>;

/// Returns a handle, and a function that returns how many readers are registered.
fn counted<S: Strategy + Default>() -> (Owner<S>, Handle<S>, impl Fn() -> usize) {
    let strategy = Registered::<S>::default();
    let registered = Arc::clone(&strategy.1);
    let (writer, reader) = arc(7, 7, strategy);
    (writer, reader.shared(), move || registered.load(SeqCst))
}

fn ended_threads_leave_no_reader<S>(bursts: usize)
where
    S: BlockingStrategy + Default,
{
    let (mut writer, shared, registered) = counted::<S>();
    let at_once = if cfg!(miri) { 3 } else { 250 };
    for _ in 0..bursts {
        let all = &Barrier::new(at_once);
        thread::scope(|scope| {
            let threads: Vec<_> = (0..at_once)
                .map(|_| {
                    thread::Builder::new()
                        .stack_size(64 * 1024)
                        .spawn_scoped(scope, || {
                            let outer = shared.read();
                            assert_eq!(*outer + *shared.read(), 14);
                            drop(outer);
                            all.wait();
                        })
                        .unwrap()
                })
                .collect();
            // Wait for the end of the thread, not only of the closure.
            threads
                .into_iter()
                .for_each(|thread| thread.join().unwrap());
        });
        assert_eq!(registered(), 0);
    }
    assert!(writer.start_swap() && writer.try_finish());
}

/// ANCHORS 29: after 4,000 threads, no reader remains.
#[test]
fn bug_29_ended_threads_keep_no_reader() {
    ended_threads_leave_no_reader::<EpochStrategy>(if cfg!(miri) { 2 } else { 16 });
    ended_threads_leave_no_reader::<CountStrategy>(2);
    ended_threads_leave_no_reader::<FlashStrategy>(2);
    ended_threads_leave_no_reader::<LockStrategy>(2);
}

#[test]
fn a_thread_that_panicked_leaves_no_reader() {
    let (_writer, shared, registered) = counted::<EpochStrategy>();
    let clone = shared.clone();
    let ended = thread::spawn(move || {
        let _guards = [clone.read(), clone.read(), clone.read()];
        panic!("on purpose");
    });
    assert!(ended.join().is_err());
    assert_eq!(registered(), 0);
}

/// However guards are nested.
#[test]
fn a_thread_has_one_reader() {
    let (mut writer, shared, registered) = counted::<EpochStrategy>();
    assert_eq!(registered(), 0);
    drop(shared.read());
    drop(shared.read());
    assert_eq!(registered(), 1);
    let mut guards = Vec::new();
    for value in 0..5 {
        writer.finish();
        writer.store(value);
        // A chain: each guard is taken before the last one is dropped.
        let next = shared.read();
        guards.clear();
        assert_eq!(*next, value);
        guards.push(next);
    }
    guards.extend((0..9).map(|_| shared.read()));
    assert_eq!(registered(), 1);
    while !guards.is_empty() {
        assert!(shared.has_guard());
        drop(guards.swap_remove(guards.len() / 2));
    }
    assert!(!shared.has_guard());
    assert_eq!(registered(), 1);
    assert!(writer.try_finish());
}

/// The drop of the last handle drops readers and buffer, although a thread that has read is
/// still alive.
#[test]
fn idle_threads_keep_nothing() {
    let (writer, shared, registered) = counted::<FlashStrategy>();
    let buffer = Arc::downgrade(writer.ptr());
    let (read, has_read) = channel();
    let (end, may_end) = channel::<()>();
    let clone = shared.clone();
    let idle = thread::spawn(move || {
        assert_eq!(*clone.read(), 7);
        drop(clone);
        read.send(()).unwrap();
        let _ = may_end.recv();
        // The thread can read through another handle.
        let (_writer, other) = arc(8, 8, EpochStrategy::new());
        assert_eq!(*other.shared().read(), 8);
    });
    has_read.recv().unwrap();
    drop(shared.read());
    assert_eq!(registered(), 2);
    drop(shared);
    assert_eq!(registered(), 0);
    assert_eq!(Arc::strong_count(writer.ptr()), 1);
    drop(writer);
    assert_eq!(Weak::strong_count(&buffer), 0);
    drop(end);
    idle.join().unwrap();
}

/// Threads end while handles of a local buffer are dropped. Whichever is last, nothing uses the
/// buffer after it is gone. (For Miri and ThreadSanitizer.)
#[test]
fn handles_go_while_threads_end() {
    for round in 0..if cfg!(miri) { 8 } else { 500 } {
        let buffer = DoubleBuffer::new(round, round, Registered::<EpochStrategy>::default());
        let registered = Arc::clone(&buffer.strategy().1);
        thread::scope(|scope| {
            let shared = SharedReader::new(&buffer);
            for _ in 0..3 {
                let shared = shared.clone();
                // The scope waits for the closure, not for the end of the thread.
                scope.spawn(move || assert_eq!(*shared.read(), round));
            }
        });
        while registered.load(SeqCst) > 0 {
            thread::yield_now();
        }
    }
}

/// More handles than a thread caches, in random order, some of them gone.
#[test]
fn each_handle_finds_its_own_slot() {
    let count: usize = if cfg!(miri) { 24 } else { 300 };
    let mut handles: Vec<_> = (0..count)
        .map(|n| {
            let (_, reader) = arc(n, n, CountStrategy::new());
            Some(reader.shared())
        })
        .collect();
    for round in 0..4 {
        for step in 0..count {
            let n = step * 7 % count;
            let Some(shared) = &handles[n] else { continue };
            let guard = shared.read();
            assert_eq!(*guard, n);
            let other = (n + 8) % count;
            if let Some(other_shared) = &handles[other] {
                assert!(!other_shared.has_guard());
                assert_eq!(*other_shared.read(), other);
            }
            assert!(shared.has_guard());
            assert_eq!(*shared.read(), n);
        }
        for n in (round..count).step_by(5) {
            handles[n] = None;
        }
    }
}

/// The writer waits for a forgotten guard until the last handle is dropped, even if its thread
/// has ended.
#[test]
fn a_forgotten_guard_ends_with_the_last_handle() {
    let (mut writer, _, registered) = counted::<EpochStrategy>();
    for own_thread in [true, false] {
        let shared = SharedReader::new(Arc::clone(writer.ptr()));
        if own_thread {
            forget(shared.read());
            assert!(shared.has_guard());
        } else {
            thread::scope(|scope| {
                let thread = scope.spawn(|| forget(shared.read()));
                thread.join().unwrap();
            });
            assert!(!shared.has_guard());
        }
        assert_eq!(registered(), 1);
        assert!(writer.start_swap());
        assert!(!writer.try_finish());
        drop(shared);
        assert_eq!(registered(), 0);
        assert!(writer.try_finish());
    }
}

/// Calls a closure when it is woken, once.
struct OnWake(Mutex<Option<Box<dyn FnOnce() + Send>>>);

impl Wake for OnWake {
    fn wake(self: Arc<Self>) {
        let f = self.0.lock().unwrap().take();
        if let Some(f) = f {
            f();
        }
    }
}

fn on_wake(f: impl FnOnce() + Send + 'static) -> Waker {
    Arc::new(OnWake(Mutex::new(Some(Box::new(f))))).into()
}

/// A waker runs after its guard has ended. It reads through the handle, and may wait for readers.
#[test]
fn a_waker_that_reads_finds_no_guard() {
    let (mut writer, shared, _) = counted::<EpochStrategy>();
    for nested in [false, true] {
        writer.finish();
        let old = shared.read();
        writer.start_swap();
        let new = nested.then(|| shared.read());
        let (handle, woken) = (shared.clone(), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&woken);
        let waker = on_wake(move || {
            assert_eq!(handle.has_guard(), nested);
            assert_eq!(*handle.read() + *handle.read(), 14);
            assert_eq!(handle.has_guard(), nested);
            count.fetch_add(1, SeqCst);
        });
        let pending = writer.poll_finish(&mut Context::from_waker(&waker));
        assert!(pending.is_pending());
        drop(old);
        assert_eq!(woken.load(SeqCst), 1);
        assert_eq!(shared.has_guard(), nested);
        drop(new);
        assert!(!shared.has_guard() && writer.try_finish());
    }
}

/// A pointer whose `clone` and `deref` read through the handle that it is in.
struct ReadsItself(&'static DoubleBuffer<u32, EpochStrategy>);

thread_local!(static READS: Cell<bool> = const { Cell::new(false) });
static ITS_BUFFER: DoubleBuffer<u32, EpochStrategy> = DoubleBuffer::new(5, 5, EpochStrategy::new());
static ITS_HANDLE: LazyLock<SharedReader<ReadsItself>> =
    LazyLock::new(|| SharedReader::new(ReadsItself(&ITS_BUFFER)));

fn read_if_asked() {
    if READS.replace(false) {
        assert_eq!(*ITS_HANDLE.read(), 5);
    }
}

impl Deref for ReadsItself {
    type Target = DoubleBuffer<u32, EpochStrategy>;
    fn deref(&self) -> &Self::Target {
        read_if_asked();
        self.0
    }
}

impl Clone for ReadsItself {
    fn clone(&self) -> Self {
        read_if_asked();
        Self(self.0)
    }
}

// SAFETY: a reference to a static (P1 to P6).
unsafe impl BufferPtr for ReadsItself {
    type Value = u32;
    type Strategy = EpochStrategy;
    type Extras = ();
}

#[test]
fn a_pointer_that_reads_hides_no_guard() {
    let shared = &*ITS_HANDLE;
    let mut writer = Writer::claim(&ITS_BUFFER).unwrap();
    let asked = || READS.set(true);
    for _ in 0..3 {
        asked();
        let outer = shared.read();
        assert!(!READS.get() && shared.has_guard());
        asked();
        let inner = shared.read();
        // A guard refers to its buffer, and uses no pointer.
        asked();
        assert_eq!(*SharedReadGuard::extras(&inner), ());
        drop(outer);
        assert!(READS.get() && shared.has_guard());
        let clone = shared.clone();
        assert!(!READS.get() && clone.has_guard());
        writer.start_swap();
        assert!(!writer.try_finish());
        asked();
        drop(inner);
        assert!(READS.replace(false) && !shared.has_guard());
        assert!(writer.try_finish());
    }
}

/// On one thread, a shared handle works with any strategy.
#[test]
fn a_shared_handle_may_stay_on_its_thread() {
    let (mut writer, reader) = rc(1, 1, LocalStrategy::new());
    let shared = reader.shared();
    let nested = (shared.read(), shared.clone());
    assert_eq!(*nested.0 + *nested.1.read(), 2);
    writer.start_swap();
    assert!(!writer.try_finish());
    drop(nested);
    assert!(writer.try_finish());
    let weak = Rc::downgrade(writer.ptr());
    drop((writer, reader, shared));
    assert!(weak.upgrade().is_none());
}

/// A guard that outlives its thread's slots.
struct Late {
    work: RefCell<Option<Box<dyn FnOnce()>>>,
}

impl Drop for Late {
    fn drop(&mut self) {
        if let Some(work) = self.work.take() {
            work();
        }
    }
}

thread_local! {
    static LATE: Late = const { Late { work: RefCell::new(None) } };
}

type Leaked = &'static DoubleBuffer<u32, Registered<EpochStrategy>>;

/// Runs `f` on a new thread, and calls what it returns when the thread's slots have ended.
fn late<F: FnOnce() + 'static>(thread: impl FnOnce() -> F + Send + 'static) {
    let ended = thread::spawn(move || {
        // Register it first, so that it is destroyed last.
        LATE.with(|late| assert!(late.work.borrow().is_none()));
        let work = thread();
        LATE.with(|late| *late.work.borrow_mut() = Some(Box::new(work)));
    });
    ended.join().unwrap();
}

fn leaked() -> (
    Leaked,
    &'static SharedReader<Leaked>,
    impl Fn() -> usize + Clone,
) {
    let buffer: Leaked = Box::leak(Box::new(DoubleBuffer::new(7, 7, Registered::default())));
    let registered = Arc::clone(&buffer.strategy().1);
    let shared = Box::leak(Box::new(SharedReader::new(buffer)));
    (buffer, shared, move || registered.load(SeqCst))
}

/// Reports a panic that would abort in the destructor of a thread local.
fn checked(done: &Arc<AtomicUsize>, work: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(work)).is_ok() {
        done.fetch_add(1, SeqCst);
    }
}

#[test]
fn reads_after_the_threads_slots_ended() {
    let (_, shared, registered) = leaked();
    let done = Arc::new(AtomicUsize::new(0));
    for had_a_slot in [true, false] {
        let (registered, done) = (registered.clone(), Arc::clone(&done));
        late(move || {
            if had_a_slot {
                assert_eq!(*shared.read(), 7);
            } else {
                let (_writer, other) = arc(8, 8, EpochStrategy::new());
                assert_eq!(*other.shared().read(), 8);
            }
            move || {
                checked(&done, || {
                    assert_eq!(registered(), 0, "its slot is still registered");
                    for _ in 0..3 {
                        assert!(!shared.has_guard());
                        let outer = shared.read();
                        let inner = shared.read();
                        assert!(shared.has_guard());
                        assert_eq!((*outer + *inner + *shared.read(), registered()), (21, 1));
                        drop(outer);
                        assert!(shared.has_guard());
                        assert_eq!(*shared.read() + *inner, 14);
                        drop(inner);
                        assert!(!shared.has_guard());
                        assert_eq!(registered(), 0, "its last guard kept the reader");
                    }
                });
            }
        });
    }
    assert_eq!((done.load(SeqCst), registered()), (2, 0));
}

#[test]
fn a_guard_outlives_its_threads_slots() {
    let (buffer, shared, registered) = leaked();
    let done = Arc::new(AtomicUsize::new(0));
    for panics in [false, true] {
        let mut writer = Writer::claim(buffer).unwrap();
        writer.finish();
        let (registered, done) = (registered.clone(), Arc::clone(&done));
        late(move || {
            let guards = (shared.read(), shared.read());
            move || {
                checked(&done, || {
                    assert_eq!((*guards.0, registered()), (7, 1));
                    assert!(shared.has_guard());
                    writer.start_swap();
                    let waker = on_wake(move || {
                        assert_eq!(*shared.read(), 7);
                        assert!(!panics, "a waker");
                    });
                    let pending = writer.poll_finish(&mut Context::from_waker(&waker));
                    assert!(pending.is_pending());
                    let unwinds = |guard| catch_unwind(AssertUnwindSafe(|| drop(guard))).is_err();
                    // Either of the two may wake.
                    let inner = unwinds(guards.1);
                    assert!(shared.has_guard());
                    assert_eq!(*shared.read(), 7);
                    assert_eq!(inner | unwinds(guards.0), panics);
                    assert!(!shared.has_guard());
                    assert_eq!(registered(), 0);
                    assert!(writer.try_finish());
                });
            }
        });
    }
    assert_eq!((done.load(SeqCst), registered()), (2, 0));
}
