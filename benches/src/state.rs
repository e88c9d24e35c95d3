//! What a thread remembers between its operations, and how it checks what it reads.

use crate::maps::{Change, Key, Value};
use crate::script::{Kind, Op};
use crate::space::Space;

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
    /// How many bytes a value takes.
    bytes: usize,
}

impl<K: Key> State<K> {
    pub(crate) fn new(
        contender: &'static str,
        space: Space<K>,
        own: Own,
        batch: usize,
        bytes: usize,
    ) -> Self {
        Self {
            pending: Vec::with_capacity(batch.min(10_000)),
            batch,
            changes: 0,
            contender,
            space,
            own,
            generation: 0,
            bytes,
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
        let bytes = self.bytes;
        self.pending.push(Change { key, value, bytes });
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
        State::new("it", Space::numbers(9), Own::new(9, 4, 2), 3, 8)
    }

    #[test]
    fn own_keys_move_in_a_ring_and_batches_fill() {
        let mut state = state();
        assert_eq!(state.own.filled().collect::<Vec<_>>(), [9, 10]);
        let kinds = [Kind::Shrink, Kind::Grow, Kind::Shrink];
        let full: Vec<bool> = kinds
            .map(|kind| state.change(&Op::new(kind, 0), &0))
            .to_vec();
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
        state.change(&Op::new(Kind::Shrink, 0), &0);
        state.change(&Op::new(Kind::Shrink, 0), &0);
        assert_eq!(state.pending[0].value, None);
        assert_eq!(state.pending[1].value.map(|value| value.place), Some(12));
    }

    #[test]
    fn a_key_may_be_missing_only_where_that_is_right() {
        state().check(&Op::new(Kind::Look, 3), None);
        let (place, generation) = (3, 7);
        state().check(&Op::new(Kind::Hit, 3), Some(Value { place, generation }));
    }

    #[test]
    #[should_panic(expected = "it is broken: the value at key 3 is that of key 4")]
    fn a_wrong_value_is_noticed() {
        let (place, generation) = (4, 0);
        state().check(&Op::new(Kind::Look, 3), Some(Value { place, generation }));
    }

    #[test]
    #[should_panic(expected = "it is broken: it lost key 3")]
    fn a_lost_key_is_noticed() {
        state().check(&Op::new(Kind::Hit, 3), None);
    }
}
