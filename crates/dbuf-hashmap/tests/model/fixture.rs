//! The test of every layer: batches of its changes, each ended in one of all ways, while guards are
//! taken and released.

use core::fmt::Debug;
use core::mem;
use core::panic::AssertUnwindSafe;
use std::panic::{catch_unwind, resume_unwind};

use arbitrary::{Arbitrary, Unstructured};
use proptest::prelude::*;
use proptest::strategy::Strategy as Generate;

/// A layer: a map, a set or a multi-map.
pub(crate) trait Fixture: 'static {
    type Change: Clone + Debug + 'static;
    /// The model: a collection of std.
    type Plain: Clone + Debug + Default + PartialEq;
    type Writer;
    type Reader: Clone;
    type Batch<'w>;
    type Guard<'r>;
    /// Says whether a panic in `spoil` leaves a change half made.
    const SPOIL_TEARS: bool;

    fn changes() -> BoxedStrategy<Self::Change>;
    fn build(capacity: usize) -> (Self::Writer, Self::Reader);
    fn try_write(writer: &mut Self::Writer) -> Option<Self::Batch<'_>>;
    /// Without `BlockingStrategy`, this is `transact` written by hand.
    fn transact(
        writer: &mut Self::Writer,
        f: &mut dyn FnMut(&mut Self::Batch<'_>) -> Result<(), ()>,
    ) -> Result<(), ()>;
    fn publish(writer: &mut Self::Writer) -> bool;
    fn has_pending(writer: &Self::Writer) -> bool;
    fn version(writer: &Self::Writer) -> u64;
    fn end(batch: Self::Batch<'_>, ending: Ending);
    fn read(reader: &Self::Reader) -> Self::Guard<'_>;
    fn guard_version(guard: &Self::Guard<'_>) -> u64;

    /// Makes a change in the batch and in the model, compares the results, and returns whether it
    /// changed anything.
    fn change(
        batch: &mut Self::Batch<'_>,
        plain: &mut Self::Plain,
        change: &Self::Change,
    ) -> Changed;
    /// Makes a change whose closure panics, if it is called.
    fn spoil(batch: &mut Self::Batch<'_>, k: u8);

    fn assert_batch(batch: &Self::Batch<'_>, pending: &Self::Plain, published: &Self::Plain);
    fn assert_guard(guard: &Self::Guard<'_>, plain: &Self::Plain);
    fn assert_reader(reader: &Self::Reader, plain: &Self::Plain);
}

#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub(crate) enum Changed {
    #[default]
    No,
    /// The change may only have reserved room.
    Maybe,
    Yes,
}

impl From<bool> for Changed {
    fn from(changed: bool) -> Self {
        if changed { Self::Yes } else { Self::No }
    }
}

#[derive(Arbitrary, Clone, Copy, Debug, PartialEq)]
pub(crate) enum Ending {
    Publish,
    Drop,
    Defer,
    DeferThenPublish,
    Rollback,
    /// Dropped after `rollback_on_drop`.
    RollbackOnDrop,
    Forget,
    TransactOk,
    TransactErr,
    TransactPanic,
    /// A closure panics (or the test does, if the closure is not called).
    Panic(#[arbitrary(with = few)] u8),
    /// The same, but the panic is caught while the batch lives.
    CaughtPanic(#[arbitrary(with = few)] u8),
}

#[derive(Arbitrary, Clone, Debug)]
pub(crate) enum Step<C> {
    Batch(Vec<C>, Ending),
    TakeGuard(#[arbitrary(with = which)] usize),
    DropGuard(#[arbitrary(with = nth)] usize),
}

/// One of the keys.
pub(crate) fn few(bytes: &mut Unstructured<'_>) -> arbitrary::Result<u8> {
    bytes.int_in_range(0..=11)
}

/// One of the readers.
fn which(bytes: &mut Unstructured<'_>) -> arbitrary::Result<usize> {
    bytes.int_in_range(0..=1)
}

/// A small number that is not 0.
pub(crate) fn nth(bytes: &mut Unstructured<'_>) -> arbitrary::Result<usize> {
    bytes.int_in_range(1..=4)
}

/// The number of entries to reserve room for.
pub(crate) fn room(bytes: &mut Unstructured<'_>) -> arbitrary::Result<usize> {
    bytes.int_in_range(0..=79)
}

fn endings() -> impl Generate<Value = Ending> {
    prop_oneof![
        3 => Just(Ending::Publish),
        3 => Just(Ending::Drop),
        2 => Just(Ending::Defer),
        1 => Just(Ending::DeferThenPublish),
        1 => Just(Ending::Rollback),
        1 => Just(Ending::RollbackOnDrop),
        1 => Just(Ending::Forget),
        1 => Just(Ending::TransactOk),
        1 => Just(Ending::TransactErr),
        1 => Just(Ending::TransactPanic),
        1 => (0..12_u8).prop_map(Ending::Panic),
        1 => (0..12_u8).prop_map(Ending::CaughtPanic),
    ]
}

pub(crate) fn steps<W: Fixture>() -> impl Generate<Value = Vec<Step<W::Change>>> {
    let changes = prop::collection::vec(W::changes(), 0..if cfg!(miri) { 4 } else { 8 });
    let step = prop_oneof![
        4 => (changes, endings()).prop_map(|(changes, ending)| Step::Batch(changes, ending)),
        1 => (0..2_usize).prop_map(Step::TakeGuard),
        1 => (0..8_usize).prop_map(Step::DropGuard),
    ];
    prop::collection::vec(step, 1..if cfg!(miri) { 12 } else { 40 })
}

#[derive(Default)]
struct Model<P> {
    published: P,
    /// `published` with the changes that are deferred or in the open batch.
    pending: P,
    changed: Changed,
    version: u64,
}

impl<P: Clone> Model<P> {
    fn publish(&mut self, version: u64) {
        match mem::take(&mut self.changed) {
            Changed::No => {}
            Changed::Maybe => self.version += u64::from(version > self.version),
            Changed::Yes => self.version += 1,
        }
        self.published = self.pending.clone();
    }

    fn rollback(&mut self) {
        self.pending = self.published.clone();
        self.changed = Changed::No;
    }

    fn change_all<W: Fixture<Plain = P>>(
        &mut self,
        batch: &mut W::Batch<'_>,
        changes: &[W::Change],
    ) {
        W::assert_batch(batch, &self.pending, &self.published);
        for change in changes {
            let changed = W::change(batch, &mut self.pending, change);
            if changed > self.changed {
                self.changed = changed;
            }
            W::assert_batch(batch, &self.pending, &self.published);
        }
    }
}

pub(crate) struct Expected;

/// Panics without a message.
pub(crate) fn unwind() -> ! {
    resume_unwind(Box::new(Expected))
}

/// Returns whether `f` panicked on purpose. Any other panic is propagated.
fn panics(f: impl FnOnce()) -> bool {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(()) => false,
        Err(payload) if payload.is::<Expected>() => true,
        Err(payload) => resume_unwind(payload),
    }
}

fn run_batch<W: Fixture>(
    writer: &mut W::Writer,
    model: &mut Model<W::Plain>,
    changes: &[W::Change],
    ending: Ending,
) {
    let wanted = match ending {
        Ending::TransactOk => Some(Ok(())),
        Ending::TransactErr => Some(Err(())),
        Ending::TransactPanic => {
            assert!(panics(|| {
                let _ = W::transact(writer, &mut |batch| {
                    model.change_all::<W>(batch, changes);
                    unwind();
                });
            }));
            return model.rollback();
        }
        _ => None,
    };
    if let Some(wanted) = wanted {
        let result = W::transact(writer, &mut |batch| {
            model.change_all::<W>(batch, changes);
            wanted
        });
        assert_eq!(result, wanted);
        return match wanted {
            Ok(()) => model.publish(W::version(writer)),
            Err(()) => model.rollback(),
        };
    }

    let mut batch = W::try_write(writer).expect("nothing to wait for");
    model.change_all::<W>(&mut batch, changes);
    match ending {
        Ending::Panic(k) => {
            assert!(panics(move || {
                let mut batch = batch;
                W::spoil(&mut batch, k);
                unwind();
            }));
            model.rollback();
        }
        Ending::CaughtPanic(k) => {
            let torn = panics(|| W::spoil(&mut batch, k)) && W::SPOIL_TEARS;
            drop(batch);
            if torn {
                model.rollback();
            } else {
                model.publish(W::version(writer));
            }
        }
        Ending::DeferThenPublish => {
            W::end(batch, Ending::Defer);
            let published = W::publish(writer);
            assert!(
                model.changed == Changed::Maybe || published == (model.changed == Changed::Yes)
            );
            model.publish(W::version(writer));
        }
        Ending::Publish | Ending::Drop => {
            W::end(batch, ending);
            model.publish(W::version(writer));
        }
        Ending::Defer => W::end(batch, ending),
        _ => {
            W::end(batch, ending);
            model.rollback();
        }
    }
}

pub(crate) fn run<W: Fixture>(steps: Vec<Step<W::Change>>, capacity: usize) {
    let (mut writer, reader) = W::build(capacity);
    let readers = [reader.clone(), reader];
    let mut guards: Vec<(W::Guard<'_>, W::Plain)> = Vec::new();
    let mut model = Model::<W::Plain>::default();
    for step in steps {
        match step {
            Step::TakeGuard(reader) => {
                guards.push((W::read(&readers[reader]), model.published.clone()));
            }
            Step::DropGuard(at) => {
                if at < guards.len() {
                    drop(guards.remove(at));
                }
            }
            Step::Batch(changes, ending) => {
                // A probe must not publish what was deferred.
                while W::try_write(&mut writer)
                    .map(|batch| W::end(batch, Ending::Defer))
                    .is_none()
                {
                    let straggler = guards
                        .iter()
                        .position(|(guard, _)| W::guard_version(guard) < W::version(&writer))
                        .expect("no guard is in the way");
                    drop(guards.remove(straggler));
                }
                run_batch::<W>(&mut writer, &mut model, &changes, ending);
            }
        }
        if model.changed != Changed::Maybe {
            assert_eq!(W::has_pending(&writer), model.changed == Changed::Yes);
        }
        assert_eq!(W::version(&writer), model.version);
        for reader in &readers {
            W::assert_reader(reader, &model.published);
            let guard = W::read(reader);
            W::assert_guard(&guard, &model.published);
            assert_eq!(W::guard_version(&guard), model.version);
        }
        for (guard, then) in &guards {
            W::assert_guard(guard, then);
        }
    }
}

pub(crate) fn config() -> ProptestConfig {
    ProptestConfig {
        cases: if cfg!(miri) { 2 } else { 256 },
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// The methods that handles and batches of every layer share.
macro_rules! handles {
    ($layer:ident) => {
        fn try_write(writer: &mut Self::Writer) -> Option<Self::Batch<'_>> {
            writer.try_write()
        }

        fn transact(
            writer: &mut Self::Writer,
            f: &mut dyn FnMut(&mut Self::Batch<'_>) -> Result<(), ()>,
        ) -> Result<(), ()> {
            S::transact_of(writer, f)
        }

        fn publish(writer: &mut Self::Writer) -> bool {
            writer.publish().is_published()
        }

        fn has_pending(writer: &Self::Writer) -> bool {
            writer.has_pending()
        }

        fn version(writer: &Self::Writer) -> u64 {
            writer.version()
        }

        fn end(batch: Self::Batch<'_>, ending: Ending) {
            match ending {
                Ending::Publish => batch.publish(),
                Ending::Drop => drop(batch),
                Ending::Defer => batch.defer(),
                Ending::Rollback => batch.rollback(),
                Ending::RollbackOnDrop => {
                    let mut batch = batch;
                    batch.rollback_on_drop();
                }
                Ending::Forget => core::mem::forget(batch),
                _ => unreachable!("{ending:?} does not end a batch"),
            }
        }

        fn read(reader: &Self::Reader) -> Self::Guard<'_> {
            reader.read()
        }

        fn guard_version(guard: &Self::Guard<'_>) -> u64 {
            guard.version()
        }
    };
}
pub(crate) use handles;

/// Runs a layer with every strategy. `transact_of` replaces `transact` for those that cannot
/// block.
macro_rules! every_strategy {
    ($layer:ident, $writer:ident, $batch:ident) => {
        pub(crate) trait Transacts: dbuf_hashmap::Strategy + Default + Sized {
            fn transact_of(
                writer: &mut $writer<Self>,
                f: &mut dyn FnMut(&mut $batch<'_, Self>) -> Result<(), ()>,
            ) -> Result<(), ()>;
        }

        impl Transacts for dbuf_hashmap::LocalStrategy {
            fn transact_of(
                writer: &mut $writer<Self>,
                f: &mut dyn FnMut(&mut $batch<'_, Self>) -> Result<(), ()>,
            ) -> Result<(), ()> {
                let mut batch = writer.try_write().expect("nothing to wait for");
                let result = f(&mut batch);
                match result {
                    Ok(()) => batch.publish(),
                    Err(()) => batch.rollback(),
                }
                result
            }
        }

        every_strategy! { @one $layer, $writer, $batch;
            count: dbuf_hashmap::strategies::CountStrategy;
            epoch: dbuf_hashmap::strategies::EpochStrategy;
            flash: dbuf_hashmap::strategies::FlashStrategy;
            lock: dbuf_hashmap::strategies::LockStrategy;
            default: dbuf_hashmap::DefaultStrategy;
        }

        proptest! {
            #![proptest_config(super::fixture::config())]
            #[test]
            fn local(
                steps in super::fixture::steps::<$layer<dbuf_hashmap::LocalStrategy>>(),
                capacity in 0..40_usize,
            ) {
                super::fixture::run::<$layer<dbuf_hashmap::LocalStrategy>>(steps, capacity);
            }
        }
    };
    (@one $layer:ident, $writer:ident, $batch:ident; $($name:ident: $strategy:ty;)*) => {
        $(
            impl Transacts for $strategy {
                fn transact_of(
                    writer: &mut $writer<Self>,
                    f: &mut dyn FnMut(&mut $batch<'_, Self>) -> Result<(), ()>,
                ) -> Result<(), ()> {
                    writer.transact(f)
                }
            }

            proptest! {
                #![proptest_config(super::fixture::config())]
                #[test]
                fn $name(
                    steps in super::fixture::steps::<$layer<$strategy>>(),
                    capacity in 0..40_usize,
                ) {
                    super::fixture::run::<$layer<$strategy>>(steps, capacity);
                }
            }
        )*
    };
}
pub(crate) use every_strategy;
