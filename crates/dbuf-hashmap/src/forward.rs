//! The methods that sets and multi-maps share with maps.

/// The methods of a map's [`Batch`](crate::Batch) that its batch in the field `map` provides.
macro_rules! forward_batch {
    () => {
        /// See [`Batch::clear`](crate::Batch::clear).
        pub fn clear(&mut self) {
            self.map.clear();
        }

        /// See [`Batch::reserve`](crate::Batch::reserve).
        pub fn reserve(&mut self, additional: usize) {
            self.map.reserve(additional);
        }

        /// See [`Batch::shrink_to_fit`](crate::Batch::shrink_to_fit).
        pub fn shrink_to_fit(&mut self) {
            self.map.shrink_to_fit();
        }

        /// See [`Batch::publish`](crate::Batch::publish).
        pub fn publish(self) {
            self.map.publish();
        }

        /// See [`Batch::rollback`](crate::Batch::rollback).
        pub fn rollback(self) {
            self.map.rollback();
        }

        /// See [`Batch::rollback_on_drop`](crate::Batch::rollback_on_drop).
        pub fn rollback_on_drop(&mut self) {
            self.map.rollback_on_drop();
        }

        /// See [`Batch::defer_on_drop`](crate::Batch::defer_on_drop).
        pub fn defer_on_drop(&mut self) {
            self.map.defer_on_drop();
        }

        /// See [`Batch::defer`](crate::Batch::defer).
        pub fn defer(self) {
            self.map.defer();
        }
    };
}

/// The methods of a map's [`Writer`](crate::Writer) that its log in the field `inner` provides.
macro_rules! forward_writer {
    () => {
        /// See [`Writer::publish`](crate::Writer::publish).
        pub fn publish(&mut self) -> dbuf_core::Published {
            self.inner.publish()
        }

        /// See [`Writer::has_pending`](crate::Writer::has_pending).
        pub fn has_pending(&self) -> bool {
            self.inner.has_pending()
        }

        /// See [`Writer::stragglers`](crate::Writer::stragglers).
        pub fn stragglers(&self) -> usize {
            self.inner.stragglers()
        }
    };
}

/// The same for a blocking strategy; `$batch` is the type of a batch.
macro_rules! forward_blocking_writer {
    ($batch:ty) => {
        /// See [`Writer::catch_up`](crate::Writer::catch_up).
        pub fn catch_up(&mut self) {
            self.inner.catch_up();
        }

        /// See [`Writer::try_catch_up`](crate::Writer::try_catch_up).
        ///
        /// # Errors
        ///
        /// Returns the payload of the panic in user code.
        pub fn try_catch_up(&mut self) -> std::thread::Result<bool> {
            self.inner.try_catch_up()
        }

        /// See [`Writer::transact`](crate::Writer::transact).
        ///
        /// # Errors
        ///
        /// Returns the error of `f`.
        pub fn transact<R, E>(
            &mut self,
            f: impl FnOnce(&mut $batch) -> Result<R, E>,
        ) -> Result<R, E> {
            let mut batch = self.write();
            batch.rollback_on_drop();
            let result = f(&mut batch)?;
            batch.publish();
            Ok(result)
        }
    };
}

pub(crate) use {forward_batch, forward_blocking_writer, forward_writer};
