use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use crate::sequence::{Sequence, draw};
use crate::{Keys, Value};

/// What is asked of every contender: the same questions in the same order.
///
/// All of it is drawn before anything is measured. Each thread has a sequence of
/// lookups of its own and walks all of it.
#[derive(Clone, Debug)]
pub struct Workload {
    keys: Keys,
    reads: Vec<Sequence>,
    writes: Vec<u32>,
}

impl Workload {
    /// How unequal the keys are: the n-th most wanted is wanted `n` to the power
    /// of minus this as often as the first. Words of a text have about 1.
    pub const EXPONENT: f64 = 1.0;
    /// Lookups in a thread's sequence; then it begins again.
    pub const SEQUENCE: usize = 1 << 16;
    /// Lookups between two looks at the clock.
    pub const BLOCK: usize = 256;
    /// Values that a publish changes.
    pub const BATCH: usize = 10;

    /// Draws the sequences for up to `threads` readers, and the writer's.
    pub fn new(keys: Keys, threads: usize) -> Self {
        let mut by_rank: Vec<u32> = keys.entries().map(|(_, value)| value.key).collect();
        // Files are sorted as a rule; what is wanted most should not stand
        // together in memory for that.
        by_rank.shuffle(&mut StdRng::seed_from_u64(0));
        let reads = (0..threads)
            .map(|thread| draw(&by_rank, 1 + thread as u64, Self::SEQUENCE))
            .map(|places| Sequence::new(&keys, &places))
            .collect();
        // Whole batches, so that each publish changes as many.
        let writes = draw(&by_rank, u64::MAX, Self::BATCH * 1024);
        Self {
            keys,
            reads,
            writes,
        }
    }

    /// The keys.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// What a reading thread looks up.
    pub(crate) fn reads(&self, thread: usize) -> &Sequence {
        &self.reads[thread]
    }

    /// What each publish changes, without end.
    pub(crate) fn writes(&self) -> impl Iterator<Item = &[u32]> {
        self.writes.chunks_exact(Self::BATCH).cycle()
    }

    /// Checks what a contender found at a key.
    ///
    /// # Panics
    ///
    /// If that is not the key's value: nothing that was measured means anything.
    #[inline]
    pub fn check(&self, contender: &str, place: u32, found: Option<Value>) {
        if found.is_none_or(|value| value.key != place) {
            self.wrong(contender, place, found);
        }
    }

    #[cold]
    fn wrong(&self, contender: &str, place: u32, found: Option<Value>) -> ! {
        let name = self.keys.name(place);
        match found {
            Some(Value { key, .. }) => panic!(
                "{contender} is broken: the value at {name:?} is that of {:?}",
                self.keys.name(key)
            ),
            None => panic!("{contender} is broken: it lost {name:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(count: usize) -> Keys {
        let text: Vec<_> = (0..count).map(|n| n.to_string()).collect();
        Keys::from_text(&text.join("\n"), "a test").unwrap()
    }

    fn places(sequence: &Sequence) -> Vec<u32> {
        let blocks = Workload::SEQUENCE / Workload::BLOCK;
        let questions = sequence.blocks().take(blocks).flatten();
        questions.map(|question| question.place).collect()
    }

    #[test]
    fn every_thread_has_a_sequence_of_its_own_and_every_run_the_same() {
        let (one, two) = (Workload::new(keys(50), 2), Workload::new(keys(50), 2));
        assert_eq!(places(one.reads(0)).len(), Workload::SEQUENCE);
        assert_ne!(places(one.reads(0)), places(one.reads(1)));
        assert_eq!(places(one.reads(0)), places(two.reads(0)));
        assert_eq!(one.writes, two.writes);
    }

    #[test]
    fn every_publish_changes_as_many_values() {
        let workload = Workload::new(keys(1), 1);
        let mut batches = workload.writes().take(2000);
        assert!(batches.all(|batch| batch.len() == Workload::BATCH));
    }

    #[test]
    #[should_panic(expected = "the value at \"3\" is that of \"4\"")]
    fn a_wrong_value_is_noticed() {
        let wrong = Value {
            key: 4,
            generation: 0,
        };
        Workload::new(keys(9), 1).check("it", 3, Some(wrong));
    }

    #[test]
    #[should_panic(expected = "it lost \"3\"")]
    fn a_lost_key_is_noticed() {
        Workload::new(keys(9), 1).check("it", 3, None);
    }
}
