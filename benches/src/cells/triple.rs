//! triple_buffer: one reader, which changes buffers itself.

use triple_buffer::{Input, Output};

use super::{Load, Parts, Payload, Store};

impl Load for Output<Payload> {
    #[inline]
    fn load(&mut self) -> Payload {
        *self.read()
    }
}

impl Store for Input<Payload> {
    fn store(&mut self, payload: Payload) {
        self.write(payload);
    }
}

pub(super) fn build(readers: usize) -> Option<Parts> {
    let (writer, reader) = triple_buffer::triple_buffer(&Payload::new(0));
    (readers == 1).then(|| Parts::Shared {
        readers: vec![Box::new(reader)],
        writer: Box::new(writer),
    })
}
