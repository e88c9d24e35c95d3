//! Types that hold a map repeat none of its bounds, and which types are `Send`, `Sync` and
//! `UnwindSafe`.

use alloc::rc::Rc;
use core::cell::Cell;
use core::marker::PhantomData;
use core::panic::{RefUnwindSafe, UnwindSafe};
use std::hash::RandomState;
use std::panic::catch_unwind;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use dbuf_core::writer_lock::{
    Finish, InTask, LockFinished, OnThread, WriterGuard as LockGuard, WriterLock,
};
use dbuf_hashmap::{
    ConcurrentBatch, ConcurrentHashMap, ConcurrentHashSet, LocalStrategy, MapRef, MappedRef,
    Reader, Ref, SharedReader, Snapshot, Strategy, Writer, WriterBatch, WriterGuard, multimap, set,
};

#[derive(Clone, Debug)]
#[expect(dead_code, reason = "it names types")]
struct App<K, V> {
    map: ConcurrentHashMap<K, V>,
    set: ConcurrentHashSet<K>,
    reader: Reader<K, V>,
    shared: SharedReader<K, V>,
    #[cfg(feature = "async")]
    watcher: Option<dbuf_hashmap::Watcher<K, V>>,
}

/// Only the bound on the strategy is needed, to name its tokens.
#[derive(Debug)]
#[expect(dead_code, reason = "it names types")]
struct Writers<'m, K, V, H, S: Strategy> {
    map: Writer<K, V, H, S>,
    set: set::Writer<K, H, S>,
    multimap: multimap::Writer<K, V, H, S>,
    locked: Option<WriterGuard<'m, K, V, H, S>>,
}

impl<K, V> App<K, V> {
    fn len(&self) -> (usize, usize) {
        (self.map.len(), self.set.len())
    }
}

#[test]
fn a_type_that_holds_maps_names_no_bounds() {
    let (writer, reader) = dbuf_hashmap::new();
    let app = App {
        map: ConcurrentHashMap::from([(1, "one")]),
        set: ConcurrentHashSet::from([1, 2]),
        shared: reader.shared(),
        reader,
        #[cfg(feature = "async")]
        watcher: None,
    };
    assert_eq!(app.clone().len(), (1, 2));
    assert!(format!("{app:?}").contains("one"));
    let writers = Writers {
        map: writer,
        set: set::new::<u32>().0,
        multimap: multimap::new::<u32, &str>().0,
        locked: None,
    };
    assert!(!format!("{writers:?}").is_empty());
}

/// Such a map stays on its thread, like a `Mutex<Rc<str>>`.
#[test]
fn a_map_that_is_not_send_works_on_one_thread() {
    let map = ConcurrentHashMap::new();
    let name: Rc<str> = Rc::from("one");
    map.insert(Rc::clone(&name), Rc::clone(&name));
    assert_eq!(map.get_cloned("one"), Some(name));
}

/// A guard can be used where one with a shorter lifetime is expected, like a reference.
#[allow(dead_code, reason = "compiling is the test")]
fn guards_shorten<'a: 'b, 'b, K, V, H, S: Strategy>(
    snapshot: Snapshot<'a, K, V, H, S>,
    entry: Ref<'a, K, V, H, S>,
    part: MappedRef<'a, &'a str, K, V, H, S>,
) {
    let _: Snapshot<'b, K, V, H, S> = snapshot;
    let _: Ref<'b, K, V, H, S> = entry;
    let _: MappedRef<'b, &'b str, K, V, H, S> = part;
}

/// Does not compile if a type lacks a trait.
macro_rules! always {
    ($marker:ident: $($type:ty),* $(,)?) => {{
        fn check<T: ?Sized + $marker>() {}
        $(check::<$type>();)*
    }};
}

/// Is ambiguous, and so does not compile, if a type has the forbidden trait.
macro_rules! never {
    ($marker:ident: $($type:ty),* $(,)?) => {{
        trait Not<A> {
            fn check() {}
        }
        struct Marked;
        impl<T: ?Sized> Not<()> for T {}
        impl<T: ?Sized + $marker> Not<Marked> for T {}
        $(<$type as Not<_>>::check();)*
    }};
}

