//! Which types are `Send`, `Sync` and unwind safe, and how lifetimes of guards vary.

use std::cell::Cell;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::{Arc, Weak};

use dbuf_strategies::core::{
    BlockingStrategy, BufferPtr, DoubleBuffer, MappedReadGuard, MappedSharedReadGuard, OpWriter,
    OwnedReadGuard, ReadGuard, Reader, ReaderPtr, SharedReadGuard, SharedReader, Strategy, Writer,
};
use dbuf_strategies::{
    CountStrategy, DefaultStrategy, EpochStrategy, FlashStrategy, LocalStrategy, LockStrategy,
};

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
