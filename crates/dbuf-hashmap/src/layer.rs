//! What the writers and batches of the thin layers hand on to the map's.

/// The writer of a layer: the same log with another batch.
///
/// `example`: the module, and what its batches insert, for the documentation.
macro_rules! layer_writer {
    (
        $(#[$doc:meta])*
        Writer<$($param:ident: [$($bound:path),*]),*> of $key:ty, $value:ty, $change:ty;
        published $Published:ident;
        example $module:literal, $one:literal
    ) => {
        $(#[$doc])*
        pub struct Writer<$($param,)* H = RandomState, S: Strategy = DefaultStrategy> {
            inner: Log<$key, $value, H, S, $change>,
        }

        /// The batch of a [`Writer`].
        pub type WriterBatch<'w, $($param,)* H = RandomState, S = DefaultStrategy> =
            Batch<WriterMut<'w, $key, $value, H, S, $change>>;

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
            ///
            /// # Panics
            ///
            /// As [`write`](Self::write).
            ///
            /// # Examples
            ///
            /// ```
            #[doc = concat!("let (mut writer, reader) = dbuf_hashmap::", $module, "::new();")]
            /// let guard = reader.read();
            #[doc = concat!("writer.write().insert(", $one, ");")]
            /// assert!(writer.try_write().is_none()); // `guard` looks at the copy that comes next
            /// drop(guard);
            /// assert!(writer.try_write().is_some());
            /// ```
            pub fn try_write(&mut self) -> Option<WriterBatch<'_, $($param,)* H, S>> {
                WriterMut::try_begin(&mut self.inner).map(Batch::new)
            }

            /// Publishes what was [deferred](Batch::defer). Never waits.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = concat!("let (mut writer, reader) = dbuf_hashmap::", $module, "::new();")]
            /// let mut batch = writer.write();
            #[doc = concat!("batch.insert(", $one, ");")]
            /// batch.defer();
            /// assert!(reader.read().is_empty());
            /// assert!(writer.publish().is_published());
            /// assert!(!reader.read().is_empty());
            /// ```
            pub fn publish(&mut self) -> Published {
                self.inner.publish()
            }

            /// Whether there are deferred changes that readers cannot see yet.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = concat!("let (mut writer, _reader) = dbuf_hashmap::", $module, "::new();")]
            /// let mut batch = writer.write();
            #[doc = concat!("batch.insert(", $one, ");")]
            /// batch.defer();
            /// assert!(writer.has_pending());
            /// ```
            pub fn has_pending(&self) -> bool {
                self.inner.has_pending()
            }

            /// What readers see, without a guard.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = concat!("let (mut writer, _reader) = dbuf_hashmap::", $module, "::new();")]
            #[doc = concat!("writer.write().insert(", $one, ");")]
            /// assert_eq!(writer.published().len(), 1);
            /// ```
            pub fn published(&self) -> $Published<'_, $($param,)* H> {
                $Published::new(self.inner.front(), self.inner.extras())
            }

            /// The number of the last publish. A plain load.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = concat!("let (mut writer, reader) = dbuf_hashmap::", $module, "::new();")]
            #[doc = concat!("writer.write().insert(", $one, ");")]
            /// assert_eq!((writer.version(), reader.read().version()), (1, 1));
            /// ```
            pub fn version(&self) -> Version {
                self.inner.as_writer().version()
            }

            /// A new reader.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = concat!("let (mut writer, _reader) = dbuf_hashmap::", $module, "::new();")]
            #[doc = concat!("writer.write().insert(", $one, ");")]
            /// assert_eq!(writer.reader().read().len(), 1);
            /// ```
            pub fn reader(&self) -> Reader<$($param,)* H, S> {
                Reader::new(self.inner.reader())
            }

            /// How many the last publish still waits for; as the map's
            /// [`Writer::stragglers`](crate::Writer::stragglers).
            ///
            /// # Examples
            ///
            /// ```
            #[doc = concat!("let (mut writer, reader) = dbuf_hashmap::", $module, "::new();")]
            /// let guard = reader.read();
            #[doc = concat!("writer.write().insert(", $one, ");")]
            /// assert_eq!(writer.stragglers(), 1);
            /// drop(guard);
            /// assert!(writer.try_write().is_some());
            /// ```
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
            ///
            /// # Examples
            ///
            /// ```
            #[doc = concat!("let (mut writer, reader) = dbuf_hashmap::", $module, "::new();")]
            /// let mut batch = writer.write();
            #[doc = concat!("batch.insert(", $one, ");")]
            /// assert!(reader.read().is_empty());
            /// batch.publish();
            /// assert_eq!(reader.read().len(), 1);
            /// ```
            pub fn write(&mut self) -> WriterBatch<'_, $($param,)* H, S> {
                Batch::new(WriterMut::begin(&mut self.inner))
            }

            /// Does now what the next batch would begin with; as the map's
            /// [`Writer::catch_up`](crate::Writer::catch_up).
            ///
            /// # Panics
            ///
            /// As [`write`](Self::write).
            ///
            /// # Examples
            ///
            /// ```
            #[doc = concat!("let (mut writer, _reader) = dbuf_hashmap::", $module, "::new();")]
            #[doc = concat!("writer.write().insert(", $one, ");")]
            /// writer.catch_up();
            /// assert_eq!(writer.stragglers(), 0);
            /// ```
            pub fn catch_up(&mut self) {
                self.inner.catch_up();
            }

            /// Catches up now if no reader is in the way, and returns a panic of user code
            /// instead of passing it on; as the map's
            /// [`Writer::try_catch_up`](crate::Writer::try_catch_up).
            ///
            /// # Errors
            ///
            /// What user code panicked with.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = concat!("let (mut writer, _reader) = dbuf_hashmap::", $module, "::new();")]
            #[doc = concat!("writer.write().insert(", $one, ");")]
            /// assert!(writer.try_catch_up().unwrap());
            /// ```
            pub fn try_catch_up(&mut self) -> std::thread::Result<bool> {
                self.inner.try_catch_up()
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
            ///
            /// # Examples
            ///
            /// ```
            #[doc = concat!("let (mut writer, reader) = dbuf_hashmap::", $module, "::new();")]
            /// let refused = writer.transact(|batch| {
            #[doc = concat!("    batch.insert(", $one, ");")]
            ///     Err::<(), _>("not today")
            /// });
            /// assert_eq!(refused, Err("not today"));
            /// assert!(reader.read().is_empty());
            /// ```
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

/// What every batch does alike. Its module, and what it inserts, are for the
/// documentation.
macro_rules! layer_batch_ends {
    ($module:literal, $one:literal) => {
        /// Removes everything. Both copies keep their memory.
        ///
        /// # Examples
        ///
        /// ```
        #[doc = concat!("let (mut writer, _reader) = dbuf_hashmap::", $module, "::new();")]
        /// let mut batch = writer.write();
        #[doc = concat!("batch.insert(", $one, ");")]
        /// batch.clear();
        /// assert!(batch.is_empty());
        /// ```
        pub fn clear(&mut self) {
            self.map.clear();
        }

        /// Makes room for so many more keys, in both copies.
        ///
        /// # Panics
        ///
        /// If the capacity overflows.
        ///
        /// # Examples
        ///
        /// ```
        #[doc = concat!("let (mut writer, _reader) = dbuf_hashmap::", $module, "::new();")]
        #[doc = concat!("writer.write().insert(", $one, ");")]
        /// writer.write().reserve(1000);
        /// assert!(writer.published().capacity() >= 1000);
        /// ```
        pub fn reserve(&mut self, additional: usize) {
            self.map.reserve(additional);
        }

        /// Gives back memory that the keys do not need, in both copies.
        ///
        /// # Examples
        ///
        /// ```
        #[doc = concat!("let (mut writer, _reader) = dbuf_hashmap::", $module, "::new();")]
        /// let mut batch = writer.write();
        /// batch.reserve(1000);
        #[doc = concat!("batch.insert(", $one, ");")]
        /// batch.shrink_to_fit();
        /// batch.publish();
        /// assert!(writer.published().capacity() < 1000);
        /// ```
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
        ///
        /// # Examples
        ///
        /// ```
        #[doc = concat!("let (mut writer, reader) = dbuf_hashmap::", $module, "::new();")]
        /// let mut batch = writer.write();
        #[doc = concat!("batch.insert(", $one, ");")]
        /// batch.publish();
        /// assert_eq!(reader.read().len(), 1);
        /// ```
        pub fn publish(self) {
            self.map.publish();
        }

        /// Takes the changes back, and those of earlier batches that were
        /// [deferred](Self::defer). What it costs: see the map's
        /// [`Batch::rollback`](crate::Batch::rollback).
        ///
        /// # Examples
        ///
        /// ```
        #[doc = concat!("let (mut writer, reader) = dbuf_hashmap::", $module, "::new();")]
        /// let mut batch = writer.write();
        #[doc = concat!("batch.insert(", $one, ");")]
        /// batch.rollback();
        /// assert!(writer.write().is_empty());
        /// assert!(reader.read().is_empty());
        /// ```
        pub fn rollback(self) {
            self.map.rollback();
        }

        /// Makes the batch one that is rolled back when it is dropped, unless it is ended by
        /// [`publish`](Self::publish) or [`defer`](Self::defer).
        ///
        /// # Examples
        ///
        /// ```
        #[doc = concat!("let (mut writer, reader) = dbuf_hashmap::", $module, "::new();")]
        /// let mut batch = writer.write();
        /// batch.rollback_on_drop();
        #[doc = concat!("batch.insert(", $one, ");")]
        /// drop(batch);
        /// assert!(reader.read().is_empty());
        /// ```
        pub fn rollback_on_drop(&mut self) {
            self.map.rollback_on_drop();
        }

        /// Ends the batch without publishing. The changes become visible with the
        /// next publish, and are lost if the writer is dropped before that.
        ///
        /// # Examples
        ///
        /// ```
        #[doc = concat!("let (mut writer, reader) = dbuf_hashmap::", $module, "::new();")]
        /// let mut batch = writer.write();
        #[doc = concat!("batch.insert(", $one, ");")]
        /// batch.defer();
        /// assert!(reader.read().is_empty());
        /// writer.publish();
        /// assert_eq!(reader.read().len(), 1);
        /// ```
        pub fn defer(self) {
            self.map.defer();
        }
    };
}
pub(crate) use layer_batch_ends;