#[test]
fn handles_cross_threads_and_guards_do_not() {
    always!(
        Send: Writer<String, u32>,
        Reader<String, u32>,
        WriterBatch<'_, String, u32>,
        MapRef<'_, String, u32>,
        ConcurrentHashMap<String, String>,
        ConcurrentHashSet<String>,
        ConcurrentHashMap<String, Arc<Mutex<Vec<u8>>>>,
    );
    #[cfg(feature = "async")]
    always!(Send: dbuf_hashmap::TaskBatch<'_, u8, u8>);
    always!(
        Sync: Writer<String, u32>,
        ConcurrentHashMap<String, String>,
        ConcurrentHashSet<String>,
        ConcurrentHashMap<String, Arc<Mutex<Vec<u8>>>>,
        // Guards are shared like references.
        Snapshot<'_, String, u32>,
        Ref<'_, String, u32>,
        MappedRef<'_, str, String, u32>,
        set::Snapshot<'_, String>,
    );
    never!(Sync: Reader<u32, u32>, ConcurrentBatch<'_, u8, u8>);
    never!(
        Send: Snapshot<'_, u32, u32>,
        Ref<'_, u32, u32>,
        Reader<u32, Rc<u32>>,
        ConcurrentBatch<'_, u8, u8>,
        // Another thread can read the published copy in the meantime.
        Writer<u32, Cell<u32>>,
        Writer<u32, u32, RandomState, LocalStrategy>,
    );
}

#[test]
fn guards_of_the_writers_lock_cross_threads_with_their_data() {
    type Shared = std::sync::MutexGuard<'static, ()>; // Sync, not Send

    struct Of<T>(PhantomData<T>);

    impl<T> Finish for Of<T> {
        type Shared = ();

        fn try_finish(&mut self, (): &()) -> bool {
            true
        }

        fn poll_finish(&mut self, (): &(), _: &mut Context<'_>) -> Poll<()> {
            Poll::Ready(())
        }
    }

    always!(
        Send: LockGuard<'_, u8, InTask>,
        LockGuard<'_, Cell<u8>, InTask>,
        WriterLock<Cell<u8>>,
        LockFinished<'_, Of<Cell<u8>>, OnThread>,
    );
    always!(Sync: LockGuard<'_, u8, InTask>, WriterLock<Cell<u8>>);
    never!(
        Send: LockGuard<'_, u8, OnThread>,
        LockGuard<'_, Rc<u8>, InTask>,
        LockGuard<'_, Shared, InTask>,
        WriterLock<Rc<u8>>,
        LockFinished<'_, Of<Rc<u8>>, InTask>,
    );
    never!(
        Sync: LockGuard<'_, u8, OnThread>,
        LockGuard<'_, Cell<u8>, InTask>,
        LockGuard<'_, Rc<u8>, InTask>,
        WriterLock<Rc<u8>>,
        WriterLock<Shared>,
    );
}

#[test]
fn a_panic_leaves_the_map_consistent() {
    trait Safe: UnwindSafe + RefUnwindSafe {}
    impl<T: ?Sized + UnwindSafe + RefUnwindSafe> Safe for T {}
    always!(
        Safe: ConcurrentHashMap<String, u32>,
        ConcurrentHashSet<String>,
        Reader<String, u32>,
        SharedReader<String, u32>,
        Writer<String, u32>,
        Snapshot<'_, String, u32>,
        Ref<'_, String, u32>,
        MappedRef<'_, str, String, u32>,
    );
    let map = ConcurrentHashMap::from([("a", 1)]);
    let refused = catch_unwind(|| {
        map.update("a", |n| {
            *n = 2;
            panic!("refused");
        })
    });
    assert!(refused.is_err(), "the closure panics");
    assert_eq!(map.get_cloned("a"), Some(1));
}
