//! Bounds are where they are used: types that hold a map repeat none of them.

extern crate alloc;

use alloc::rc::Rc;

use dbuf_hashmap::{ConcurrentHashMap, ConcurrentHashSet, Strategy, multimap, set};
use dbuf_hashmap::{Reader, SharedReader, Writer, WriterGuard};

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

/// A strategy is needed to name its tokens; nothing else is.
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

/// As a `Mutex<Rc<str>>` is one: it stays on its thread.
#[test]
fn a_map_of_what_is_not_sent_works_on_one_thread() {
    let map = ConcurrentHashMap::new();
    let name: Rc<str> = Rc::from("one");
    map.insert(Rc::clone(&name), Rc::clone(&name));
    assert_eq!(map.get_cloned("one"), Some(name));
}
