/// A change that can be made twice, once to each copy.
///
/// `apply` must do the same to both copies. What it decides by chance, by clock or by a closure
/// belongs in the operation (see [`Batch::record`](crate::Batch::record)). A difference is never
/// undefined behaviour, but it stays until the next resync.
///
/// Every `FnMut(&mut T, &X)` is an operation. Each closure has a type of its own, so a log of several
/// takes `Box<dyn FnMut(&mut T, &X)>`, as the example of [`OpWriter`](crate::OpWriter) does. A
/// closure that is not boxed must name the types of its parameters.
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
    /// Makes the change on the first copy.
    fn apply(&mut self, target: &mut T, extras: &X);

    /// Makes the change for the last time, on the other copy. It may move out of the operation.
    fn apply_once(mut self, target: &mut T, extras: &X) {
        self.apply(target, extras);
    }

    /// Discards the change, which will not be made again: at the start of the batch after a
    /// rollback, and when a later change [replaces](crate::Batch::replace_all) it. Drops it by
    /// default. `target` may keep what it holds, to drop that elsewhere.
    fn discard(self, _target: &mut T, _extras: &X) {}

    /// Merges the operation into the entry that was logged just before it, which then has to do
    /// the work of both. Returns the operation if it has to be an entry by itself.
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

    /// Logs what was [lent](crate::Batch::lend) and may have changed, and clears the marks in
    /// `back`. Called in the call that ends a batch, unless nothing was lent or the batch is
    /// rolled back.
    ///
    /// If it panics, the batch is rolled back, so `back` must still have the marks of what is not
    /// logged.
    ///
    /// The example of [`Batch::lend`](crate::Batch::lend) has one.
    fn seal(_back: &mut T, _extras: &X, _log: impl FnMut(Self)) {}

    /// Undoes changes that were given up: makes `back` equal to `front` with the changes in
    /// `kept`. Returns whether it did. If not, as by default, or if it panics, the whole value is
    /// cloned from `front`.
    ///
    /// `back` is `front` with the changes of `kept`, then those of `undone`, then changes to lent
    /// parts that are not [sealed](Self::seal). A change that panicked may have left a lent part
    /// in any state. So it is enough to copy what `undone` and the lent parts name, and to make
    /// again the changes of `kept` to the same parts. Called at the start of the next batch, never
    /// while a batch ends.
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

    /// Drops a copy that was [set aside](crate::OpWriter::set_aside), after its last guard was
    /// released. `back` may keep it, to drop it later.
    fn retire(_back: &mut T, copy: T) {
        drop(copy);
    }

    /// Returns the number of entries of a value, for
    /// [`OnStraggler::Spare`](crate::OnStraggler::Spare).
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
