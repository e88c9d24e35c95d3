//! What the layers share.

/// The methods that handles and batches of every layer share. `$view` lends the layer.
macro_rules! handles {
    ($view:ident) => {
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

        fn assert_batch(batch: &Self::Batch<'_>, pending: &Plain, published: &Plain) {
            assert_same(batch.$view(), pending);
            assert_same(batch.published(), published);
        }

        fn assert_guard(guard: &Self::Guard<'_>, plain: &Plain) {
            assert_same(guard.$view(), plain);
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
            #![proptest_config(super::steps::config())]
            #[test]
            fn local(
                steps in super::steps::steps::<$layer<dbuf_hashmap::LocalStrategy>>(),
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
                #![proptest_config(super::steps::config())]
                #[test]
                fn $name(
                    steps in super::steps::steps::<$layer<$strategy>>(),
                    capacity in 0..40_usize,
                ) {
                    super::fixture::run::<$layer<$strategy>>(steps, capacity);
                }
            }
        )*
    };
}
pub(crate) use every_strategy;
