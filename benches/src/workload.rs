use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand_distr::{Distribution, Zipf};

use crate::{Keys, Value};

/// What is asked of every contender: the same questions in the same order.
///
/// All of it is drawn before anything is measured. A thread walks its own
/// sequence of places, so a lookup's share of the questions is one load of a
/// number and one of a key, the same for all.
#[derive(Clone, Debug)]
pub struct Workload {
    keys: Keys,
    reads: Vec<Vec<u32>>,
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

    /// What a reading thread looks up, in blocks, without end.
    pub(crate) fn reads(&self, thread: usize) -> impl Iterator<Item = &[u32]> {
        self.reads[thread].chunks_exact(Self::BLOCK).cycle()
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

/// Places of keys, the first of `by_rank` most often.
fn draw(by_rank: &[u32], seed: u64, count: usize) -> Vec<u32> {
    let zipf = Zipf::new(by_rank.len() as f64, Workload::EXPONENT)
        .expect("there is a key, and the exponent is positive");
    zipf.sample_iter(StdRng::seed_from_u64(seed))
        .map(|rank: f64| by_rank[rank as usize - 1])
        .take(count)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(count: usize) -> Keys {
        let text: Vec<_> = (0..count).map(|n| n.to_string()).collect();
        Keys::from_text(&text.join("\n"), "a test").unwrap()
    }

    #[test]
    fn frequencies_follow_the_ranks() {
        let by_rank: Vec<u32> = (0..100).collect();
        let mut counts = [0_u32; 100];
        for place in draw(&by_rank, 7, 100_000) {
            counts[place as usize] += 1;
        }
        // Harmonic number of 100: 5.187, so the first has a share of 19.3 %.
        assert!((18_500..20_000).contains(&counts[0]), "{}", counts[0]);
        assert!((9_000..10_200).contains(&counts[1]), "{}", counts[1]);
        assert!(counts[99] < 400, "{}", counts[99]);
        assert!(counts.iter().all(|&count| count > 0));
    }

    #[test]
    fn every_thread_has_a_sequence_of_its_own_and_every_run_the_same() {
        let (one, two) = (Workload::new(keys(50), 2), Workload::new(keys(50), 2));
        assert_ne!(one.reads[0], one.reads[1]);
        assert_eq!(one.reads, two.reads);
        assert_eq!(one.writes, two.writes);
    }

    #[test]
    fn blocks_cover_the_whole_sequence() {
        let workload = Workload::new(keys(1), 1);
        let blocks = Workload::SEQUENCE / Workload::BLOCK;
        let walked: usize = workload.reads(0).take(blocks).map(<[u32]>::len).sum();
        assert_eq!(walked, Workload::SEQUENCE);
        assert!(
            workload
                .writes()
                .take(2000)
                .all(|batch| batch.len() == Workload::BATCH)
        );
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
