//! The differences between strategies and pointers.

use std::rc::Rc;
use std::time::Duration;

use dbuf_core::{BlockingStrategy, BufferPtr, OpWriter, Reader, ReaderPtr, Writer};

use super::guards::AnyReader;
use super::log::{Log, Transact};
use super::value::Value;

/// The calls of a `BlockingStrategy`.
pub(crate) struct Blocking<P: BufferPtr<Value = Value, Extras = ()>> {
    pub(crate) finish_timeout: fn(&mut Writer<P>) -> bool,
    pub(crate) swap: fn(&mut Writer<P>),
    pub(crate) store: fn(&mut Writer<P>, Value),
    pub(crate) catch_up: fn(&mut Log<P>),
    pub(crate) transact: Transact<P>,
}

impl<P: BufferPtr<Value = Value, Extras = (), Strategy: BlockingStrategy>> Blocking<P> {
    pub(crate) fn new() -> Self {
        Self {
            finish_timeout: |writer| writer.finish_timeout(Duration::ZERO),
            swap: Writer::swap,
            store: Writer::store,
            catch_up: OpWriter::catch_up,
            transact: |writer, f| writer.transact(f),
        }
    }
}

/// Makes a reader that does not keep the buffer.
type WeakReader<P> = Box<dyn Fn(&P) -> Rc<dyn AnyReader>>;

/// The differences between strategies and pointers.
pub(crate) struct Kind<P: BufferPtr<Value = Value, Extras = ()>> {
    pub(crate) weak: WeakReader<P>,
    pub(crate) blocking: Option<Blocking<P>>,
    pub(crate) try_swap: Option<fn(&mut Writer<P>) -> bool>,
    /// A forgotten guard counts until its reader is dropped, rather than forever.
    pub(crate) until_dropped: bool,
}

impl<P: BufferPtr<Value = Value, Extras = ()> + 'static> Kind<P> {
    pub(crate) fn new<R: ReaderPtr<Value = Value> + 'static>(
        downgrade: fn(&P) -> R,
        blocking: Option<Blocking<P>>,
    ) -> Self {
        Self {
            weak: Box::new(move |ptr| Rc::new(Reader::new(downgrade(ptr)))),
            blocking,
            try_swap: None,
            until_dropped: false,
        }
    }
}
