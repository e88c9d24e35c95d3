//! Serialization of snapshots, and deserialization into maps.

use core::fmt;
use core::hash::{BuildHasher, Hash};
use core::marker::PhantomData;

use dbuf_core::{BlockingStrategy, Strategy};
use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::batch::Batch;
use crate::concurrent::ConcurrentHashMap;
use crate::map_ref::MapRef;
use crate::multimap::{self, Bag};
use crate::owner::Owner;
use crate::set::{self, ConcurrentHashSet, SetRef};
use crate::snapshot::Snapshot;
use crate::writer::Writer;

/// Serializes as a map.
impl<K: Serialize, V: Serialize, H> Serialize for MapRef<'_, K, V, H> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

/// Serializes as a map.
impl<K, V, H, R> Serialize for Snapshot<'_, K, V, H, R>
where
    K: Serialize,
    V: Serialize,
    R: Strategy,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_map().serialize(serializer)
    }
}

/// Serializes as a sequence.
impl<T: Serialize, H> Serialize for SetRef<'_, T, H> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

/// Serializes as a sequence.
impl<T: Serialize, H, R: Strategy> Serialize for set::Snapshot<'_, T, H, R> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        self.as_set().serialize(serializer)
    }
}

/// Serializes as a sequence.
impl<V: Serialize> Serialize for Bag<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

/// Inserts the deserialized entries. After an error, the batch has those that came before it.
///
/// # Examples
///
/// Into a map with a hasher of its own, all or nothing:
///
/// ```
/// use serde::de::DeserializeSeed;
/// use std::hash::{BuildHasherDefault, DefaultHasher};
///
/// let hasher = BuildHasherDefault::<DefaultHasher>::default();
/// let (mut writer, reader) = dbuf_hashmap::Builder::new().hasher(hasher).build::<String, u32>();
/// let mut load = |text| {
///     writer.transact(|batch| batch.deserialize(&mut serde_json::Deserializer::from_str(text)))
/// };
/// assert!(load(r#"{ "a": 1, "b": }"#).is_err());
/// assert!(reader.read().is_empty());
/// load(r#"{ "a": 1, "b": 2 }"#)?;
/// assert_eq!(reader.read()["b"], 2);
/// # Ok::<(), serde_json::Error>(())
/// ```
impl<'de, W> DeserializeSeed<'de> for &mut Batch<W>
where
    W: Owner<Key: Deserialize<'de>, Value: Deserialize<'de>>,
{
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(Entries {
            expecting: "a map",
            insert: |key, value| {
                let old = self.insert(key, value);
                self.retire(None, old);
            },
            entry: PhantomData,
        })
    }
}

/// Passes each entry of a map to a closure.
struct Entries<K, V, F> {
    expecting: &'static str,
    insert: F,
    entry: PhantomData<(K, V)>,
}

impl<'de, K, V, F> Visitor<'de> for Entries<K, V, F>
where
    K: Deserialize<'de>,
    V: Deserialize<'de>,
    F: FnMut(K, V),
{
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expecting)
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut entries: A) -> Result<(), A::Error> {
        while let Some((key, value)) = entries.next_entry()? {
            (self.insert)(key, value);
        }
        Ok(())
    }
}

/// Passes each element of a sequence to a closure.
struct Elements<T, F> {
    insert: F,
    element: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>, F: FnMut(T)> Visitor<'de> for Elements<T, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sequence")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<(), A::Error> {
        while let Some(element) = elements.next_element()? {
            (self.insert)(element);
        }
        Ok(())
    }
}

