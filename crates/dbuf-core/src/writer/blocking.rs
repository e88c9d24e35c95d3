//! Methods that wait for readers.

use core::time::Duration;

use super::Writer;
use crate::pointer::BufferPtr;
use crate::strategy::BlockingStrategy;
use crate::wait;

impl<P: BufferPtr<Strategy: BlockingStrategy>> Writer<P> {
    /// Waits until the last swap is finished: until every guard on the old side is dropped.
    ///
    /// Checks a few times, then allocates a waker and sleeps until the last of them wakes it
    /// (without `std` it spins).
    ///
    /// # Panics
    ///
    /// If this thread holds a guard of a [`SharedReader`](crate::SharedReader) on the old side: it
    /// would wait for itself. Nothing has changed then. Drop the guard first, or use
    /// [`try_finish`](Self::try_finish) or [`try_back_mut`](Self::try_back_mut). Guards of a
    /// [`Reader`](crate::Reader) are not noticed: if its own thread holds one, the writer waits
    /// forever.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_strategies::LockStrategy;
    ///
    /// let (mut writer, reader) = dbuf_core::arc(1, 2, LockStrategy::new());
    /// std::thread::scope(|scope| {
    ///     scope.spawn(move || assert!(matches!(*reader.read(), 1 | 2)));
    ///     writer.start_swap();
    ///     writer.finish();
    ///     assert_eq!(writer.stragglers(), 0);
    /// });
    /// ```
    #[inline]
    pub fn finish(&mut self) {
        if self.is_swapping() {
            self.wait(None);
        }
    }

    #[inline(never)]
    fn wait(&mut self, timeout: Option<Duration>) -> bool {
        wait::block(timeout, |cx| match cx {
            None => self.try_finish(),
            Some(cx) => {
                // About to sleep without a time limit.
                #[cfg(feature = "std")]
                if timeout.is_none() && self.waits_for_itself() {
                    own_guard();
                }
                self.poll_finish(cx).is_ready()
            }
        })
    }

    /// Returns whether this thread has a guard on the back, as far as that is known.
    #[cfg(feature = "std")]
    pub(crate) fn waits_for_itself(&self) -> bool {
        crate::shared::is_on_back(self.buffer())
    }

    /// Does what [`finish`](Self::finish) does, for at most `timeout`. Returns whether the swap is
    /// finished; if not, nothing changed.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use dbuf_strategies::LockStrategy;
    ///
    /// let (mut writer, reader) = dbuf_core::arc(1, 2, LockStrategy::new());
    /// let guard = reader.read();
    /// writer.start_swap();
    /// assert!(!writer.finish_timeout(Duration::from_millis(1)));
    /// drop(guard);
    /// assert!(writer.finish_timeout(Duration::from_millis(1)));
    /// ```
    #[cfg(feature = "std")]
    pub fn finish_timeout(&mut self, timeout: Duration) -> bool {
        !self.is_swapping() || self.wait(Some(timeout))
    }

    /// Returns the back, for writing. [Finishes](Self::finish) first.
    ///
    /// It holds what was the front before the last publish, or what was written to it since;
    /// nothing is copied.
    ///
    /// # Panics
    ///
    /// See [`finish`](Self::finish). The back is unchanged then.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_strategies::LockStrategy;
    ///
    /// let (mut writer, reader) = dbuf_core::arc(1, 2, LockStrategy::new());
    /// *writer.back_mut() += 1;
    /// assert_eq!(*reader.read(), 1);
    /// writer.swap();
    /// assert_eq!(*reader.read(), 3);
    /// ```
    pub fn back_mut(&mut self) -> &mut P::Value {
        self.split_mut().1
    }

    /// Returns what readers see, and the back. [Finishes](Self::finish) first.
    ///
    /// # Panics
    ///
    /// See [`finish`](Self::finish).
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_strategies::LockStrategy;
    ///
    /// let (mut writer, reader) = dbuf_core::arc([1, 2], [0, 0], LockStrategy::new());
    /// let (front, back) = writer.split_mut();
    /// back[0] = front[1];
    /// back[1] = front[0];
    /// writer.swap();
    /// assert_eq!(*reader.read(), [2, 1]);
    /// ```
    pub fn split_mut(&mut self) -> (&P::Value, &mut P::Value) {
        self.finish();
        match self.try_parts() {
            Some(parts) => (parts.front, parts.back),
            None => unreachable!("finished is latched (S5)"),
        }
    }

    /// Publishes the back and waits for readers of the old front: [`finish`](Self::finish),
    /// [`start_swap`](Self::start_swap), `finish`.
    ///
    /// # Panics
    ///
    /// See [`finish`](Self::finish). The back may be published then.
    pub fn swap(&mut self) {
        self.finish();
        self.start_swap();
        self.finish();
    }

    /// Replaces the value: [finishes](Self::finish) the last swap, overwrites the back, starts a
    /// swap. Needs no log and no clone.
    ///
    /// # Panics
    ///
    /// See [`finish`](Self::finish). `value` is dropped then, and nothing has changed.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_strategies::LockStrategy;
    ///
    /// let (mut writer, reader) = dbuf_core::arc(1, 2, LockStrategy::new());
    /// writer.store(3);
    /// assert_eq!(*reader.read(), 3);
    /// ```
    pub fn store(&mut self, value: P::Value) {
        *self.back_mut() = value;
        self.start_swap();
    }

    /// Drops what the last publish replaced, and puts a clone of the new value there:
    /// [finishes](Self::finish), then `back.clone_from(front)`.
    ///
    /// Without it a replaced value stays in the back until the next [`store`](Self::store)
    /// overwrites it, with its files, channels and memory.
    ///
    /// # Panics
    ///
    /// See [`finish`](Self::finish); or if `Clone` panics.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use dbuf_strategies::LockStrategy;
    ///
    /// let old = Arc::new("old");
    /// let (mut writer, _reader) = dbuf_core::arc(old.clone(), old.clone(), LockStrategy::new());
    /// writer.store(Arc::new("new"));
    /// assert_eq!(Arc::strong_count(&old), 2); // here, and in the back
    /// writer.catch_up();
    /// assert_eq!(Arc::strong_count(&old), 1);
    /// ```
    pub fn catch_up(&mut self)
    where
        P::Value: Clone,
    {
        let (front, back) = self.split_mut();
        back.clone_from(front);
    }
}

#[cfg(feature = "std")]
#[cold]
#[inline(never)]
pub(crate) fn own_guard() -> ! {
    panic!(
        "a thread writes to a buffer while it holds a guard of that buffer (from a \
         `SharedReader`), and would wait for its own guard forever: drop or refresh the guard \
         first, or write with a method that does not wait, such as `try_back_mut` or \
         `try_write`"
    )
}
