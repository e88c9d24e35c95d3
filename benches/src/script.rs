//! What the threads do: operations, drawn before anything is measured.

use alloc::sync::Arc;
use core::fmt;
use core::iter;
use std::collections::HashMap;

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, Uniform, Zipf};

use crate::maps::{Change, Key, Value};

/// The keys of a load by their places, and how many the map is filled with.
pub(crate) struct Space<K> {
    pub(crate) len: u32,
    key: Arc<dyn Fn(u32) -> K + Send + Sync>,
}

impl<K> Clone for Space<K> {
    fn clone(&self) -> Self {
        Self {
            len: self.len,
            key: Arc::clone(&self.key),
        }
    }
}

impl<K> fmt::Debug for Space<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Space").field("len", &self.len).finish()
    }
}

impl<K> Space<K> {
    pub(crate) fn new(len: u32, key: impl Fn(u32) -> K + Send + Sync + 'static) -> Self {
        let key = Arc::new(key);
        Self { len, key }
    }

    pub(crate) fn key(&self, place: u32) -> K {
        (self.key)(place)
    }
}

impl Space<u64> {
    /// Numbers, spread out as keys are: the hash of small ones is a special case.
    pub(crate) fn numbers(len: u32) -> Self {
        Self::new(len, |place| {
            u64::from(place).wrapping_mul(0x9E37_79B9_7F4A_7C15)
        })
    }
}

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

/// How unequal the keys are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Keys {
    /// All alike.
    Uniform,
    /// The n-th most wanted is wanted `n` to the power of minus this as often as
    /// the first.
    Zipf(f64),
}

