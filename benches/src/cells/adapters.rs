//! What a cell has to do, and the cells that are compared. Each function makes one with a number
//! of readers, or returns `None` if it cannot have that many.

use alloc::rc::Rc;
use alloc::sync::Arc;
use std::sync::RwLock;

use arc_swap::{ArcSwap, Cache};
use arcshift::ArcShift;
use crossbeam_utils::sync::ShardedLock;
use dbuf_core::{ArcReader, ArcWriter, BlockingStrategy, DoubleBuffer, ReadGuard, Strategy};
use dbuf_core::{Reader, Writer, arc, rc};
use dbuf_strategies::{ConcurrentCell, EpochStrategy, LocalStrategy};
use smr_swap::{LocalReader, SmrSwap};

use crate::contender::POISONED;
use crate::maps::holding;

/// The value of a cell, which shows if it is half old and half new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payload {
    number: u64,
    inverse: u64,
}

impl Payload {
    pub const fn new(number: u64) -> Self {
        let inverse = !number;
        Self { number, inverse }
    }

    /// Panics if no call stored it.
    #[inline]
    fn check(self, contender: &str) {
        let Self { number, inverse } = self;
        assert!(
            number == !inverse,
            "{contender} is broken: it gave half of one value and half of another"
        );
    }
}

pub trait Load {
    /// Enters, copies the value, and leaves.
    fn load(&mut self) -> Payload;
    /// Calls `keep` while this reader has what the cell's API gives to a reader.
    fn hold(&mut self, keep: &mut dyn FnMut());

    /// Loads `count` times, and panics if no call stored what it loads.
    fn run(&mut self, count: usize, contender: &str) {
        for _ in 0..count {
            self.load().check(contender);
        }
    }
}

pub trait Store {
    /// A load that starts after this call sees the value.
    fn store(&mut self, payload: Payload);
}

pub enum Parts {
    Shared {
        readers: Vec<Box<dyn Load + Send>>,
        writer: Box<dyn Store + Send>,
    },
    /// For one thread only.
    Alone(Box<dyn Load>),
}

pub const ZERO: Payload = Payload::new(0);

/// Implements [`Load`] by an expression that gives a guard or a reference, and [`Store`] by
/// another.
macro_rules! cell {
    ([$($generics:tt)*] $reader:ty, |$this:ident| $load:expr) => {
        impl<$($generics)*> Load for $reader {
            #[inline]
            fn load(&mut self) -> Payload {
                let $this = self;
                let guard = $load;
                let payload: &Payload = &guard;
                *payload
            }

            fn hold(&mut self, keep: &mut dyn FnMut()) {
                let $this = self;
                holding($load, keep);
            }
        }
    };
    ([$($generics:tt)*] $writer:ty, |$this:ident, $payload:ident| $store:expr) => {
        impl<$($generics)*> Store for $writer {
            fn store(&mut self, $payload: Payload) {
                let $this = self;
                $store;
            }
        }
    };
}

pub fn pair<W, R>((writer, reader): (W, R), readers: usize) -> Option<Parts>
where
    W: Store + Send + 'static,
    R: Load + Clone + Send + 'static,
{
    let another = |_| -> Box<dyn Load + Send> { Box::new(reader.clone()) };
    Some(Parts::Shared {
        readers: (0..readers).map(another).collect(),
        writer: Box::new(writer),
    })
}

/// One handle that reads and writes.
pub fn handle<C>(cell: C, readers: usize) -> Option<Parts>
where
    C: Load + Store + Clone + Send + 'static,
{
    pair((cell.clone(), cell), readers)
}

cell!([S: Strategy] ArcReader<Payload, S>, |reader| reader.read());
cell!([S: BlockingStrategy] ArcWriter<Payload, S>, |writer, payload| Self::store(writer, payload));

pub fn dbuf<S>(readers: usize) -> Option<Parts>
where
    S: BlockingStrategy + Default + Send + Sync + 'static,
{
    pair(arc(ZERO, ZERO, S::default()), readers)
}

/// One guard for many loads, refreshed for each. It stays on its thread, so each block of loads
/// takes one.
#[derive(Clone)]
pub struct Refreshed<R>(R);

impl<S: Strategy> Load for Refreshed<ArcReader<Payload, S>> {
    fn load(&mut self) -> Payload {
        self.0.load()
    }

    fn hold(&mut self, keep: &mut dyn FnMut()) {
        self.0.hold(keep);
    }

