//! The futures are `Send` if the writer is.

use std::pin::Pin;
use std::sync::{Arc, Weak};

use dbuf_async::core::{
    Batch, BufferPtr, DoubleBuffer, OpWriter, Operation, Reader, Strategy, Writer,
};
use dbuf_async::strategies::{EpochStrategy, Watched};
use dbuf_async::{Changed, Versions, Watcher, WriterAsyncExt};

fn is_send<T: Send>(value: T) -> T {
    value
}

type Buffer<S = EpochStrategy> = DoubleBuffer<u32, S>;
type Watching = Buffer<Watched<EpochStrategy>>;
type Op = fn(&mut u32, &());

#[test]
fn futures_are_send_if_the_writer_is() {
    fn of_writers(writer: &mut Writer<Arc<Buffer>>, log: &mut OpWriter<Arc<Buffer>, Op>) {
        drop(is_send(writer.finish_async()));
        drop(is_send(writer.swap_async()));
        drop(is_send(log.write_async()));
        drop(is_send(log.transact_async(
            async |batch: &mut Batch<&mut OpWriter<_, Op>>| {
                batch.apply(|n, _| *n += 1);
                tokio::task::yield_now().await;
                batch.apply(|n, _| *n += 1);
                Ok::<(), ()>(())
            },
        )));
    }
    fn of_watchers(
        strong: &mut Watcher<Arc<Watching>>,
        weak: &mut Watcher<Weak<Watching>>,
        borrowed: &mut Watcher<&'static Watching>,
    ) {
        drop::<Changed<'_, _>>(is_send(strong.changed()));
        drop::<Versions<'_, _>>(is_send(strong.versions()));
        drop(is_send(strong.wait_for(|n| *n == 1)));
        drop(is_send(weak.closed()));
        drop(is_send(weak.changed()));
        drop(is_send(borrowed.changed()));
    }
    let (_, _) = (of_writers, of_watchers);
}

/// The futures are `Send` also if the writer's type is generic.
#[test]
fn futures_are_send_in_generic_code() {
    fn transacts<P, O>(mut writer: OpWriter<P, O>, op: fn() -> O) -> impl Future + Send
    where
        P: BufferPtr<Value: Clone, Strategy: Strategy<WriterToken: Send>> + Send,
        O: Operation<P::Value, P::Extras> + Send,
    {
        async move {
            drop(writer.write_async().await);
            let mut writer = writer.into_writer();
            writer.finish_async().await;
            let mut writer = OpWriter::new(writer);
            writer
                .transact_async(async |batch| {
                    batch.apply(op());
                    tokio::task::yield_now().await;
                    Ok::<(), ()>(())
                })
                .await
        }
    }
    let (writer, reader) = dbuf_async::core::arc(0, 0, EpochStrategy::new());
    pollster::block_on(transacts(OpWriter::new(writer), || {
        |n: &mut u32, _: &()| {
            *n += 1;
        }
    }));
    assert_eq!(*reader.read(), 1);
}

/// If a type names a lifetime (here `'static`, of the pointer and in the `dyn`), a spawned task
/// must box its transactions; see `transact_async`.
#[test]
fn boxed_transaction_is_spawned_with_any_types() {
    type Op = Box<dyn FnMut(&mut u32, &()) + Send>;
    let buffer: &'static Buffer =
        Box::leak(Box::new(DoubleBuffer::cloned(0, EpochStrategy::new())));
    let mut writer: OpWriter<_, Op> = OpWriter::new(Writer::claim(buffer).unwrap());
    let task = is_send(async move {
        let transacts: Pin<Box<dyn Future<Output = Result<(), ()>> + Send + '_>> =
            Box::pin(writer.transact_async(async |batch| {
                batch.apply(Box::new(|n, ()| *n += 1));
                tokio::task::yield_now().await;
                Ok(())
            }));
        transacts.await
    });
    assert_eq!(pollster::block_on(task), Ok(()));
    assert_eq!(*Reader::new(buffer).read(), 1);
}
