//! The operations of the threads, drawn before anything is measured, and what a thread remembers
//! between them.

use core::iter;
use std::collections::HashMap;

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use crate::workload::keys::{Change, Distribution, Key, Keyspace, index, value};

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

/// The keys that only one thread inserts and removes: a window that moves over a ring.
#[derive(Clone, Copy, Debug, Default)]
pub struct OwnKeys {
    first: u32,
    size: u32,
    tail: u64,
    head: u64,
}

impl OwnKeys {
    /// `size` indices from `first` on, `filled` of them in the map.
    pub fn new(first: u32, size: u32, filled: u32) -> Self {
        Self {
            first,
            size: size.max(1),
            tail: 0,
            head: filled.min(size).into(),
        }
    }

    pub fn filled(self) -> impl Iterator<Item = u32> {
        (self.tail..self.head).map(move |nth| self.index(nth))
    }

    fn index(self, nth: u64) -> u32 {
        self.first + (nth % u64::from(self.size)) as u32
    }

    fn grow(&mut self) -> u32 {
        self.head += 1;
        let oldest = self.head.saturating_sub(self.size.into());
        self.tail = self.tail.max(oldest);
        self.index(self.head - 1)
    }

    fn shrink(&mut self) -> Option<u32> {
        (self.tail < self.head).then(|| {
            self.tail += 1;
            self.index(self.tail - 1)
        })
    }
}

/// What a thread remembers between its operations.
pub struct State<K> {
    pub pending: Vec<Change<K>>,
    pub batch: usize,
    pub changes: u64,
    contender: &'static str,
    keyspace: Keyspace<K>,
    own: OwnKeys,
    generation: u32,
    pub bytes: usize,
}

impl<K: Key> State<K> {
    pub fn new(
        contender: &'static str,
        keyspace: Keyspace<K>,
        own: OwnKeys,
        batch: usize,
        bytes: usize,
    ) -> Self {
        Self {
            pending: Vec::with_capacity(batch.min(10_000)),
            batch,
            changes: 0,
            contender,
            keyspace,
            own,
            generation: 0,
            bytes,
        }
    }

    /// Adds a change to the pending ones. Returns whether the batch is full.
    pub fn change(&mut self, op: &Op, key: &K) -> bool {
        let (own, is_put) = match op.kind {
            Kind::Grow => (Some(self.own.grow()), true),
            // A thread that has no own key to remove inserts one.
            Kind::Shrink => match self.own.shrink() {
                Some(index) => (Some(index), false),
                None => (Some(self.own.grow()), true),
            },
            kind => (None, kind == Kind::Put),
        };
        let key = own.map_or_else(|| key.clone(), |index| self.keyspace.key(index));
        self.generation = self.generation.wrapping_add(1);
        let value = is_put.then(|| value(own.unwrap_or(op.index), self.generation));
        self.pending.push((key, value));
        self.changes += 1;
        self.pending.len() >= self.batch
    }

    /// Checks the result of a read.
    ///
    /// # Panics
    ///
    /// If it is not the key's value.
    #[inline]
    pub fn check(&self, op: &Op, found: Option<u64>) {
        let is_right = match found {
            Some(value) => index(value) == op.index,
            None => op.kind == Kind::Get,
        };
        if !is_right {
            self.wrong(op, found);
        }
    }

    #[cold]
    fn wrong(&self, op: &Op, found: Option<u64>) -> ! {
        let (contender, key) = (self.contender, op.index);
        match found.map(index) {
            Some(other) => {
                panic!("{contender} is broken: the value at key {key} is that of key {other}")
            }
            None => panic!("{contender} is broken: it lost key {key}"),
        }
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

    fn state() -> State<u64> {
        State::new("it", Keyspace::numbers(9), OwnKeys::new(9, 4, 2), 3, 8)
    }

    fn op(kind: Kind, index: u32) -> Op {
        let key = 0;
        Op { kind, index, key }
    }

    #[test]
    fn own_keys_move_in_a_ring_and_batches_fill() {
        let mut state = state();
        assert_eq!(state.own.filled().collect::<Vec<_>>(), [9, 10]);
        let full =
            [Kind::Shrink, Kind::Grow, Kind::Shrink].map(|kind| state.change(&op(kind, 0), &0));
        assert_eq!(full, [false, false, true]);
        let written = |change: &Change<u64>| (change.0, change.1.map(index));
        let pending: Vec<_> = state.pending.iter().map(written).collect();
        let key = |index| Keyspace::numbers(9).key(index);
        assert_eq!(
            pending,
            [(key(9), None), (key(11), Some(11)), (key(10), None)]
        );
        assert_eq!(state.changes, 3);
        // One own key is left. After that the thread inserts instead.
        state.pending.clear();
        state.change(&op(Kind::Shrink, 0), &0);
        state.change(&op(Kind::Shrink, 0), &0);
        assert_eq!(state.pending[0].1, None);
        assert_eq!(state.pending[1].1.map(index), Some(12));
    }

    #[test]
    #[should_panic(expected = "it is broken: the value at key 3 is that of key 4")]
    fn a_wrong_value_is_noticed() {
        state().check(&op(Kind::Get, 3), Some(value(4, 0)));
    }
}
