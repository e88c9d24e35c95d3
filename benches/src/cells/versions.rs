//! Cells that keep old values until no reader has them: smr-swap and arcshift.

use arcshift::ArcShift;
use smr_swap::{LocalReader, SmrSwap};

use super::{Load, Parts, Payload, Store, cloned};

const ZERO: Payload = Payload::new(0);

impl<const READS_FIRST: bool> Load for LocalReader<Payload, READS_FIRST> {
    #[inline]
    fn load(&mut self) -> Payload {
        *Self::load(self)
    }
}

impl<const READS_FIRST: bool> Store for SmrSwap<Payload, READS_FIRST> {
    fn store(&mut self, payload: Payload) {
        Self::store(self, payload);
    }
}

/// Readers that fence.
pub(super) fn smr_swap(readers: usize) -> Option<Parts> {
    let writer = SmrSwap::new(ZERO);
    cloned(writer.local_reader(), writer, readers)
}

/// A writer that fences for its readers.
pub(super) fn smr_swap_reads_first(readers: usize) -> Option<Parts> {
    let writer = SmrSwap::new_read_preferred(ZERO);
    cloned(writer.local_reader(), writer, readers)
}

impl Load for ArcShift<Payload> {
    #[inline]
    fn load(&mut self) -> Payload {
        *self.get()
    }
}

impl Store for ArcShift<Payload> {
    fn store(&mut self, payload: Payload) {
        self.update(payload);
    }
}

pub(super) fn arcshift(readers: usize) -> Option<Parts> {
    let writer = ArcShift::new(ZERO);
    cloned(writer.clone(), writer, readers)
}
