//! What the suite does not test for every pointer: weak readers, owning pointers, a user's
//! pointer, `static` buffers, and which types are `Send` and `Sync`.

use std::cell::{Cell, RefCell};
use std::ops::Deref;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::rc::Rc;
use std::sync::{Arc, Weak};

use dbuf_strategies::core::{
    BlockingStrategy, BufferPtr, Closed, DoubleBuffer, MappedReadGuard, MappedSharedReadGuard,
    OpWriter, OwnedReadGuard, ReadGuard, Reader, ReaderPtr, SharedReadGuard, SharedReader,
    Strategy, WeakReader, Writer, arc, rc, split,
};
use dbuf_strategies::{
    CountStrategy, DefaultStrategy, EpochStrategy, FlashStrategy, LocalStrategy, LockStrategy,
};
use dbuf_testing::suite;
use dbuf_testing::suite::buffer;

/// A user's pointer: an `Rc` with a label.
struct Labelled<B> {
    label: &'static str,
    buffer: Rc<B>,
}

impl<B> Clone for Labelled<B> {
    fn clone(&self) -> Self {
        Self {
            label: self.label,
            buffer: Rc::clone(&self.buffer),
        }
    }
}

impl<B> Labelled<B> {
    fn new(buffer: B) -> Self {
        Self {
            label: "mine",
            buffer: Rc::new(buffer),
        }
    }
}

impl<B> Deref for Labelled<B> {
    type Target = B;

    fn deref(&self) -> &B {
        &self.buffer
    }
}

// SAFETY: the `Rc` inside, which is never given out, keeps P1 to P6.
unsafe impl<T, S: Strategy, X> BufferPtr for Labelled<DoubleBuffer<T, S, X>> {
    type Value = T;
    type Strategy = S;
    type Extras = X;
}

suite!(labelled_epoch: any, blocking => || Labelled::new(buffer(EpochStrategy::new())));
suite!(labelled_local: any => || Labelled::new(buffer(LocalStrategy::new())));

fn weak_reader_sees_until_the_end<S: Strategy>(strategy: S) {
    let (mut writer, strong) = arc(1, 2, strategy);
    let weak = writer.weak_reader();
    let clone = weak.clone();
    assert_eq!(*weak.try_read().unwrap(), 1);
    assert!(writer.start_swap());
    assert_eq!(*weak.try_read().unwrap(), 2);
    assert!(!weak.is_closed());
    drop(writer);
    assert!(weak.is_closed(), "no writer is claimed");
    assert_eq!(*weak.try_read().unwrap(), 2);
    let guard = clone.try_read().unwrap();
    drop(strong);
    // The guard keeps the buffer alive, for every reader.
    assert_eq!((*guard, *weak.try_read().unwrap()), (2, 2));
    drop(guard);
    assert_eq!(weak.try_read().unwrap_err(), Closed);
    assert_eq!(clone.try_read().unwrap_err(), Closed);
    let born_closed = weak.clone();
    assert_eq!(born_closed.try_read().unwrap_err(), Closed);
    assert!(born_closed.is_closed());
}

#[test]
fn weak_readers_see_until_the_end() {
    weak_reader_sees_until_the_end(CountStrategy::new());
    weak_reader_sees_until_the_end(EpochStrategy::new());
    weak_reader_sees_until_the_end(FlashStrategy::new());
    weak_reader_sees_until_the_end(LockStrategy::new());
    let (writer, reader) = rc(1, 2, LocalStrategy::new());
    let weak = writer.weak_reader();
    assert_eq!(*weak.try_read().unwrap(), 1);
    drop((writer, reader));
    assert!(weak.try_read().is_err());
}

/// SOUNDNESS 5: the value owns a weak reader of its own buffer. It is made before the buffer,
/// and outlives the strategy beside it.
#[test]
fn value_may_own_a_weak_reader_of_its_own_buffer() {
    type WeakNode = WeakReader<Node, EpochStrategy>;
    struct Node {
        value: u32,
        myself: RefCell<Option<WeakNode>>,
    }
    let buffer = Arc::new_cyclic(|weak: &Weak<DoubleBuffer<Node, EpochStrategy>>| {
        let early = Reader::new(weak.clone());
        assert!(early.try_read().is_err());
        let node = |value, reader| Node {
            value,
            myself: RefCell::new(reader),
        };
        DoubleBuffer::new(node(1, Some(early)), node(2, None), EpochStrategy::new())
    });
    {
        let reader = Reader::new(Arc::clone(&buffer));
        let guard = reader.read();
        // It cannot read when it is made, and can once the buffer is there.
        let early = guard.myself.take().unwrap();
        assert_eq!(early.try_read().unwrap().value, 1);
        *guard.myself.borrow_mut() = Some(early);
    }
    assert_eq!(Arc::strong_count(&buffer), 1);
    drop(buffer);
}

