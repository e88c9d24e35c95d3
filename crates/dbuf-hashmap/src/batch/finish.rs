//! The calls that end a batch, and what its drop does.

use crate::batch::Batch;
use crate::owner::Owner;

impl<W: Owner> Batch<W> {
    /// Makes the changes visible. Never waits. Costs a swap (a store, and on some strategies a
    /// check of each reader); a batch without changes swaps nothing.
    ///
    /// # Panics
    ///
    /// If an earlier change panicked halfway and the panic was caught, or if `Clone` of a value
    /// that was changed in place panics. Nothing is published then, and the batch is rolled back.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// let mut batch = writer.write();
    /// batch.insert("a", 1);
    /// batch.publish();
    /// assert_eq!(reader.read()["a"], 1);
    /// ```
    pub fn publish(self) {
        self.end(|inner| drop(inner.publish()));
    }

    /// Undoes the changes of this batch, and those of earlier batches that were
    /// [deferred](Self::defer).
    ///
    /// The next batch begins with this: it clones the published value of each changed key. It
    /// clones the whole map if the batch changed a large part of it, called [`clear`](Self::clear),
    /// [`drain`](Self::drain) or [`retain_mut`](Self::retain_mut), or if user code panicked, except
    /// a closure that was changing one value.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// let mut batch = writer.write();
    /// batch.insert("a", 1);
    /// batch.rollback();
    /// assert!(writer.write().is_empty());
    /// assert!(reader.read().is_empty());
    /// ```
    pub fn rollback(self) {
        self.end(|inner| drop(inner.rollback()));
    }

    /// Makes a drop roll the batch back, unless [`publish`](Self::publish) or
    /// [`defer`](Self::defer) ends it first. This is all or nothing where a closure for
    /// [`Writer::transact`](crate::Writer::transact) does not fit, and in a spawned task whose key
    /// or value type has a lifetime.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::num::ParseIntError;
    ///
    /// use dbuf_hashmap::Writer;
    ///
    /// fn load(writer: &mut Writer<String, u32>, lines: &str) -> Result<(), ParseIntError> {
    ///     let mut batch = writer.write();
    ///     batch.rollback_on_drop();
    ///     for line in lines.lines() {
    ///         batch.insert(line.to_owned(), line.parse()?); // an error undoes all of it
    ///     }
    ///     batch.publish();
    ///     Ok(())
    /// }
    ///
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// load(&mut writer, "1\n2\nx").unwrap_err();
    /// assert!(reader.read().is_empty());
    /// load(&mut writer, "1\n2").unwrap();
    /// assert_eq!(reader.read().len(), 2);
    /// ```
    pub fn rollback_on_drop(&mut self) {
        self.inner.rollback_on_drop();
    }

    /// Ends the batch without publishing. The next publish makes the changes visible; they are lost
    /// if the writer is dropped before that.
    ///
    /// # Panics
    ///
    /// If `Clone` of a value that was changed in place panics. The batch is rolled back then.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// let mut batch = writer.write();
    /// batch.insert("a", 1);
    /// batch.defer();
    /// assert!(reader.read().is_empty());
    /// writer.publish();
    /// assert_eq!(reader.read()["a"], 1);
    /// ```
    pub fn defer(self) {
        self.end(|inner| {
            drop(if W::KEEPS {
                inner.keep()
            } else {
                inner.defer()
            });
        });
    }

    /// Makes a drop [defer](Self::defer) the batch: an early return neither publishes nor undoes
    /// changes.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// let mut batch = writer.write();
    /// batch.defer_on_drop();
    /// batch.insert("a", 1);
    /// drop(batch);
    /// assert!(reader.read().is_empty());
    /// writer.publish();
    /// assert_eq!(reader.read()["a"], 1);
    /// ```
    pub fn defer_on_drop(&mut self) {
        if W::KEEPS {
            self.inner.keep_on_drop();
        } else {
            self.inner.defer_on_drop();
        }
    }
}
