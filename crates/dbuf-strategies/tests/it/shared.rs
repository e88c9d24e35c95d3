//! `SharedReader`: one handle for any thread, and for destructors.

use std::cell::RefCell;
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier, LazyLock};
use std::thread;

use dbuf_strategies::core::{
    ArcWriter, DoubleBuffer, MappedSharedReadGuard, OwnedReadGuard, ReadGuard, SharedReadGuard,
    SharedReader, Writer,
};
use dbuf_strategies::{CountStrategy, EpochStrategy, FlashStrategy, LockStrategy};
use dbuf_testing::Tracked;

type Ptr<S> = Arc<DoubleBuffer<Tracked, S>>;

fn pair<S: dbuf_strategies::core::Strategy<ReaderToken: Send> + Send + Sync>(
    strategy: S,
) -> (ArcWriter<Tracked, S>, SharedReader<Ptr<S>>) {
    let buffer = DoubleBuffer::new(Tracked::new(0), Tracked::new(0), strategy);
    let writer = Writer::claim(Arc::new(buffer)).unwrap();
    let shared = SharedReader::new(writer.ptr().clone());
    (writer, shared)
}

fn many_threads_read_one_handle<S>(strategy: S)
where
    S: dbuf_strategies::core::BlockingStrategy,
    S: dbuf_strategies::core::Strategy<ReaderToken: Send>,
{
    let (mut writer, shared) = pair(strategy);
    let last = if cfg!(miri) { 10 } else { 1000 };
    thread::scope(|scope| {
        for _ in 0..3 {
            let shared = &shared;
            scope.spawn(move || {
                let mut seen = 0;
                while seen < last {
                    let outer = shared.read();
                    let inner = shared.clone();
                    let inner = inner.read();
                    assert!(seen <= outer.get() && outer.get() <= inner.get());
                    seen = inner.get();
                }
            });
        }
        for value in 1..=last {
            writer.back_mut().set(value);
            writer.start_swap();
        }
    });
}

#[test]
fn many_threads_read_one_handle_of_every_strategy() {
    many_threads_read_one_handle(CountStrategy::new());
    many_threads_read_one_handle(EpochStrategy::new());
    many_threads_read_one_handle(FlashStrategy::new());
    many_threads_read_one_handle(LockStrategy::new());
}

/// ANCHORS 3 and 12 of the registry kind: after nested guards, dropped in any order, a thread
/// keeps one reader. The writer waits for as long as one of them lives.
#[test]
fn nested_guards_are_independent() {
    let (mut writer, shared) = pair(EpochStrategy::new());
    let outer = shared.read();
    writer.back_mut().set(1);
    writer.start_swap();
    let inner = shared.read();
    assert_eq!((outer.get(), inner.get()), (0, 1));
    assert!(writer.try_back_mut().is_none());
    drop(outer);
    writer.try_back_mut().unwrap().set(2);
    writer.start_swap();
    assert_eq!(inner.get(), 1);
    assert!(writer.try_back_mut().is_none());
    drop(inner);
    assert!(writer.try_back_mut().is_some());
    assert_eq!(shared.read().get(), 2);
}

#[test]
fn guards_narrow_and_know_their_version() {
    let (_writer, shared) = pair(FlashStrategy::new());
    let guard: SharedReadGuard<'_, _> = shared.read();
    assert_eq!(SharedReadGuard::version(&guard), 0);
    let mapped = SharedReadGuard::map(guard, |value, _| value);
    assert_eq!(mapped.get(), 0);
}

/// If the closure that narrows a guard panics, the guard is released.
#[test]
fn guard_is_released_when_its_narrowing_panics() {
    fn no<'a>(_: &'a Tracked, (): &'a ()) -> &'a Tracked {
        panic!("closure")
    }
    fn no_part<'a>(_: &'a Tracked, (): &'a ()) -> Option<&'a Tracked> {
        panic!("closure")
    }

    let (mut writer, shared) = pair(LockStrategy::new());
    let reader = writer.reader();
    let whole = || SharedReadGuard::map(shared.read(), |value, _| value);
    let narrowings: [&dyn Fn(); 6] = [
        &|| drop(ReadGuard::map(reader.read(), no)),
        &|| drop(ReadGuard::try_map(reader.read(), no_part)),
        &|| drop(SharedReadGuard::map(shared.read(), no)),
        &|| drop(SharedReadGuard::try_map(shared.read(), no_part)),
        &|| drop(MappedSharedReadGuard::map(whole(), no)),
        &|| drop(MappedSharedReadGuard::try_map(whole(), no_part)),
    ];
    for narrowing in narrowings {
        let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(narrowing));
        assert!(unwound.is_err());
        assert!(!shared.has_guard());
        assert!(writer.try_swap(), "a guard was not released");
    }
}

