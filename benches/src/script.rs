//! What the threads do: operations, drawn before anything is measured.

use core::iter;
use std::collections::HashMap;

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use crate::maps::Key;
use crate::space::{Keys, Space};

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Reads a key that is there.
    Hit,
    /// Reads a key that may be there.
    Look,
    /// Puts a value at a key, whether one is there or not.
    Put,
    /// Removes a key, whether it is there or not.
    Remove,
    /// Inserts the next of the thread's own keys.
    Grow,
    /// Removes the oldest of the thread's own keys.
    Shrink,
}

/// One operation. Its key is one of the script's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Op {
    pub(crate) kind: Kind,
    pub(crate) place: u32,
    key: u32,
}

impl Op {
    /// One whose key is the first of its script.
    #[cfg(test)]
    pub(crate) fn new(kind: Kind, place: u32) -> Self {
        let key = 0;
        Self { kind, place, key }
    }

    #[inline]
    pub(crate) fn is_read(&self) -> bool {
        matches!(self.kind, Kind::Hit | Kind::Look)
    }
}

/// Which shares of the operations do what; what remains reads.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Mix {
    pub(crate) put: f64,
    pub(crate) grow: f64,
    pub(crate) shrink: f64,
}

impl Mix {
    pub(crate) const READ: Self = Self::put(0.0);
    pub(crate) const GROW: Self = Self {
        put: 0.0,
        grow: 1.0,
        shrink: 0.0,
    };

    /// Overwrites with this share, reads otherwise.
    pub(crate) const fn put(share: f64) -> Self {
        Self {
            put: share,
            grow: 0.0,
            shrink: 0.0,
        }
    }
}

/// The operations of one thread, which begin again at the end.
///
/// The keys are copies, each once, in the order in which they are first wanted: to
/// fetch one is then mostly a walk through memory, and what a read misses in the
/// caches it misses in the map.
#[derive(Debug)]
pub(crate) struct Script<K> {
    pub(crate) ops: Vec<Op>,
    keys: Vec<K>,
    pub(crate) reads_only: bool,
}

impl<K: Key> Script<K> {
    /// Reads between two looks at the clock.
    pub(crate) const BLOCK: usize = 1000;
    /// Operations in a script.
    pub(crate) const LEN: usize = 64 * Self::BLOCK;

    pub(crate) fn new(ops: impl Iterator<Item = (Kind, u32)>, space: &Space<K>) -> Self {
        let (mut keys, mut known) = (Vec::new(), HashMap::new());
        let op = |(kind, place)| {
            let key = *known.entry(place).or_insert_with(|| {
                keys.push(space.key(place));
                u32::try_from(keys.len() - 1).expect("no more keys than places")
            });
            Op { kind, place, key }
        };
        let ops: Vec<Op> = ops.map(op).collect();
        Self {
            reads_only: ops.iter().all(Op::is_read),
            ops,
            keys,
        }
    }

    /// The key of one of its operations.
    #[inline]
    pub(crate) fn key(&self, op: &Op) -> &K {
        &self.keys[op.key as usize]
    }

    /// Draws a script. The shares are exact, the order is not: 4 writes in 10,000
    /// shall be 4 in every run.
    pub(crate) fn draw(mix: Mix, keys: Keys, space: &Space<K>, seed: u64) -> Self {
        let count = |share: f64| (share * Self::LEN as f64).round() as usize;
        let some = |kind, share| iter::repeat_n(kind, count(share));
        let mut kinds: Vec<Kind> = some(Kind::Put, mix.put)
            .chain(some(Kind::Grow, mix.grow))
            .chain(some(Kind::Shrink, mix.shrink))
            .collect();
        kinds.resize(Self::LEN, Kind::Hit);
        let mut random = StdRng::seed_from_u64(seed);
        kinds.shuffle(&mut random);
        let places = keys.draw(space.len, StdRng::seed_from_u64(random.random()));
        Self::new(kinds.into_iter().zip(places), space)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_exact_and_every_run_is_the_same() {
        let mix = Mix {
            put: 0.001,
            grow: 0.01,
            shrink: 0.01,
        };
        let draw = || Script::draw(mix, Keys::Uniform, &Space::numbers(50), 1);
        let (one, two) = (draw(), draw());
        for (kind, count) in [(Kind::Put, 64), (Kind::Grow, 640), (Kind::Shrink, 640)] {
            let found = one.ops.iter().filter(|op| op.kind == kind).count();
            assert_eq!(found, count);
        }
        let places = |script: &Script<u64>| script.ops.iter().map(|op| op.place).sum::<u32>();
        assert_eq!(places(&one), places(&two));
        assert!(!one.reads_only);
        assert!(Script::draw(Mix::READ, Keys::Uniform, &Space::numbers(1), 1).reads_only);
    }
}
