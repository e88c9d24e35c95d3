/// A change that can be made twice, once to each copy.
///
/// `apply` must do the same to both copies; whatever it decides by chance, by
/// clock or by a closure belongs into the operation (see [`Batch::record`](crate::Batch::record)).
/// A difference is never undefined behaviour, but it stays until the next
/// resync.
///
/// Every `FnMut(&mut T, &X)` is an operation; `Box<dyn FnMut(&mut T, &X)>` makes
/// a log of closures.
///
/// # Examples
///
/// ```
/// use dbuf_core::{OpWriter, Operation};
/// use dbuf_strategies::LockStrategy;
///
/// struct Push(String);
///
/// impl Operation<Vec<String>> for Push {
///     fn apply(&mut self, target: &mut Vec<String>, _: &()) {
///         target.push(self.0.clone());
///     }
///     // The second copy may take the string instead of cloning it.
///     fn apply_once(self, target: &mut Vec<String>, _: &()) {
///         target.push(self.0);
///     }
/// }
///
/// let (writer, reader) = dbuf_core::arc(vec![], vec![], LockStrategy::new());
/// let mut writer = OpWriter::new(writer);
/// writer.write().apply(Push("a".into()));
/// writer.write().apply(Push("b".into()));
/// assert_eq!(*reader.read(), ["a", "b"]);
/// ```
pub trait Operation<T, X = ()>: Sized {
    /// Makes the change. Called for the first copy.
    fn apply(&mut self, target: &mut T, extras: &X);

    /// Makes the change for the last time: it may give away what it holds.
    fn apply_once(mut self, target: &mut T, extras: &X) {
        self.apply(target, extras);
    }

    /// Gives the change up, after a rollback: at the start of the next batch, before
    /// `target` is overwritten. Drops it, unless what it holds is better dropped
    /// elsewhere and `target` can keep it until then.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
    ///
    /// use dbuf_core::{DoubleBuffer, OpWriter, Operation, Writer};
    /// use dbuf_strategies::LockStrategy;
    ///
    /// struct Spend(u32);
    ///
    /// impl Operation<u32, AtomicU32> for Spend {
    ///     fn apply(&mut self, budget: &mut u32, _: &AtomicU32) {
    ///         *budget -= self.0;
    ///     }
    ///     fn discard(self, _: &mut u32, refunds: &AtomicU32) {
    ///         refunds.fetch_add(self.0, Relaxed);
    ///     }
    /// }
    ///
    /// let buffer = DoubleBuffer::with_extras(9, 9, LockStrategy::new(), AtomicU32::new(0));
    /// let mut writer = OpWriter::new(Writer::claim(&buffer).unwrap());
    /// let mut batch = writer.write();
    /// batch.apply(Spend(5));
    /// batch.rollback();
    /// writer.catch_up();
    /// assert_eq!((*writer.front(), writer.extras().load(Relaxed)), (9, 5));
    /// ```
    fn discard(self, _target: &mut T, _extras: &X) {}
}

impl<T, X, F: FnMut(&mut T, &X)> Operation<T, X> for F {
    fn apply(&mut self, target: &mut T, extras: &X) {
        self(target, extras);
    }
}
