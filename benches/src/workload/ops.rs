//! The operations of the threads, drawn before anything is measured.

use core::iter;
use std::collections::HashMap;

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use crate::workload::keyspace::{Distribution, Keyspace};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Reads a key that is in the map.
    Hit,
    /// Reads a key that may be in the map.
    Get,
    /// Stores a value for a key, which may be in the map.
    Put,
    /// Removes a key, which may be in the map.
    Remove,
    /// Inserts the next of the thread's own keys.
    Grow,
    /// Removes the oldest of the thread's own keys.
    Shrink,
}

/// One operation. Its key is in its workload.
#[derive(Clone, Copy, Debug)]
pub struct Op {
    pub kind: Kind,
    pub index: u32,
    pub key: u32,
}

impl Op {
    #[inline]
    pub fn is_read(&self) -> bool {
        matches!(self.kind, Kind::Hit | Kind::Get)
    }
}

/// The shares of the operations that write; the rest read.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Mix {
    pub put: f64,
    pub grow: f64,
    pub shrink: f64,
}

impl Mix {
    pub const READ: Self = Self::of(0.0, 0.0, 0.0);

    pub const fn of(put: f64, grow: f64, shrink: f64) -> Self {
        Self { put, grow, shrink }
    }
}

/// The operations of one thread, which repeats them.
///
/// The keys are copies, each once, in the order of their first use. Fetching one is then mostly
/// a walk through memory, and the cache misses of a read are those of the map.
#[derive(Debug)]
pub struct Workload<K> {
    pub ops: Vec<Op>,
    keys: Vec<K>,
    pub reads_only: bool,
}

impl<K> Workload<K> {
    /// Operations that `draw` draws: 64 blocks of reads.
    pub const LEN: usize = 64_000;

    pub fn new(ops: impl Iterator<Item = (Kind, u32)>, keyspace: &Keyspace<K>) -> Self {
        let (mut keys, mut known) = (Vec::new(), HashMap::new());
        let op = |(kind, index)| {
            let key = *known.entry(index).or_insert_with(|| {
                keys.push(keyspace.key(index));
                u32::try_from(keys.len() - 1).expect("indices are u32")
            });
            Op { kind, index, key }
        };
        let ops: Vec<Op> = ops.map(op).collect();
        let reads_only = ops.iter().all(Op::is_read);
        Self {
            ops,
            keys,
            reads_only,
        }
    }

    #[inline]
    pub fn key(&self, op: &Op) -> &K {
        &self.keys[op.key as usize]
    }

    /// Draws a workload. The shares are exact and the order is random: 4 writes in 10,000 are 4
    /// in every run.
    pub fn draw(mix: Mix, keys: Distribution, space: &Keyspace<K>, seed: u64) -> Self {
        let some =
            |kind, share: f64| iter::repeat_n(kind, (share * Self::LEN as f64).round() as usize);
        let mut kinds: Vec<Kind> = some(Kind::Put, mix.put)
            .chain(some(Kind::Grow, mix.grow))
            .chain(some(Kind::Shrink, mix.shrink))
            .collect();
        kinds.resize(Self::LEN, Kind::Hit);
        let mut random = StdRng::seed_from_u64(seed);
        kinds.shuffle(&mut random);
        let indices = keys.draw(space.len, StdRng::seed_from_u64(random.random()));
        Self::new(kinds.into_iter().zip(indices), space)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_exact_and_every_run_is_the_same() {
        let (mix, keys) = (Mix::of(0.001, 0.01, 0.01), Distribution::Uniform);
        let draw = || Workload::draw(mix, keys, &Keyspace::numbers(50), 1);
        let (one, two) = (draw(), draw());
        for (kind, count) in [(Kind::Put, 64), (Kind::Grow, 640), (Kind::Shrink, 640)] {
            let found = one.ops.iter().filter(|op| op.kind == kind).count();
            assert_eq!(found, count);
        }
        let sum = |it: &Workload<u64>| it.ops.iter().map(|op| op.index).sum::<u32>();
        assert_eq!(sum(&one), sum(&two));
        assert!(!one.reads_only);
        assert!(Workload::draw(Mix::READ, keys, &Keyspace::numbers(1), 1).reads_only);
    }
}
