//! A multi-map: a map whose values are [bags](Bag), with changes to one value of
//! a bag at a time.
//!
//! A key that is there has at least one value. Reading is the map's: [`Reader`],
//! [`Snapshot`] and [`MultiMapRef`] look up bags, and have a few
//! methods more.
//!
//! # Examples
//!
//! ```
//! let (mut writer, reader) = dbuf_hashmap::multimap::new();
//! let mut batch = writer.write();
//! batch.insert("fruit", "apple");
//! batch.insert("fruit", "pear");
//! batch.publish();
//! let map = reader.read();
//! assert_eq!(map["fruit"].len(), 2); // a bag is a slice
//! assert!(map.contains_value("fruit", &"pear"));
//! assert_eq!((map.len(), map.value_count()), (1, 2));
//! ```

mod bag;
mod batch;
mod read;

use core::fmt;
use core::hash::{BuildHasher, Hash};
use std::hash::RandomState;

use dbuf_core::{BlockingStrategy, Published, Strategy, Version};

pub use bag::Bag;
pub use batch::Batch;
pub use read::{MultiMapRef, Reader, Snapshot};

use crate::layer::layer_writer;
use crate::owner::{Log, Ptr, WriterMut};
use crate::{Builder, DefaultStrategy};
use bag::BagChange;

layer_writer! {
    /// The handle that changes a multi-map. There is one for each.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::multimap::new();
    /// writer.write().insert("a", 1);
    /// writer.write().insert("a", 2);
    /// assert_eq!(reader.get("a").unwrap().iter().sum::<i32>(), 3);
    /// ```
    Writer<K: [Hash, Eq, Clone], V: [Clone]> of K, Bag<V>, BagChange<V>;
    published MultiMapRef;
    example "multimap", "\"a\", 1"
}

/// An empty multi-map, as its two handles; [`Builder`] has the choices.
///
/// # Examples
///
/// ```
/// let (mut writer, reader) = dbuf_hashmap::multimap::new();
/// writer.write().insert("a", 1);
/// assert_eq!(*reader.get_one("a").unwrap(), 1);
/// ```
pub fn new<K, V>() -> (Writer<K, V>, Reader<K, V>)
where
    K: Hash + Eq + Clone,
    V: Clone,
{
    Builder::new().build_multimap()
}

impl<H: BuildHasher, S: Strategy> Builder<H, S> {
    /// Makes a multi-map, as its two handles.
    ///
    /// # Panics
    ///
    /// If a writer of the strategy is claimed: it was not fresh.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::Builder::new().build_multimap();
    /// writer.write().insert("a", 1);
    /// assert_eq!(reader.get("a").unwrap().len(), 1);
    /// ```
    #[expect(
        clippy::type_complexity,
        reason = "two handles with all their parameters"
    )]
    pub fn build_multimap<K, V>(self) -> (Writer<K, V, H, S>, Reader<K, V, H, S>)
    where
        K: Hash + Eq + Clone,
        V: Clone,
    {
        let (writer, reader) = self.split(false);
        (Writer::new(writer), Reader::new(reader))
    }
}