#[test]
fn owned_guard_gives_its_reader_back() {
    let (mut writer, shared) = pair(EpochStrategy::new());
    let guard = Box::new(writer.reader()).into_guard();
    writer.back_mut().set(1);
    writer.start_swap();
    assert_eq!(guard.get(), 0);
    let moved = Box::new(guard);
    assert!(!writer.try_finish());
    let reader = OwnedReadGuard::into_reader(*moved);
    assert!(writer.try_finish());
    assert_eq!((reader.read().get(), shared.read().get()), (1, 1));
    drop(reader.into_guard());
    assert!(writer.start_swap() && writer.try_finish());
}

/// A forgotten guard of a shared handle delays swaps, and has no other effect.
#[test]
fn forgotten_shared_guard_only_delays() {
    let (mut writer, shared) = pair(EpochStrategy::new());
    std::mem::forget(shared.read());
    writer.back_mut().set(1);
    writer.start_swap();
    assert!(writer.try_back_mut().is_none());
    assert_eq!(shared.read().get(), 1);
}

/// Threads come and go, and no swap waits for those that ended.
#[test]
fn threads_come_and_go() {
    let (mut writer, shared) = pair(EpochStrategy::new());
    let rounds = if cfg!(miri) { 8 } else { 500 };
    for value in 1..=rounds {
        let shared = shared.clone();
        thread::spawn(move || assert_eq!(shared.read().get(), value - 1))
            .join()
            .unwrap();
        writer.back_mut().set(value);
        writer.start_swap();
        assert!(writer.try_finish(), "a guard was not released");
    }
}

type Map = (
    std::sync::Mutex<ArcWriter<Tracked, EpochStrategy>>,
    SharedReader<Ptr<EpochStrategy>>,
);
static STATIC: LazyLock<Map> = LazyLock::new(|| {
    let (writer, shared) = pair(EpochStrategy::new());
    (std::sync::Mutex::new(writer), shared)
});

/// Reads in its destructor, and keeps a guard until then.
struct ReadsWhenDropped {
    guard: RefCell<Option<SharedReadGuard<'static, Ptr<EpochStrategy>>>>,
    gate: RefCell<Option<Arc<Barrier>>>,
}

impl Drop for ReadsWhenDropped {
    fn drop(&mut self) {
        let guard = self.guard.take();
        if let Some(gate) = self.gate.take() {
            // A new thread starts and reads.
            gate.wait();
            for _ in 0..20 {
                let fresh = STATIC.1.read();
                if let Some(guard) = &guard {
                    assert!(guard.get() <= fresh.get());
                }
            }
            gate.wait();
        }
        drop(guard);
        assert!(STATIC.1.read().get() < usize::MAX);
    }
}

thread_local! {
    static LATE: ReadsWhenDropped = const {
        ReadsWhenDropped { guard: RefCell::new(None), gate: RefCell::new(None) }
    };
}

/// ANCHORS 23: a local that was used before the first read is destroyed after the thread's
/// slots have ended. It still has a guard, and reads, while a new thread reads. Miri reports a
/// reader that both threads use.
#[test]
fn bug_23_guard_outlives_its_threads_slot() {
    for round in 0..if cfg!(miri) { 2 } else { 50 } {
        let gate = Arc::new(Barrier::new(2));
        let (ready, first) = channel();
        let late = {
            let gate = Arc::clone(&gate);
            thread::spawn(move || {
                // Register this destructor first, so that it runs last.
                LATE.with(|late| *late.gate.borrow_mut() = Some(gate));
                LATE.with(|late| *late.guard.borrow_mut() = Some(STATIC.1.read()));
                ready.send(()).unwrap();
            })
        };
        first.recv().unwrap();
        let reads = thread::spawn(move || {
            gate.wait();
            for _ in 0..20 {
                assert!(!STATIC.1.has_guard(), "another thread's guard is counted");
                let guard = STATIC.1.read();
                assert!(guard.get() < usize::MAX && STATIC.1.has_guard());
            }
            gate.wait();
        });
        {
            let mut writer = STATIC.0.lock().unwrap();
            if writer.try_finish() {
                writer.back_mut().set(round);
                writer.start_swap();
            }
        }
        late.join().unwrap();
        reads.join().unwrap();
    }
    // No guard is alive, so a swap finishes.
    let mut writer = STATIC.0.lock().unwrap();
    writer.finish();
    writer.start_swap();
    assert!(writer.try_finish());
}