impl Keys {
    /// Draws places out of `len`, without end.
    fn draw(self, len: u32, random: StdRng) -> Box<dyn Iterator<Item = u32>> {
        match self {
            Self::Uniform => {
                let places = Uniform::new(0, len.max(1)).expect("not empty");
                Box::new(places.sample_iter(random))
            }
            Self::Zipf(exponent) => {
                let zipf = Zipf::new(f64::from(len.max(1)), exponent).expect("positive");
                // What is wanted most should not stand together: a prime above
                // every length sends neighbours far apart, and none to one place.
                let spread = move |rank: f64| {
                    ((rank as u64 - 1) * 4_294_967_291 % u64::from(len.max(1))) as u32
                };
                Box::new(zipf.sample_iter(random).map(spread))
            }
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

/// The keys that only one thread inserts and removes: a window that moves over a
/// ring.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Own {
    first: u32,
    size: u32,
    tail: u64,
    head: u64,
}

impl Own {
    /// `size` places from `first` on, of which so many are filled.
    pub(crate) fn new(first: u32, size: u32, filled: u32) -> Self {
        let (tail, head) = (0, u64::from(filled.min(size)));
        Self {
            first,
            size: size.max(1),
            tail,
            head,
        }
    }

    /// The same places, none of them filled.
    pub(crate) fn emptied(self) -> Self {
        Self::new(self.first, self.size, 0)
    }

    /// What the map is filled with.
    pub(crate) fn filled(self) -> impl Iterator<Item = u32> {
        (self.tail..self.head).map(move |nth| self.place(nth))
    }

    fn place(self, nth: u64) -> u32 {
        self.first + (nth % u64::from(self.size)) as u32
    }

    fn grow(&mut self) -> u32 {
        self.head += 1;
        self.tail = self
            .tail
            .max(self.head.saturating_sub(u64::from(self.size)));
        self.place(self.head - 1)
    }

    fn shrink(&mut self) -> Option<u32> {
        (self.tail < self.head).then(|| {
            self.tail += 1;
            self.place(self.tail - 1)
        })
    }
}

/// What a thread remembers between its operations.
pub(crate) struct State<K> {
    /// Changes that are not written yet.
    pub(crate) pending: Vec<Change<K>>,
    /// How many changes make a batch.
    pub(crate) batch: usize,
    /// Changes so far.
    pub(crate) changes: u64,
    contender: &'static str,
    space: Space<K>,
    own: Own,
    generation: u32,
}

impl<K: Key> State<K> {
    pub(crate) fn new(contender: &'static str, space: Space<K>, own: Own, batch: usize) -> Self {
        Self {
            pending: Vec::with_capacity(batch.min(10_000)),
            batch,
            changes: 0,
            contender,
            space,
            own,
            generation: 0,
        }
    }

    /// Notes a change; whether the batch is full.
    pub(crate) fn change(&mut self, op: &Op, key: &K) -> bool {
        let (place, is_put) = match op.kind {
            Kind::Grow => (self.own.grow(), true),
            // A thread that has nothing to remove inserts.
            Kind::Shrink => match self.own.shrink() {
                Some(place) => (place, false),
                None => (self.own.grow(), true),
            },
            kind => (op.place, kind == Kind::Put),
        };
        let key = match op.kind {
            Kind::Grow | Kind::Shrink => self.space.key(place),
            _ => key.clone(),
        };
        self.generation = self.generation.wrapping_add(1);
        let generation = self.generation;
        let value = is_put.then_some(Value { place, generation });
        self.pending.push(Change { key, value });
        self.changes += 1;
        self.pending.len() >= self.batch
    }

    /// Checks what a read found.
    ///
    /// # Panics
    ///
    /// If that is not the key's value: nothing that was measured means anything.
    #[inline]
    pub(crate) fn check(&self, op: &Op, found: Option<Value>) {
        let is_right = match found {
            Some(value) => value.place == op.place,
            None => op.kind == Kind::Look,
        };
        if !is_right {
            self.wrong(op, found);
        }
    }

    #[cold]
    fn wrong(&self, op: &Op, found: Option<Value>) -> ! {
        let (contender, place) = (self.contender, op.place);
        match found {
            Some(value) => panic!(
                "{contender} is broken: the value at key {place} is that of key {}",
                value.place
            ),
            None => panic!("{contender} is broken: it lost key {place}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> State<u64> {
        State::new("it", Space::numbers(9), Own::new(9, 4, 2), 3)
    }

    fn op(kind: Kind, place: u32) -> Op {
        Op {
            kind,
            place,
            key: 0,
        }
    }

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

    #[test]
    fn zipf_follows_the_ranks() {
        let mut counts = [0_u32; 100];
        let random = StdRng::seed_from_u64(7);
        for place in Keys::Zipf(1.0).draw(100, random).take(100_000) {
            counts[place as usize] += 1;
        }
        counts.sort_unstable_by(|a, b| b.cmp(a));
        // The harmonic number of 100 is 5.187, so the first has a share of 19.3 %.
        assert!((18_500..20_000).contains(&counts[0]), "{}", counts[0]);
        assert!((9_000..10_200).contains(&counts[1]), "{}", counts[1]);
        assert!(counts.iter().all(|&count| count > 0));
    }

    #[test]
    fn own_keys_move_in_a_ring_and_batches_fill() {
        let mut state = state();
        assert_eq!(state.own.filled().collect::<Vec<_>>(), [9, 10]);
        let kinds = [Kind::Shrink, Kind::Grow, Kind::Shrink];
        let full: Vec<bool> = kinds.map(|kind| state.change(&op(kind, 0), &0)).to_vec();
        assert_eq!(full, [false, false, true]);
        let places: Vec<_> = state
            .pending
            .iter()
            .map(|change| (change.key, change.value.map(|value| value.place)))
            .collect();
        let key = |place| Space::numbers(9).key(place);
        assert_eq!(
            places,
            [(key(9), None), (key(11), Some(11)), (key(10), None)]
        );
        assert_eq!(state.changes, 3);
        // One is left; with none left it inserts instead.
        state.pending.clear();
        state.change(&op(Kind::Shrink, 0), &0);
        state.change(&op(Kind::Shrink, 0), &0);
        assert_eq!(state.pending[0].value, None);
        assert_eq!(state.pending[1].value.map(|value| value.place), Some(12));
    }

    #[test]
    fn a_key_may_be_missing_only_where_that_is_right() {
        state().check(&op(Kind::Look, 3), None);
        let (place, generation) = (3, 7);
        state().check(&op(Kind::Hit, 3), Some(Value { place, generation }));
    }

    #[test]
    #[should_panic(expected = "it is broken: the value at key 3 is that of key 4")]
    fn a_wrong_value_is_noticed() {
        let (place, generation) = (4, 0);
        state().check(&op(Kind::Look, 3), Some(Value { place, generation }));
    }

    #[test]
    #[should_panic(expected = "it is broken: it lost key 3")]
    fn a_lost_key_is_noticed() {
        state().check(&op(Kind::Hit, 3), None);
    }
}
