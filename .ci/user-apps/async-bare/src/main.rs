//! `dbuf-async` without features: awaiting swaps on one thread.

use std::pin::pin;
use std::task::{Context, Waker};

use dbuf_async::WriterAsyncExt;
use dbuf_async::core::{DoubleBuffer, split};
use dbuf_async::strategies::LocalStrategy;

fn main() {
    let buffer = DoubleBuffer::new(1, 2, LocalStrategy::new());
    let (mut writer, reader) = split(&buffer).unwrap();
    let mut cx = Context::from_waker(Waker::noop());
    let guard = reader.read();
    assert!(pin!(writer.swap_async()).poll(&mut cx).is_pending());
    assert_eq!((*guard, *reader.read()), (1, 2));
    drop(guard);
    assert!(pin!(writer.finish_async()).poll(&mut cx).is_ready());
}
