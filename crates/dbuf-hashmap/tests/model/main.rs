//! Random batches against plain collections of std, one for what the writer sees and one for what
//! readers see: for every layer and every strategy. Also, a concurrent map whose keys and values
//! panic.
//!
//! `proptest` makes the batches here. In `crates/dbuf-testing/fuzz`, libFuzzer makes them out of
//! bytes, and the inputs that were worth keeping run here too.
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests always have std"
)]

mod fixture;
mod fragile;
mod layer;
mod map;
mod multimap;
mod set;
mod steps;

use core::hash::{BuildHasherDefault, Hasher};

use arbitrary::{Arbitrary, Unstructured};
use dbuf_hashmap::LocalStrategy;
use dbuf_hashmap::strategies::{CountStrategy, EpochStrategy, FlashStrategy, LockStrategy};
#[cfg(test)]
use dbuf_testing::inputs;

/// Four different hashes, so that keys collide.
pub(crate) type FewBuckets = BuildHasherDefault<LastBits>;

#[derive(Default)]
pub(crate) struct LastBits(u64);

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

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Layer {
    Map,
    Set,
    MultiMap,
    Fragile,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Which {
    Local,
    Count,
    Epoch,
    Flash,
    Lock,
}

/// Runs the batches that bytes encode, if there are enough bytes.
///
/// # Panics
///
/// If a map behaves differently from std's.
pub(crate) fn run(data: &[u8]) {
    let mut bytes = Unstructured::new(data);
    let Ok((layer, which, capacity)) = bytes.arbitrary::<(Layer, Which, u8)>() else {
        return;
    };
    let capacity = usize::from(capacity % 40);
    macro_rules! layer {
        ($fixture:ident) => {
            match which {
                Which::Local => of_bytes::<$fixture<LocalStrategy>>(bytes, capacity),
                Which::Count => of_bytes::<$fixture<CountStrategy>>(bytes, capacity),
                Which::Epoch => of_bytes::<$fixture<EpochStrategy>>(bytes, capacity),
                Which::Flash => of_bytes::<$fixture<FlashStrategy>>(bytes, capacity),
                Which::Lock => of_bytes::<$fixture<LockStrategy>>(bytes, capacity),
            }
        };
    }
    use {map::Map, multimap::MultiMap, set::Set};
    match layer {
        Layer::Map => layer!(Map),
        Layer::Set => layer!(Set),
        Layer::MultiMap => layer!(MultiMap),
        Layer::Fragile => {
            let Ok(policy) = bytes.arbitrary() else {
                return;
            };
            let program = fragile::Program::new(policy, all(bytes));
            match which {
                Which::Local | Which::Epoch => program.run(EpochStrategy::new()),
                Which::Count => program.run(CountStrategy::new()),
                Which::Flash => program.run(FlashStrategy::new()),
                Which::Lock => program.run(LockStrategy::new()),
            }
        }
    }
}

/// Makes as many batches as the bytes suffice for.
fn all<T: for<'b> Arbitrary<'b>>(mut bytes: Unstructured<'_>) -> Vec<T> {
    let mut all = Vec::new();
    while let (false, Ok(one)) = (bytes.is_empty(), bytes.arbitrary()) {
        all.push(one);
    }
    all
}

fn of_bytes<W>(bytes: Unstructured<'_>, capacity: usize)
where
    W: fixture::Fixture<Change: for<'b> Arbitrary<'b>>,
{
    fixture::run::<W>(all(bytes), capacity);
}

/// Runs the kept inputs. Each of them reaches code that no other input reaches.
#[test]
#[cfg_attr(miri, ignore = "reads files: -Zmiri-disable-isolation")]
fn kept_inputs_agree_with_the_model() {
    inputs::kept(
        concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../dbuf-testing/fuzz/seeds/map"
        ),
        run,
    );
}

#[test]
fn random_inputs_agree_with_the_model() {
    let (number, length) = if cfg!(miri) { (8, 120) } else { (1000, 600) };
    inputs::random(number, length, run);
}