    fn run(&mut self, count: usize, contender: &str) {
        let mut guard = self.0.read();
        for _ in 0..count {
            ReadGuard::refresh(&mut guard);
            guard.check(contender);
        }
    }
}

pub fn refreshed(readers: usize) -> Option<Parts> {
    let (writer, reader) = arc(ZERO, ZERO, EpochStrategy::new());
    pair((writer, Refreshed(reader)), readers)
}

cell!([] Arc<ConcurrentCell<Payload>>, |cell| ConcurrentCell::read(cell));
cell!([] Arc<ConcurrentCell<Payload>>, |cell, payload| ConcurrentCell::store(cell, payload));

type LocalBuffer = Rc<DoubleBuffer<Payload, LocalStrategy>>;

/// dbuf's reader and writer on one thread.
struct Local(
    Reader<LocalBuffer>,
    #[expect(dead_code, reason = "the writer is there, as in the others")] Writer<LocalBuffer>,
);

cell!([] Local, |local| local.0.read());

pub fn local(readers: usize) -> Option<Parts> {
    let (writer, reader) = rc(ZERO, ZERO, LocalStrategy::new());
    (readers == 1).then(|| Parts::Alone(Box::new(Local(reader, writer))))
}

impl left_right::Absorb<Self> for Payload {
    fn absorb_first(&mut self, new: &mut Self, _: &Self) {
        *self = *new;
    }

    fn sync_with(&mut self, first: &Self) {
        *self = *first;
    }
}

cell!([] left_right::ReadHandle<Payload>, |reader| {
    reader.enter().expect("it was published, and its writer lives")
});
cell!([] left_right::WriteHandle<Payload, Payload>, |writer, payload| {
    writer.append(payload);
    writer.publish();
});

pub fn left_right(readers: usize) -> Option<Parts> {
    let (mut writer, reader) = left_right::new_from_empty(ZERO);
    // Before the first publish there is nothing to read.
    writer.publish();
    pair((writer, reader), readers)
}

pub type Swap = Arc<ArcSwap<Payload>>;

cell!([] Swap, |swap| ArcSwap::load(swap));
cell!([] Swap, |swap, payload| ArcSwap::store(swap, Arc::new(payload)));
cell!([] Cache<Swap, Arc<Payload>>, |cache| Self::load(cache));

pub fn arc_swap_cache(readers: usize) -> Option<Parts> {
    let swap = Arc::new(ArcSwap::from_pointee(ZERO));
    pair((Arc::clone(&swap), Cache::new(swap)), readers)
}

cell!([const READS: bool] LocalReader<Payload, READS>, |reader| Self::load(reader));
cell!([const READS: bool] SmrSwap<Payload, READS>, |writer, payload| Self::store(writer, payload));

pub fn smr_swap<const READS: bool>(
    writer: SmrSwap<Payload, READS>,
    readers: usize,
) -> Option<Parts> {
    let reader = writer.local_reader();
    pair((writer, reader), readers)
}

cell!([] ArcShift<Payload>, |reader| reader.get());
cell!([] ArcShift<Payload>, |writer, payload| writer.update(payload));

cell!([] triple_buffer::Output<Payload>, |reader| reader.read());
cell!([] triple_buffer::Input<Payload>, |writer, payload| writer.write(payload));

pub fn triple_buffer(readers: usize) -> Option<Parts> {
    let (writer, reader) = triple_buffer::triple_buffer(&ZERO);
    (readers == 1).then(|| Parts::Shared {
        readers: vec![Box::new(reader)],
        writer: Box::new(writer),
    })
}

cell!([] Arc<RwLock<Payload>>, |lock| lock.read().expect(POISONED));
cell!([] Arc<RwLock<Payload>>, |lock, payload| *lock.write().expect(POISONED) = payload);

cell!([] Arc<parking_lot::RwLock<Payload>>, |lock| lock.read());
cell!([] Arc<parking_lot::RwLock<Payload>>, |lock, payload| *lock.write() = payload);

cell!([] Arc<ShardedLock<Payload>>, |lock| lock.read().expect(POISONED));
cell!([] Arc<ShardedLock<Payload>>, |lock, payload| *lock.write().expect(POISONED) = payload);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "it is broken")]
    fn a_torn_value_is_noticed() {
        let (number, inverse) = (1, !2);
        Payload { number, inverse }.check("it");
    }
}
