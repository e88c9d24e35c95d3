//! What a thread remembers between its operations, and how it checks its reads.

use crate::workload::keyspace::Keyspace;
use crate::workload::ops::{Kind, Op};
use crate::workload::values::{Change, Key, index, value};

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
    bytes: usize,
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
        let bytes = self.bytes;
        self.pending.push(Change { key, value, bytes });
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
        let written = |change: &Change<u64>| (change.key, change.value.map(index));
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
        assert_eq!(state.pending[0].value, None);
        assert_eq!(state.pending[1].value.map(index), Some(12));
    }

    #[test]
    fn a_key_may_be_missing_only_if_it_may_have_been_removed() {
        state().check(&op(Kind::Get, 3), None);
        state().check(&op(Kind::Hit, 3), Some(value(3, 7)));
    }

    #[test]
    #[should_panic(expected = "it is broken: the value at key 3 is that of key 4")]
    fn a_wrong_value_is_noticed() {
        state().check(&op(Kind::Get, 3), Some(value(4, 0)));
    }

    #[test]
    #[should_panic(expected = "it is broken: it lost key 3")]
    fn a_lost_key_is_noticed() {
        state().check(&op(Kind::Hit, 3), None);
    }
}
