//! left-right: the one operation replaces the value.

use left_right::{Absorb, ReadHandle, WriteHandle};

use super::{Load, Parts, Payload, Store, cloned};

impl Absorb<Self> for Payload {
    fn absorb_first(&mut self, new: &mut Self, _: &Self) {
        *self = *new;
    }

    fn sync_with(&mut self, first: &Self) {
        *self = *first;
    }
}

impl Load for ReadHandle<Payload> {
    #[inline]
    fn load(&mut self) -> Payload {
        self.enter()
            .map_or(const { Payload::new(0) }, |guard| *guard)
    }
}

impl Store for WriteHandle<Payload, Payload> {
    fn store(&mut self, payload: Payload) {
        self.append(payload);
        self.publish();
    }
}

pub(super) fn build(readers: usize) -> Option<Parts> {
    let (mut writer, reader) = left_right::new_from_empty(Payload::new(0));
    // Before the first publish there is nothing to read.
    writer.publish();
    cloned(reader, writer, readers)
}
