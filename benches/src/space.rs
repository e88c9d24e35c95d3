//! Which keys there are, and how often each is asked for.

use alloc::sync::Arc;
use core::fmt;

use rand::rngs::StdRng;
use rand_distr::{Distribution, Uniform, Zipf};

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
    pub(crate) fn draw(self, len: u32, random: StdRng) -> Box<dyn Iterator<Item = u32>> {
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

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

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
}
