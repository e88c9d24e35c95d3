//! What the writers and batches of the thin layers hand on to the map's.

/// The writer of a layer: the same log with another batch.
macro_rules! layer_writer {
    (
        $(#[$doc:meta])*
        Writer<$($param:ident: [$($bound:path),*]),*> of $key:ty, $value:ty, $change:ty;
        published $Published:ident
    ) => {
        $(#[$doc])*
        pub struct Writer<$($param,)* H = RandomState, S: Strategy = DefaultStrategy> {
            inner: Log<$key, $value, H, S, $change>,
        }

        /// The batch of a [`Writer`].
        pub type WriterBatch<'w, $($param,)* H = RandomState, S = DefaultStrategy> =
            Batch<&'w mut Writer<$($param,)* H, S>, $($param,)* H, S>;

        impl<$($param,)* H, S: Strategy> sealed::Sealed for &mut Writer<$($param,)* H, S> {}

        impl<'w, $($param,)* H, S> Owner<$key, $value, H, S> for &'w mut Writer<$($param,)* H, S>
        where
            $($param: $($bound +)*,)*
            H: BuildHasher,
            S: Strategy,
        {
            type Change = $change;
            type Lead = &'w mut Log<$key, $value, H, S, $change>;
        }

        impl<$($param,)* H, S> Writer<$($param,)* H, S>
        where
            $($param: $($bound +)*,)*
            H: BuildHasher,
            S: Strategy,
        {
            pub(crate) fn new(writer: dbuf_core::Writer<Ptr<$key, $value, H, S>>) -> Self {
                Self {
                    inner: Log::new(writer),
                }
            }

            /// Begins a batch if that needs no waiting; as the map's
            /// [`Writer::try_write`](crate::Writer::try_write).
            pub fn try_write(&mut self) -> Option<WriterBatch<'_, $($param,)* H, S>> {
                self.inner.try_write().map(Batch::new)
            }

            /// Publishes what was [deferred](Batch::defer). Never waits. Whether
            /// there was anything.
            pub fn publish(&mut self) -> bool {
                self.inner.publish()
            }

            /// Whether there are deferred changes that readers cannot see yet.
            pub fn has_pending(&self) -> bool {
                self.inner.has_pending()
            }

            /// What readers see, without a guard.
            pub fn published(&self) -> $Published<'_, $($param,)* H> {
                $Published::new(self.inner.front(), self.inner.extras())
            }

            /// The number of the last publish.
            pub fn version(&self) -> Version {
                self.inner.as_writer().version()
            }

            /// A new reader.
            pub fn reader(&self) -> Reader<$($param,)* H, S> {
                Reader::new(self.inner.reader())
            }

            /// How many the last publish still waits for; for diagnosis.
            pub fn stragglers(&self) -> usize {
                self.inner.stragglers()
            }
        }

        impl<$($param,)* H, S> Writer<$($param,)* H, S>
        where
            $($param: $($bound +)*,)*
            H: BuildHasher,
            S: BlockingStrategy,
        {
            /// Begins a batch, or goes on with a deferred one. Waits as the map's
            /// [`Writer::write`](crate::Writer::write) does.
            ///
            /// # Panics
            ///
            /// If `Hash`, `Eq`, `Clone` or `Drop` of what is stored panics while
            /// the other copy catches up. Nothing published is lost.
            pub fn write(&mut self) -> WriterBatch<'_, $($param,)* H, S> {
                Batch::new(self.inner.write())
            }

            /// Does now what the next batch would begin with.
            ///
            /// # Panics
            ///
            /// As [`write`](Self::write).
            pub fn catch_up(&mut self) {
                self.inner.catch_up();
            }

            /// All or nothing: publishes if `f` returns `Ok`, takes every change
            /// back if it returns `Err` or panics.
            ///
            /// # Errors
            ///
            /// What `f` returned.
            ///
            /// # Panics
            ///
            /// As [`write`](Self::write), and with `f`.
            pub fn transact<R, E>(
                &mut self,
                f: impl FnOnce(&mut WriterBatch<'_, $($param,)* H, S>) -> Result<R, E>,
            ) -> Result<R, E> {
                let mut batch = self.write();
                batch.map.inner.rollback_on_drop();
                let result = f(&mut batch)?;
                batch.publish();
                Ok(result)
            }
        }

        impl<$($param,)* H, S: Strategy> fmt::Debug for Writer<$($param,)* H, S> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple("Writer").field(&self.inner).finish()
            }
        }
    };
}
pub(crate) use layer_writer;

/// What every batch does alike.
macro_rules! layer_batch_ends {
    () => {
        /// Removes everything. Both copies keep their memory.
        pub fn clear(&mut self) {
            self.map.clear();
        }

        /// Makes room for so many more keys, in both copies.
        ///
        /// # Panics
        ///
        /// If the capacity overflows.
        pub fn reserve(&mut self, additional: usize) {
            self.map.reserve(additional);
        }

        /// Gives back memory that the keys do not need, in both copies.
        pub fn shrink_to_fit(&mut self) {
            self.map.shrink_to_fit();
        }

        /// Makes the changes visible. Never waits. A batch without changes swaps
        /// nothing.
        ///
        /// # Panics
        ///
        /// If an earlier change panicked halfway and the panic was caught: nothing
        /// is published and the batch is rolled back.
        pub fn publish(self) {
            self.map.publish();
        }

        /// Takes the changes back, and those of earlier batches that were
        /// [deferred](Self::defer).
        pub fn rollback(self) {
            self.map.rollback();
        }

        /// Ends the batch without publishing. The changes become visible with the
        /// next publish.
        pub fn defer(self) {
            self.map.defer();
        }
    };
}
pub(crate) use layer_batch_ends;
