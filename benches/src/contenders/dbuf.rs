//! dbuf's own map, with any strategy that waits.

use core::marker::PhantomData;

use dbuf_hashmap::{BlockingStrategy, Builder, Reader, Writer};

use super::{Contender, Hash, Lookup, Publish};
use crate::{Keys, Value};

/// `dbuf_hashmap` with the strategy `S`.
pub(super) struct Dbuf<S>(PhantomData<S>);

impl<S> Contender for Dbuf<S>
where
    S: BlockingStrategy + Default + 'static,
    Reader<String, Value, Hash, S>: Send,
    Writer<String, Value, Hash, S>: Send,
{
    type Reader = Reader<String, Value, Hash, S>;
    type Writer = Writer<String, Value, Hash, S>;

    fn build(keys: &Keys, hasher: Hash) -> (Self::Writer, Self::Reader) {
        let (mut writer, reader) = Builder::new()
            .capacity(keys.len())
            .hasher(hasher)
            .strategy(S::default())
            .build();
        let mut batch = writer.write();
        for (key, value) in keys.entries() {
            batch.insert(key, value);
        }
        batch.publish();
        writer.catch_up();
        (writer, reader)
    }
}

impl<S: BlockingStrategy> Lookup for Reader<String, Value, Hash, S> {
    #[inline]
    fn lookup(&mut self, key: &str) -> Option<Value> {
        self.get(key).map(|value| *value)
    }
}

impl<S: BlockingStrategy> Publish for Writer<String, Value, Hash, S> {
    fn publish(&mut self, changes: &[(&str, Value)]) {
        let mut batch = self.write();
        for &(key, value) in changes {
            batch.update(key, |old| *old = value);
        }
        batch.publish();
    }
}
