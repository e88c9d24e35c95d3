//! The keys and how often each is asked for, and their values.

use alloc::sync::Arc;
use core::hash::Hash;

use rand::rngs::StdRng;
use rand_distr::{Distribution as _, Uniform, Zipf};

/// The keys of a load by their index, and how many the map is filled with.
#[derive(Clone)]
pub struct Keyspace<K> {
    pub len: u32,
    key: Arc<dyn Fn(u32) -> K + Send + Sync>,
}

impl<K> Keyspace<K> {
    pub fn new(len: u32, key: impl Fn(u32) -> K + Send + Sync + 'static) -> Self {
        let key = Arc::new(key);
        Self { len, key }
    }

    pub fn key(&self, index: u32) -> K {
        (self.key)(index)
    }
}

/// Numbers that are spread out: small numbers are a special case for hashers.
#[inline]
pub fn number_key(index: u32) -> u64 {
    u64::from(index).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

impl Keyspace<u64> {
    pub fn numbers(len: u32) -> Self {
        Self::new(len, number_key)
    }
}

/// How unequally the keys are asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Distribution {
    Uniform,
    Zipf(f64),
}

impl Distribution {
    /// Draws indices below `len`, without end.
    pub fn draw(self, len: u32, random: StdRng) -> Box<dyn Iterator<Item = u32>> {
        let len = len.max(1);
        match self {
            Self::Uniform => {
                let indices = Uniform::new(0, len).expect("not empty");
                Box::new(indices.sample_iter(random))
            }
            Self::Zipf(exponent) => {
                let zipf = Zipf::new(f64::from(len), exponent).expect("positive");
                // Popular keys must not be neighbours. A prime above every length moves them
                // apart, and no two to the same index.
                let spread =
                    move |rank: f64| ((rank as u64 - 1) * 4_294_967_291 % u64::from(len)) as u32;
                Box::new(zipf.sample_iter(random).map(spread))
            }
        }
    }
}

/// The bounds on keys, the same for every contender.
pub trait Key: Clone + Ord + Hash + Send + Sync + 'static {}

impl<K: Clone + Ord + Hash + Send + Sync + 'static> Key for K {}

/// The number that a map stores for a key: the index of the key, which a read checks, and in the
/// upper half the number of the write; 0 as the map was filled.
pub fn value(index: u32, generation: u32) -> u64 {
    u64::from(generation) << 32 | u64::from(index)
}

#[inline]
pub fn index(value: u64) -> u32 {
    value as u32
}

/// What a map stores for a key: a number, perhaps in more bytes.
pub trait Stored: Clone + Eq + Hash + Send + Sync + 'static {
    /// Makes one of this many bytes, if the type has a choice.
    fn new(number: u64, bytes: usize) -> Self;
    fn number(&self) -> u64;
}

impl Stored for u64 {
    #[inline]
    fn new(number: u64, _: usize) -> Self {
        number
    }

    #[inline]
    fn number(&self) -> u64 {
        *self
    }
}

/// A value of any size, in an allocation of its own.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Blob(Box<[u8]>);

impl Stored for Blob {
    fn new(number: u64, bytes: usize) -> Self {
        let mut blob = number.to_ne_bytes().to_vec();
        blob.resize(bytes.max(size_of::<u64>()), 0);
        Self(blob.into())
    }

    #[inline]
    fn number(&self) -> u64 {
        let bytes = self.0.first_chunk();
        u64::from_ne_bytes(*bytes.expect("`new` made it long enough"))
    }
}

/// One write: the key, and the number of its value, or none if it removes the key.
pub type Change<K> = (K, Option<u64>);

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn zipf_follows_the_ranks() {
        let mut counts = [0_u32; 100];
        let random = StdRng::seed_from_u64(7);
        for index in Distribution::Zipf(1.0).draw(100, random).take(100_000) {
            counts[index as usize] += 1;
        }
        counts.sort_unstable_by(|a, b| b.cmp(a));
        // The harmonic number of 100 is 5.187, so the first has a share of 19.3 %.
        assert!((18_500..20_000).contains(&counts[0]), "{}", counts[0]);
        assert!((9_000..10_200).contains(&counts[1]), "{}", counts[1]);
        assert!(counts.iter().all(|&count| count > 0));
    }
}
