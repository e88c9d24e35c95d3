//! What is compared: one adapter trait, one file for each family.
//!
//! A new contender implements [`Contender`] in a file of its own and has a line
//! in [`ALL`].

mod dbuf;
mod rwlock;

use dbuf_strategies::{CountStrategy, DefaultStrategy, EpochStrategy, FlashStrategy, LockStrategy};

use self::dbuf::Dbuf;
use self::rwlock::ParkingLot;
use crate::measure::{Live, Subject};
use crate::{Keys, Value};

/// The hasher of every contender, with the same seed, so that they differ in
/// nothing but themselves.
pub type Hash = foldhash::fast::FixedState;

/// Every contender, in the order of the table.
pub const ALL: &[Entry] = &[
    Entry::new::<Dbuf<EpochStrategy>>("epoch", "two stores to an own line a read"),
    Entry::new::<Dbuf<FlashStrategy>>("flash", "one read-modify-write on an own word a read"),
    Entry::new::<Dbuf<CountStrategy>>("count", "two read-modify-writes on shared counts a read"),
    Entry::new::<Dbuf<LockStrategy>>("lock", "a mutex around two counts; the tests' oracle"),
    Entry::new::<Dbuf<DefaultStrategy>>("default", "what dbuf-hashmap's features choose"),
    Entry::new::<ParkingLot>("rwlock", "parking_lot::RwLock<HashMap>; always measured")
        .as_baseline(),
];

/// A map that one thread writes while others read.
pub trait Contender: 'static {
    /// What a reading thread owns. Cloned once for each of them.
    type Reader: Lookup + Clone + Send;
    /// What the writing thread owns.
    type Writer: Publish + Send;

    /// Makes a map that holds all of `keys` and hashes with `hasher`. What it
    /// holds must be visible, and nothing owed to the next publish.
    fn build(keys: &Keys, hasher: Hash) -> (Self::Writer, Self::Reader);
}

/// The reading end of a [`Contender`].
pub trait Lookup {
    /// Looks one key up, with all that this costs: entering, leaving, locking.
    fn lookup(&mut self, key: &str) -> Option<Value>;
}

/// The writing end of a [`Contender`].
pub trait Publish {
    /// Changes the values of keys that are there. When this returns, a lookup
    /// that starts later sees all of them.
    fn publish(&mut self, changes: &[(&str, Value)]);
}

/// A contender's line in the list.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// What the command line and the table call it.
    pub name: &'static str,
    /// One line of help.
    pub about: &'static str,
    /// Whether it is measured whatever the command line chooses.
    pub is_baseline: bool,
    build: fn(&'static str, &Keys) -> Box<dyn Subject>,
}

impl Entry {
    const fn new<C: Contender>(name: &'static str, about: &'static str) -> Self {
        Self {
            name,
            about,
            is_baseline: false,
            build: |name, keys| {
                let (writer, reader) = C::build(keys, Hash::with_seed(0));
                Box::new(Live::<C>::new(name, writer, reader))
            },
        }
    }

    const fn as_baseline(mut self) -> Self {
        self.is_baseline = true;
        self
    }

    /// Makes it, ready to be measured.
    pub fn build(&self, keys: &Keys) -> Box<dyn Subject> {
        (self.build)(self.name, keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sees_what_was_published<C: Contender>() {
        let keys = Keys::from_text("a\nb\nc", "a test").unwrap();
        let (mut writer, mut reader) = C::build(&keys, Hash::with_seed(0));
        let value = |key, generation| Some(Value { key, generation });
        assert_eq!(reader.lookup("c"), value(2, 0));
        for generation in 1..5 {
            let change = Value { key: 1, generation };
            writer.publish(&[("b", change), ("b", change)]);
            assert_eq!(reader.clone().lookup("b"), value(1, generation));
            assert_eq!(reader.lookup("a"), value(0, 0));
        }
        assert_eq!(reader.lookup("d"), None);
    }

    #[test]
    fn every_contender_sees_what_was_published() {
        sees_what_was_published::<Dbuf<EpochStrategy>>();
        sees_what_was_published::<Dbuf<FlashStrategy>>();
        sees_what_was_published::<Dbuf<CountStrategy>>();
        sees_what_was_published::<Dbuf<LockStrategy>>();
        sees_what_was_published::<Dbuf<DefaultStrategy>>();
        sees_what_was_published::<ParkingLot>();
    }

    #[test]
    fn names_are_unique() {
        for (place, entry) in ALL.iter().enumerate() {
            assert!(ALL[..place].iter().all(|other| other.name != entry.name));
        }
    }
}