#[test]
fn weak_readers_outlive_the_strategy() {
    fn outlives<S: Strategy>(strategy: S) {
        let (mut writer, reader) = arc(1, 2, strategy);
        let weak: WeakReader<i32, S> = writer.weak_reader();
        std::mem::forget(weak.try_read());
        writer.start_swap();
        drop((writer, reader));
        // The forgotten guard pins the buffer: it leaks, and nothing breaks.
        assert_eq!(*weak.try_read().unwrap(), 2);
        drop(weak);
    }
    outlives(CountStrategy::new());
    outlives(EpochStrategy::new());
    outlives(FlashStrategy::new());
    outlives(LockStrategy::new());
}

fn buffers_come_out_as_front_and_back<S: Strategy>(new: fn() -> S) {
    let (mut writer, reader) = arc("a", "b", new());
    writer.start_swap();
    let writer = writer.try_into_buffers().unwrap_err();
    drop(reader);
    assert_eq!(writer.try_into_buffers().unwrap(), ("b", "a"));

    let (writer, reader) = rc("a", "b", new());
    drop(reader);
    assert_eq!(writer.try_into_buffers().unwrap(), ("a", "b"));

    let buffer = DoubleBuffer::new("a", "b", new());
    let (writer, reader) = split(triomphe::Arc::new(buffer)).unwrap();
    let writer = writer.try_into_buffers().unwrap_err();
    drop(reader);
    assert_eq!(writer.try_into_buffers().unwrap(), ("a", "b"));

    // The buffer by value, after its handles are gone, while a swap is unfinished.
    let buffer = DoubleBuffer::new("a", "b", new());
    let (mut writer, reader) = split(&buffer).unwrap();
    std::mem::forget(reader.read());
    writer.start_swap();
    std::mem::forget(writer);
    drop(reader);
    assert_eq!(buffer.into_buffers(), ("b", "a"));
}

#[test]
fn buffers_come_out_of_every_strategy() {
    buffers_come_out_as_front_and_back(CountStrategy::new);
    buffers_come_out_as_front_and_back(EpochStrategy::new);
    buffers_come_out_as_front_and_back(FlashStrategy::new);
    buffers_come_out_as_front_and_back(LockStrategy::new);
    buffers_come_out_as_front_and_back(LocalStrategy::new);
}

/// A pointer does not get its buffer while another one lives (weak readers do not count), and
/// values are dropped once.
#[test]
fn buffers_are_dropped_once() {
    let drops = Rc::new(Cell::new(0));
    struct Counts(Rc<Cell<u32>>);
    impl Drop for Counts {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }
    let counts = || Counts(Rc::clone(&drops));
    let (writer, reader) = rc(counts(), counts(), LocalStrategy::new());
    let weak = writer.weak_reader();
    drop(reader);
    let both = writer.try_into_buffers().ok().unwrap();
    assert!(weak.try_read().is_err());
    assert_eq!(drops.get(), 0);
    drop(both);
    assert_eq!(drops.get(), 2);
    let (writer, reader) = rc(counts(), counts(), LocalStrategy::new());
    drop(writer);
    assert_eq!(drops.get(), 2);
    drop(reader);
    assert_eq!(drops.get(), 4);
}

static BUFFER: DoubleBuffer<u32, CountStrategy> = DoubleBuffer::new(1, 1, CountStrategy::new());

#[test]
fn static_buffer_is_claimed_at_run_time() {
    let reader: Reader<&'static _> = Reader::new(&BUFFER);
    let thread = std::thread::spawn(move || {
        let mut writer = Writer::claim(&BUFFER).unwrap();
        writer.store(2);
    });
    thread.join().unwrap();
    assert_eq!(*reader.read(), 2);
}

/// ANCHORS 4: ten thousand readers come and go, at once and one by one. Slots are reused, and
/// no publish waits for a reader that is gone.
#[test]
fn bug_04_ten_thousand_readers_leave_nothing_behind() {
    let count = if cfg!(miri) { 50 } else { 10_000 };
    fn churn<S: Strategy>(strategy: S, count: usize) {
        let (mut writer, reader) = arc(0, 0, strategy);
        let mut readers: Vec<_> = (0..count).map(|_| reader.clone()).collect();
        for (at, reader) in readers.iter().enumerate() {
            let guard = reader.read();
            if at % 3 == 0 {
                std::mem::forget(guard);
            }
        }
        writer.start_swap();
        // Drop them neither in the order in which they were made nor in reverse.
        while let Some(last) = readers.len().checked_sub(1) {
            drop(readers.swap_remove((last * 7 + 3) % (last + 1)));
        }
        assert!(
            writer.try_finish(),
            "forgotten guards end with their readers"
        );
        for _ in 0..count {
            drop(reader.clone().read());
        }
        assert!(writer.start_swap() && writer.try_finish());
        assert_eq!(*reader.read(), 0);
    }
    churn(EpochStrategy::new(), count);
    churn(FlashStrategy::new(), count);
}

