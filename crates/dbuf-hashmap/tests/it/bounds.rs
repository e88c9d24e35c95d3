//! Types that hold a map repeat none of its bounds.

use alloc::rc::Rc;
use core::panic::{RefUnwindSafe, UnwindSafe};
use std::panic::catch_unwind;

use dbuf_hashmap::{ConcurrentHashMap, ConcurrentHashSet, Strategy, multimap, set};
use dbuf_hashmap::{MappedRef, Reader, Ref, SharedReader, Snapshot, Writer, WriterGuard};

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

#[test]
fn guards_are_shared_like_references() {
    fn is_sync<T: Sync>() {}
    is_sync::<Snapshot<'_, String, u32>>();
    is_sync::<Ref<'_, String, u32>>();
    is_sync::<MappedRef<'_, str, String, u32>>();
    is_sync::<set::Snapshot<'_, String>>();
}

#[test]
fn a_panic_leaves_the_map_consistent() {
    fn is_safe<T: UnwindSafe + RefUnwindSafe>() {}
    is_safe::<ConcurrentHashMap<String, u32>>();
    is_safe::<ConcurrentHashSet<String>>();
    is_safe::<Reader<String, u32>>();
    is_safe::<SharedReader<String, u32>>();
    is_safe::<Writer<String, u32>>();
    is_safe::<Snapshot<'_, String, u32>>();
    is_safe::<Ref<'_, String, u32>>();
    is_safe::<MappedRef<'_, str, String, u32>>();
    let map = ConcurrentHashMap::from([("a", 1)]);
    let refused = catch_unwind(|| {
        map.update("a", |n| {
            *n = 2;
            panic!("refused");
        })
    });
    assert!(refused.is_err());
    assert_eq!(map.get_cloned("a"), Some(1));
}
