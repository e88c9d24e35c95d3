//! Random batches against plain collections of std: one is what the writer sees,
//! another what readers see. Every layer, every strategy.

mod map;
mod multimap;
mod set;
mod world;

use core::hash::{BuildHasherDefault, Hasher};

/// Four different hashes, so that keys collide.
type FewBuckets = BuildHasherDefault<LastBits>;

#[derive(Default)]
struct LastBits(u64);

impl Hasher for LastBits {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 ^= u64::from(byte & 3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

fn key(k: u8) -> String {
    format!("key {k}")
}
