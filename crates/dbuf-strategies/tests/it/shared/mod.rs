//! `SharedReader`: one handle for any thread, and for destructors.

mod guards;
mod late;
mod slots;
mod wakers;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use dbuf_strategies::core::{ArcWriter, DoubleBuffer, SharedReader, Strategy, arc};
use dbuf_testing::Tracked;

use crate::common::hooked::{Hooked, Hooks};
use crate::common::with_every_strategy;

with_every_strategy! { guards:
    many_threads_read_one_handle
}

type Ptr<S> = Arc<DoubleBuffer<Tracked, S>>;

fn pair<S>(strategy: S) -> (ArcWriter<Tracked, S>, SharedReader<Ptr<S>>)
where
    S: Strategy<ReaderToken: Send> + Send + Sync,
{
    let (writer, reader) = arc(Tracked::new(0), Tracked::new(0), strategy);
    (writer, reader.shared())
}

/// Counts the readers that were registered, and those that still are.
#[derive(Clone, Default)]
struct Readers(Arc<[AtomicUsize; 2]>);

impl Readers {
    fn made(&self) -> usize {
        self.0[0].load(SeqCst)
    }

    fn live(&self) -> usize {
        self.0[1].load(SeqCst)
    }
}

struct Live(Readers);

impl Drop for Live {
    fn drop(&mut self) {
        self.0.0[1].fetch_sub(1, SeqCst);
    }
}

impl Hooks for Readers {
    type InReader = Live;

    fn new_reader(&self) -> Live {
        for count in &*self.0 {
            count.fetch_add(1, SeqCst);
        }
        Live(self.clone())
    }
}

type Counted<S> = Hooked<S, Readers>;
type Handle<S> = SharedReader<Arc<DoubleBuffer<u32, Counted<S>>>>;

/// Returns a handle, and the count of its readers.
fn counted<S: Strategy + Default>() -> (ArcWriter<u32, Counted<S>>, Handle<S>, Readers) {
    let strategy = Counted::<S>::default();
    let readers = strategy.1.clone();
    let (writer, reader) = arc(7, 7, strategy);
    (writer, reader.shared(), readers)
}
