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
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no operation on a value of type `{T}`",
    label = "needs an operation",
    note = "implement `Operation<{T}, {X}>` for it, or log closures: `OpWriter<_, Box<dyn \
            FnMut(&mut {T}, &{X})>>`"
)]
pub trait Operation<T, X = ()>: Sized {
    /// Makes the change. Called for the first copy.
    fn apply(&mut self, target: &mut T, extras: &X);

    /// Makes the change for the last time: it may give away what it holds.
    fn apply_once(mut self, target: &mut T, extras: &X) {
        self.apply(target, extras);
    }

    /// Gives the change up, where it will not be made again: after a rollback, at the
    /// start of the next batch, and when a later change
    /// [replaces](crate::Batch::replace_all) it. Drops it, unless what it holds is better
    /// dropped elsewhere and `target` can keep it until then.
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

    /// Becomes a part of the entry that was logged just before it, which then has to do
    /// the work of both; or returns itself, to be an entry of its own.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_core::{OpWriter, Operation};
    /// use dbuf_strategies::LockStrategy;
    ///
    /// struct Add(u32);
    ///
    /// impl Operation<u32> for Add {
    ///     fn apply(&mut self, sum: &mut u32, _: &()) {
    ///         *sum += self.0;
    ///     }
    ///     fn join(self, before: &mut Self) -> Option<Self> {
    ///         before.0 += self.0;
    ///         None
    ///     }
    /// }
    ///
    /// let (writer, _reader) = dbuf_core::arc(0, 0, LockStrategy::new());
    /// let mut writer = OpWriter::new(writer);
    /// let mut batch = writer.write();
    /// batch.apply(Add(1));
    /// batch.apply(Add(2));
    /// batch.publish();
    /// assert!(format!("{writer:?}").contains("log: 1"));
    /// assert_eq!(*writer.write(), 3);
    /// ```
    #[inline]
    fn join(self, _before: &mut Self) -> Option<Self> {
        Some(self)
    }

    /// Logs what was [lent](crate::Batch::lend) and may have changed, and makes `back`
    /// forget that it was. Called in the call that ends a batch, unless nothing was lent or
    /// the batch is rolled back.
    ///
    /// If it panics, the batch is rolled back, so `back` must still know what was lent and
    /// is not logged.
    ///
    /// The example of [`Batch::lend`](crate::Batch::lend) has one.
    fn seal(_back: &mut T, _extras: &X, _log: impl FnMut(Self)) {}

    /// Undoes changes that were given up: makes `back` what `front` and the changes in
    /// `kept` are. Returns whether it did. If not, as by default, or if it panics,
    /// the whole is cloned from `front`.
    ///
    /// `back` is `front` with the changes of `kept`, then those of `undone`, then changes
    /// to what is lent and not [sealed](Self::seal); one that panicked may have left
    /// what was lent in any state. So it is enough to copy what `undone` and the lent
    /// parts name, and to make those changes of `kept` again that concern the same.
    /// Called at the start of the next batch, never while a batch ends.
    ///
    /// The example of [`Batch::lend`](crate::Batch::lend) has one.
    fn restore(
        _back: &mut T,
        _front: &T,
        _extras: &X,
        _undone: &[Self],
        _kept: &mut [Self],
    ) -> bool {
        false
    }

    /// Drops a copy that readers had kept, and that was [set
    /// aside](crate::OpWriter::set_aside). `back` may take it to be dropped later.
    fn retire(_back: &mut T, copy: T) {
        drop(copy);
    }

    /// How many entries a value has, for [`OnStraggler::Spare`](crate::OnStraggler::Spare).
    fn entries(_front: &T) -> usize {
        1
    }
}

#[diagnostic::do_not_recommend]
impl<T, X, F: FnMut(&mut T, &X)> Operation<T, X> for F {
    fn apply(&mut self, target: &mut T, extras: &X) {
        self(target, extras);
    }
}