/// Makes a new map and publishes it. [`Writer::reader`] returns its readers.
///
/// # Examples
///
/// ```
/// let writer: dbuf_hashmap::Writer<String, u32> = serde_json::from_str(r#"{ "a": 1 }"#)?;
/// let reader = writer.reader();
/// assert_eq!(reader.read()["a"], 1);
/// assert_eq!(serde_json::to_string(&reader.read())?, r#"{"a":1}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
impl<'de, K, V, H, S> Deserialize<'de> for Writer<K, V, H, S>
where
    K: Deserialize<'de> + Hash + Eq + Clone,
    V: Deserialize<'de> + Clone,
    H: BuildHasher + Default,
    S: Strategy + Default,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut writer = Self::new(crate::Builder::<H, S>::default().split(false).0);
        // The map has no reader yet, so no guard is in the way.
        let mut batch = writer.try_write().expect(FRESH);
        batch.deserialize(deserializer)?;
        drop(batch);
        Ok(writer)
    }
}

const FRESH: &str = "no reader makes a new writer wait";

/// Makes a new set from a sequence and publishes it.
impl<'de, T, H, S> Deserialize<'de> for set::Writer<T, H, S>
where
    T: Deserialize<'de> + Hash + Eq + Clone,
    H: BuildHasher + Default,
    S: Strategy + Default,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (mut writer, _) = crate::Builder::<H, S>::default().build_set();
        let mut batch = writer.try_write().expect(FRESH);
        deserializer.deserialize_seq(Elements {
            insert: |element| {
                batch.insert(element);
            },
            element: PhantomData,
        })?;
        drop(batch);
        Ok(writer)
    }
}

/// Makes a new multi-map from a map of sequences and publishes it. An empty sequence adds no key.
impl<'de, K, V, H, S> Deserialize<'de> for multimap::Writer<K, V, H, S>
where
    K: Deserialize<'de> + Hash + Eq + Clone,
    V: Deserialize<'de> + Clone,
    H: BuildHasher + Default,
    S: Strategy + Default,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (mut writer, _) = crate::Builder::<H, S>::default().build_multimap();
        let mut batch = writer.try_write().expect(FRESH);
        deserializer.deserialize_map(Entries {
            expecting: "a map of sequences",
            insert: |key: K, values: Vec<V>| {
                batch.extend(values.into_iter().map(|value| (key.clone(), value)));
            },
            entry: PhantomData,
        })?;
        drop(batch);
        Ok(writer)
    }
}

/// Serializes one published state, as a map.
impl<K, V, H, S> Serialize for ConcurrentHashMap<K, V, H, S>
where
    K: Serialize,
    V: Serialize,
    S: Strategy,
{
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        self.read().serialize(serializer)
    }
}

/// Makes a new map.
///
/// # Examples
///
/// ```
/// use dbuf_hashmap::ConcurrentHashMap;
///
/// let flags: ConcurrentHashMap<String, bool> = serde_json::from_str(r#"{ "dark": true }"#)?;
/// assert_eq!(flags.get_cloned("dark"), Some(true));
/// assert_eq!(serde_json::to_string(&flags)?, r#"{"dark":true}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
impl<'de, K, V, H, S> Deserialize<'de> for ConcurrentHashMap<K, V, H, S>
where
    K: Deserialize<'de> + Hash + Eq + Clone,
    V: Deserialize<'de> + Clone,
    H: BuildHasher + Default,
    S: BlockingStrategy + Default,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let map = Self::default();
        (&mut map.write()).deserialize(deserializer)?;
        Ok(map)
    }
}

/// Serializes one published state, as a sequence.
impl<T: Serialize, H, S: Strategy> Serialize for ConcurrentHashSet<T, H, S> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        self.read().serialize(serializer)
    }
}

/// Makes a new set from a sequence.
impl<'de, T, H, S> Deserialize<'de> for ConcurrentHashSet<T, H, S>
where
    T: Deserialize<'de> + Hash + Eq + Clone,
    H: BuildHasher + Default,
    S: BlockingStrategy + Default,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let set = Self::default();
        let mut batch = set.write();
        deserializer.deserialize_seq(Elements {
            insert: |element| {
                batch.insert(element);
            },
            element: PhantomData,
        })?;
        drop(batch);
        Ok(set)
    }
}
