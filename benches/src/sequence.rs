use std::collections::HashMap;

use rand::SeedableRng;
use rand::rngs::StdRng;
use rand_distr::{Distribution, Zipf};

use crate::{Keys, Workload};

/// The lookups of one thread, in the order in which it makes them.
///
/// The keys to ask with are copies, each once, in the order in which they are
/// first wanted: to fetch one is then mostly a walk through memory, and what a
/// lookup misses in the caches it misses in the map.
#[derive(Clone, Debug)]
pub(crate) struct Sequence {
    questions: Vec<Question>,
    text: String,
}

/// One lookup: where in the text its key is, and which key that is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question {
    start: usize,
    len: usize,
    pub(crate) place: u32,
}

impl Sequence {
    pub(crate) fn new(keys: &Keys, places: &[u32]) -> Self {
        let mut text = String::new();
        let mut starts = HashMap::new();
        let ask = |&place: &u32| {
            let name = keys.name(place);
            let start = *starts.entry(place).or_insert_with(|| {
                text.push_str(name);
                text.len() - name.len()
            });
            let len = name.len();
            Question { start, len, place }
        };
        Self {
            questions: places.iter().map(ask).collect(),
            text,
        }
    }

    /// All of it, in blocks, again and again.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = &[Question]> {
        self.questions.chunks_exact(Workload::BLOCK).cycle()
    }

    /// The key that a question of this sequence asks for.
    #[inline]
    pub(crate) fn key(&self, question: Question) -> &str {
        &self.text[question.start..][..question.len]
    }
}

/// Draws places of keys, the first of `by_rank` most often.
pub(crate) fn draw(by_rank: &[u32], seed: u64, count: usize) -> Vec<u32> {
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

    #[test]
    fn frequencies_follow_the_ranks() {
        let by_rank: Vec<u32> = (0..100).collect();
        let mut counts = [0_u32; 100];
        for place in draw(&by_rank, 7, 100_000) {
            counts[place as usize] += 1;
        }
        // The harmonic number of 100 is 5.187, so the first has a share of 19.3 %.
        assert!((18_500..20_000).contains(&counts[0]), "{}", counts[0]);
        assert!((9_000..10_200).contains(&counts[1]), "{}", counts[1]);
        assert!(counts[99] < 400, "{}", counts[99]);
        assert!(counts.iter().all(|&count| count > 0));
    }

    #[test]
    fn a_question_asks_for_the_key_of_its_place() {
        let keys = Keys::from_text("one\nä\nthree", "a test").unwrap();
        let places: Vec<u32> = [2, 0, 1, 2].repeat(Workload::BLOCK);
        let sequence = Sequence::new(&keys, &places);
        assert_eq!(sequence.text, "threeoneä");
        let asked: Vec<_> = sequence.blocks().take(8).flatten().collect();
        assert_eq!(asked.len(), 8 * Workload::BLOCK);
        for (question, &place) in asked.iter().zip(places.iter().cycle()) {
            assert_eq!(question.place, place);
            assert_eq!(sequence.key(**question), keys.name(place));
        }
    }
}
