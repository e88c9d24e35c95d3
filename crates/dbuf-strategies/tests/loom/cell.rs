//! Models of the cell: threads read, store and clone a value that is not a plain word.

use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::Arc;

use dbuf_core::{CellGuard, ConcurrentCell};
use dbuf_strategies::{CountStrategy, EpochStrategy, FlashStrategy, LockStrategy, Watched};
use dbuf_testing::Tracked;
use dbuf_testing::models::Modelled;
use loom::thread;

/// A value that is written when it is dropped, so a read that is not ordered before the drop is
/// a reported race.
struct Value(Tracked);

impl Clone for Value {
    fn clone(&self) -> Self {
        value(self.0.get())
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        self.0.set(usize::MAX);
    }
}

fn value(number: usize) -> Value {
    Value(Tracked::new(number))
}

fn increment(value: &mut Value) -> usize {
    let number = value.0.get() + 1;
    value.0.set(number);
    number
}

/// Returns a cell that was used once, since loom does not know the `OnceLock` of the first use.
fn cell<S: Modelled>(new: fn() -> S) -> Arc<ConcurrentCell<Value, S>> {
    let cell = ConcurrentCell::with_strategy(value(0), new());
    assert_eq!(cell.version(), 0);
    Arc::new(cell)
}

/// Runs every interleaving with at most that many preemptions. In some of them a write must
/// meet a reader, or the model proves nothing.
fn check(preemptions: usize, body: impl Fn(&Arc<AtomicUsize>) + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(Some(preemptions));
    let met = Arc::new(AtomicUsize::new(0));
    let in_model = Arc::clone(&met);
    builder.check(move || body(&in_model));
    assert!(met.load(Relaxed) > 0, "no write met a reader");
}

/// Reads once. Value and version always agree.
fn read_value<S: Modelled>(cell: &ConcurrentCell<Value, S>) -> usize {
    let guard = cell.read();
    assert_eq!(guard.0.get() as u64, CellGuard::version(&guard));
    guard.0.get()
}

/// A store, an update and two readers, one of which clones what it reads. A replaced value is
/// dropped while others read.
fn stores_are_read<S: Modelled>(new: fn() -> S) {
    check(2, move |met| {
        let cell = cell(new);
        let (other, met) = (Arc::clone(&cell), Arc::clone(met));
        let writes = thread::spawn(move || {
            other.store(value(1));
            met.fetch_add(other.stragglers(), Relaxed);
            assert_eq!(
                read_value(&other),
                1,
                "a read missed a store that had returned"
            );
            let written = other.update(increment);
            assert_eq!((written, read_value(&other)), (2, 2));
        });
        let other = Arc::clone(&cell);
        let loads = thread::spawn(move || {
            let first = other.load().0.get();
            let second = read_value(&other);
            assert!(first <= second, "read {second} after {first}");
        });
        let first = read_value(&cell);
        let second = read_value(&cell);
        assert!(first <= second, "read {second} after {first}");
        writes.join().unwrap();
        loads.join().unwrap();
        assert_eq!(read_value(&cell), 2);
    });
}

/// Two threads that write: no update is lost, and a writer that waits for a reader goes on.
fn updates_add_up<S: Modelled>(new: fn() -> S) {
    check(2, move |met| {
        let cell = cell(new);
        let writers = [(); 2].map(|()| {
            let (cell, met) = (Arc::clone(&cell), Arc::clone(met));
            thread::spawn(move || {
                let written = cell.update(increment);
                met.fetch_add(cell.stragglers(), Relaxed);
                assert!(
                    read_value(&cell) >= written,
                    "a read missed a write that had returned"
                );
            })
        });
        read_value(&cell);
        for writer in writers {
            writer.join().unwrap();
        }
        assert_eq!(cell.load().0.get(), 2);
    });
}

macro_rules! models {
    ($($name:ident: $new:expr;)*) => {$(
        mod $name {
            use super::*;

            #[test]
            fn stores_are_read() {
                super::stores_are_read(|| $new);
            }

            #[test]
            fn updates_add_up() {
                super::updates_add_up(|| $new);
            }
        }
    )*};
}

models! {
    count: CountStrategy::new();
    epoch: EpochStrategy::new();
    flash: FlashStrategy::new();
    lock: LockStrategy::new();
    watched: Watched::new(CountStrategy::new());
}
