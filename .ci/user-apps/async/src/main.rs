//! `dbuf-async` with its default features: strategies and core come with it. The
//! executor is the user's; here it polls once, since no guard is in the way.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use dbuf_async::WriterAsyncExt;
use dbuf_async::core::{OpWriter, arc};
use dbuf_async::strategies::EpochStrategy;

fn main() {
    let (writer, reader) = arc(vec![], vec![], EpochStrategy::new());
    let mut writer = OpWriter::new(writer);
    let mut cx = Context::from_waker(Waker::noop());
    let guard = reader.read();
    {
        let Poll::Ready(mut batch) = pin!(writer.write_async()).poll(&mut cx) else {
            panic!("the first batch does not wait");
        };
        batch.apply(|list: &mut Vec<u32>, _: &()| list.push(1));
    }
    assert!(pin!(writer.write_async()).poll(&mut cx).is_pending());
    drop(guard);
    assert!(pin!(writer.write_async()).poll(&mut cx).is_ready());
    assert_eq!(*reader.read(), [1]);
}