macro_rules! pin {
    ($name:ident: $($bound:tt)+) => {
        #[allow(dead_code, reason = "compiling is the test")]
        fn $name<T: $($bound)+>() {}
    };
}
pin!(is_send: Send);
pin!(is_sync: Sync);
pin!(is_unwind_safe: UnwindSafe + RefUnwindSafe);

/// These types are `Send` or `Sync`; `tests/ui` has those that are not.
#[test]
fn send_and_sync_are_what_they_should_be() {
    type Arced<T, S> = Arc<DoubleBuffer<T, S>>;
    fn concurrent<S: Strategy<ReaderToken: Send, WriterToken: Send + Sync> + Send + Sync>() {
        is_send::<DoubleBuffer<u32, S>>();
        is_sync::<DoubleBuffer<u32, S>>();
        // `Send` does not need the value to be `Sync`; sharing does.
        is_send::<DoubleBuffer<Cell<u32>, S>>();
        is_send::<Writer<Arced<u32, S>>>();
        is_sync::<Writer<Arced<u32, S>>>();
        is_send::<Reader<Arced<u32, S>>>();
        is_send::<OpWriter<Arced<u32, S>, Box<dyn FnMut(&mut u32, &()) + Send>>>();
    }
    /// A guard is shared as a reference is; `tests/ui` has the guards that are not.
    fn guards<S: BlockingStrategy<GuardToken: Sync>>() {
        is_sync::<ReadGuard<'_, Arced<u32, S>>>();
        is_sync::<ReadGuard<'_, Weak<DoubleBuffer<u32, S>>>>();
        is_sync::<OwnedReadGuard<Arced<u32, S>>>();
        is_sync::<SharedReadGuard<'_, Arced<u32, S>>>();
        is_sync::<MappedReadGuard<'_, str, Arced<u32, S>>>();
        is_sync::<MappedSharedReadGuard<'_, str, Arced<u32, S>>>();
        is_unwind_safe::<ReadGuard<'_, Arced<u32, S>>>();
        is_unwind_safe::<OwnedReadGuard<Arced<u32, S>>>();
        is_unwind_safe::<SharedReadGuard<'_, Arced<u32, S>>>();
        is_unwind_safe::<MappedReadGuard<'_, str, Arced<u32, S>>>();
        is_unwind_safe::<Reader<Arced<u32, S>>>();
        is_unwind_safe::<SharedReader<Arced<u32, S>>>();
        is_unwind_safe::<OpWriter<Arced<u32, S>, Box<dyn FnMut(&mut u32, &()) + Send>>>();
    }
    concurrent::<CountStrategy>();
    concurrent::<EpochStrategy>();
    concurrent::<FlashStrategy>();
    concurrent::<LockStrategy>();
    guards::<CountStrategy>();
    guards::<EpochStrategy>();
    guards::<FlashStrategy>();
    guards::<LockStrategy>();
    guards::<DefaultStrategy>();
    is_unwind_safe::<ReadGuard<'_, Arced<u32, LocalStrategy>>>();
    is_send::<DoubleBuffer<u32, LocalStrategy>>();
    is_sync::<SharedReader<Arced<u32, EpochStrategy>>>();
    is_send::<SharedReader<Arced<u32, EpochStrategy>>>();
}

/// A guard may be used where one with a shorter lifetime is needed, as a reference may.
#[allow(dead_code, reason = "compiling is the test")]
fn guards_shorten<'a: 'b, 'b, R: ReaderPtr, P: BufferPtr>(
    read: ReadGuard<'a, R>,
    shared: SharedReadGuard<'a, P>,
    mapped: MappedReadGuard<'a, &'a str, R>,
) -> (
    ReadGuard<'b, R>,
    SharedReadGuard<'b, P>,
    MappedReadGuard<'b, &'b str, R>,
) {
    (read, shared, mapped)
}

/// Threads read a value through one guard.
#[test]
fn a_guard_is_shared_between_threads() {
    let (mut writer, reader) = arc(vec![1, 2], vec![], EpochStrategy::new());
    let guard = reader.read();
    let part = ReadGuard::map(reader.read(), |list, ()| &list[1]);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| assert_eq!((guard.len(), *part, ReadGuard::version(&guard)), (2, 2, 0)));
        }
        writer.start_swap();
        assert!(!writer.try_finish());
    });
    drop((guard, part));
    assert!(writer.try_finish());
}

/// ANCHORS 24: a guard's own functions do not shadow the value's methods.
#[test]
fn bug_24_guard_methods_do_not_shadow_the_values() {
    let (_writer, reader) = arc(Some(3), None, LockStrategy::new());
    assert_eq!(reader.read().map(|n| n + 1), Some(4));
    assert_eq!(*ReadGuard::map(reader.read(), |value, _| value), Some(3));
}