/// The first read of a thread is in a destructor.
#[test]
fn first_read_of_a_thread_is_in_a_destructor() {
    thread::spawn(|| {
        LATE.with(|late| assert!(late.guard.borrow().is_none()));
    })
    .join()
    .unwrap();
}

/// A thread knows whether it has a guard, in whatever order guards are nested and dropped, and
/// does not count those of other threads.
#[test]
fn a_thread_knows_of_its_own_guards_only() {
    let (_writer, shared) = pair(EpochStrategy::new());
    assert!(!shared.has_guard(), "before the first read");
    drop(shared.read());
    // Every order in which three nested guards can be dropped.
    for order in [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ] {
        let mut guards = [(); 3].map(|()| Some(shared.read()));
        for last in order {
            assert!(shared.clone().has_guard());
            thread::scope(|scope| {
                scope.spawn(|| assert!(!shared.has_guard()));
            });
            guards[last] = None;
        }
        assert!(!shared.has_guard(), "dropped as {order:?}");
        // One more guard between the drops.
        let first = shared.read();
        let second = shared.read();
        drop(first);
        let third = shared.read();
        drop(second);
        assert!(shared.has_guard());
        drop(third);
        assert!(!shared.has_guard());
    }
    let other = pair(EpochStrategy::new()).1;
    let _guard = other.read();
    assert!(!shared.has_guard(), "a guard of another buffer");
}

/// A new thread does not inherit the forgotten guard of one that ended.
#[test]
fn a_forgotten_guard_is_not_inherited() {
    let (_writer, shared) = pair(FlashStrategy::new());
    for _ in 0..10 {
        thread::scope(|scope| {
            scope.spawn(|| {
                assert!(!shared.has_guard());
                drop(shared.read());
                std::mem::forget((shared.read(), shared.read()));
                assert!(shared.has_guard());
            });
        });
    }
    thread::scope(|scope| {
        scope.spawn(|| {
            drop(shared.read());
            assert!(!shared.has_guard());
        });
    });
}

/// If a waker panics in the drop of a guard, its reader is lost, but guards are still counted.
#[test]
fn a_panicking_waker_leaves_the_guards_counted() {
    struct Panics;
    impl std::task::Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("from a waker");
        }
    }
    let (mut writer, shared) = pair(EpochStrategy::new());
    let waker = Arc::new(Panics).into();
    for nested in [false, true] {
        writer.finish();
        let old = shared.read();
        assert!(writer.start_swap());
        let new = nested.then(|| shared.read());
        let mut cx = std::task::Context::from_waker(&waker);
        assert!(writer.poll_finish(&mut cx).is_pending());
        let dropped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(old)));
        assert!(dropped.is_err());
        assert_eq!(shared.has_guard(), nested);
        drop(new);
        assert!(!shared.has_guard());
        assert!(writer.try_finish());
    }
}

/// A read by closure is a read like any other: it may be nested, is counted while it lasts, and
/// ends when the closure unwinds.
#[test]
fn a_read_by_closure_is_a_read() {
    let (mut writer, shared) = pair(EpochStrategy::new());
    for _ in 0..3 {
        assert_eq!(shared.with(|value, ()| value.get()), 0);
        shared.with(|outer, ()| {
            assert!(shared.has_guard());
            let guard = shared.read();
            assert_eq!(shared.with(|inner, ()| inner.get()), outer.get());
            drop(guard);
            assert!(shared.has_guard());
        });
        assert!(!shared.has_guard());
        let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            shared.with(|_, ()| panic!("closure"));
        }));
        assert!(unwound.is_err() && !shared.has_guard());
    }
    // A guard that is taken in the closure and dropped after it.
    let late = shared.with(|_, ()| shared.read());
    assert!(shared.has_guard());
    writer.start_swap();
    assert!(!writer.try_finish());
    drop(late);
    assert!(writer.try_finish() && !shared.has_guard());
}
