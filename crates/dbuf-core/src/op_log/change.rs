//! The changes of a batch.

use core::ops::DerefMut;
use core::ptr::NonNull;

use super::Copies;
use super::batch::Batch;
use super::owner::{BatchOwner, ExtrasOf, OpOf, ValueOf};
use super::state::State;

impl<W: DerefMut<Target: BatchOwner>> Batch<W> {
    /// Makes a change and logs it.
    ///
    /// # Panics
    ///
    /// If `op` panics; the batch is torn then. If the batch is torn.
    #[doc(alias = "append")]
    pub fn apply(&mut self, op: OpOf<W>) {
        self.changing().apply(op);
    }

    /// Returns what readers see, and a function that does [`apply`](Self::apply): to read the one
    /// while changing the other.
    ///
    /// # Panics
    ///
    /// The function panics where `apply` does.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_core::OpWriter;
    /// use dbuf_strategies::LockStrategy;
    ///
    /// type Op = Box<dyn FnMut(&mut Vec<u32>, &())>;
    ///
    /// let (writer, reader) = dbuf_core::arc(vec![1, 2, 3], vec![], LockStrategy::new());
    /// let mut writer = OpWriter::<_, Op>::new(writer);
    /// let mut batch = writer.write();
    /// let (published, mut apply) = batch.split();
    /// for &n in published.iter().filter(|n| *n % 2 == 1) {
    ///     apply(Box::new(move |list, ()| list.push(10 * n)));
    /// }
    /// drop(apply);
    /// batch.publish();
    /// assert_eq!(*reader.read(), [1, 2, 3, 10, 30]);
    /// ```
    pub fn split(&mut self) -> (&ValueOf<W>, impl FnMut(OpOf<W>)) {
        // Once, because the owner's `deref` is user code, which may publish.
        let writer = self.changing();
        let published = NonNull::from(writer.front());
        // SAFETY: the front is written only after a swap was started (C5, S2). The function
        // borrows the writer exclusively and starts none.
        let published = unsafe { published.as_ref() };
        (published, |op| writer.apply(op))
    }

    /// Makes a change and logs the operation that `f` returns.
    ///
    /// `f` runs once, on this copy. It returns a result for the caller, and the operation that
    /// does the same to the other copy; `None` promises that nothing was changed.
    ///
    /// # Panics
    ///
    /// See [`apply`](Self::apply).
    ///
    /// # Examples
    ///
    /// A decision that must not be made twice:
    ///
    /// ```
    /// use dbuf_core::{OpWriter, Operation};
    /// use dbuf_strategies::LockStrategy;
    ///
    /// struct Remove(Vec<usize>);
    /// impl Operation<Vec<u32>> for Remove {
    ///     fn apply(&mut self, list: &mut Vec<u32>, _: &()) {
    ///         for &at in self.0.iter().rev() {
    ///             list.remove(at);
    ///         }
    ///     }
    /// }
    ///
    /// let (writer, reader) = dbuf_core::arc(vec![1, 2, 3], vec![], LockStrategy::new());
    /// let mut writer = OpWriter::<_, Remove>::new(writer);
    /// let mut coin = [true, false, true].into_iter();
    /// let removed = writer.write().record(|list, extras| {
    ///     let drop = (0..list.len()).filter(|_| coin.next().unwrap()).collect();
    ///     let mut op = Remove(drop);
    ///     op.apply(list, extras);
    ///     (op.0.len(), Some(op))
    /// });
    /// assert_eq!(removed, 2);
    /// assert_eq!(*reader.read(), [2]);
    /// ```
    #[inline]
    pub fn record<R, I: Into<Option<OpOf<W>>>>(
        &mut self,
        f: impl FnOnce(&mut ValueOf<W>, &ExtrasOf<W>) -> (R, I),
    ) -> R {
        self.changing().change(|back, extras, log| {
            let (result, op) = f(back, extras);
            let logged = op.into().map(|op| log.push(op));
            (result, logged.map(|()| State::Unpublished))
        })
    }

    /// Makes a change that supersedes all earlier ones, and logs it instead of them.
    ///
    /// See [`record`](Self::record). The log drops the entries of this batch and of
    /// [deferred](Self::defer) ones (those of [kept](Self::keep) ones stay). Then nothing names
    /// what those changed, so [`Operation::restore`](crate::Operation::restore) must refuse an
    /// operation that was logged by this.
    ///
    /// # Panics
    ///
    /// See [`record`](Self::record); or if the destructor of a dropped entry panics.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_core::{OpWriter, Operation};
    /// use dbuf_strategies::LockStrategy;
    ///
    /// enum Op {
    ///     Push(u32),
    ///     Clear,
    /// }
    ///
    /// impl Operation<Vec<u32>> for Op {
    ///     fn apply(&mut self, list: &mut Vec<u32>, _: &()) {
    ///         match self {
    ///             Op::Push(n) => list.push(*n),
    ///             Op::Clear => list.clear(),
    ///         }
    ///     }
    /// }
    ///
    /// let (writer, reader) = dbuf_core::arc(vec![7], vec![], LockStrategy::new());
    /// let mut writer = OpWriter::new(writer);
    /// let mut batch = writer.write();
    /// batch.apply(Op::Push(1));
    /// batch.replace_all(|list, _| (list.clear(), Op::Clear));
    /// batch.apply(Op::Push(2));
    /// batch.publish();
    /// assert!(format!("{writer:?}").contains("log: 2"));
    /// assert_eq!((&*reader.read(), &*writer.write()), (&vec![2], &vec![2]));
    /// ```
    pub fn replace_all<R>(
        &mut self,
        f: impl FnOnce(&mut ValueOf<W>, &ExtrasOf<W>) -> (R, OpOf<W>),
    ) -> R {
        self.changing().change(|back, extras, log| {
            let (result, op) = f(back, extras);
            log.clear(back, extras);
            log.push(op);
            (result, Some(State::Unpublished))
        })
    }

    /// Lends a part of the back, to be changed in place.
    ///
    /// `mark` finds the part, marks it in the back, and returns a reference or handle to it, which
    /// `f` gets. What `f` returns may still lead to the part (`|part| part` returns it to the
    /// caller). When the batch ends, other than by a rollback,
    /// [`Operation::seal`](crate::Operation::seal) logs each lent part as it is then.
    ///
    /// # Panics
    ///
    /// If `mark` or `f` panics; the batch is torn then. After a panic of `f`,
    /// [`Operation::restore`](crate::Operation::restore) is called to undo the batch.
    ///
    /// # Examples
    ///
    /// A slice of counters:
    ///
    /// ```
    /// use dbuf_core::{OpWriter, Operation};
    /// use dbuf_strategies::LockStrategy;
    ///
    /// #[derive(Clone, Default)]
    /// struct Counters {
    ///     counts: [u64; 8],
    ///     lent: Vec<usize>,
    /// }
    ///
    /// struct Set(usize, u64);
    ///
    /// impl Operation<Counters> for Set {
    ///     fn apply(&mut self, counters: &mut Counters, _: &()) {
    ///         counters.counts[self.0] = self.1;
    ///     }
    ///     fn seal(back: &mut Counters, _: &(), mut log: impl FnMut(Self)) {
    ///         for at in back.lent.drain(..) {
    ///             log(Set(at, back.counts[at]));
    ///         }
    ///     }
    ///     fn restore(
    ///         back: &mut Counters,
    ///         front: &Counters,
    ///         _: &(),
    ///         undone: &[Self],
    ///         kept: &mut [Self],
    ///     ) -> bool {
    ///         for at in back.lent.drain(..).chain(undone.iter().map(|op| op.0)) {
    ///             back.counts[at] = front.counts[at];
    ///         }
    ///         for op in kept {
    ///             back.counts[op.0] = op.1; // few: all of them again
    ///         }
    ///         true
    ///     }
    /// }
    ///
    /// let new = Counters::default;
    /// let (writer, reader) = dbuf_core::arc(new(), new(), LockStrategy::new());
    /// let mut writer = OpWriter::<_, Set>::new(writer);
    /// let mut batch = writer.write();
    /// let count = batch.lend(
    ///     |counters, _| {
    ///         counters.lent.push(3);
    ///         &mut counters.counts[3]
    ///     },
    ///     |count| count,
    /// );
    /// *count += 1;
    /// *count += 1;
    /// batch.publish();
    /// assert_eq!(reader.read().counts[3], 2);
    /// assert_eq!(writer.write().counts[3], 2);
    /// ```
    #[inline]
    pub fn lend<'b, L, R>(
        &'b mut self,
        mark: impl FnOnce(&'b mut ValueOf<W>, &'b ExtrasOf<W>) -> L,
        f: impl FnOnce(L) -> R,
    ) -> R {
        self.changing().lend(mark, f)
    }

    /// Makes any change. The other copy gets a resync of the whole value, at the start of the next
    /// batch. A writer [without a clone](crate::OpWriter::without_clone) has one from the first
    /// call on.
    ///
    /// # Panics
    ///
    /// See [`apply`](Self::apply).
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_core::OpWriter;
    /// use dbuf_strategies::LockStrategy;
    ///
    /// type Add = fn(&mut u32, &());
    ///
    /// let (writer, reader) = dbuf_core::arc(0, 0, LockStrategy::new());
    /// let mut writer = OpWriter::<_, Add>::new(writer);
    /// let mut batch = writer.write();
    /// let before = batch.modify(|n, _| std::mem::replace(n, 7));
    /// batch.publish();
    /// assert_eq!((before, *reader.read()), (0, 7));
    /// ```
    pub fn modify<R>(&mut self, f: impl FnOnce(&mut ValueOf<W>, &ExtrasOf<W>) -> R) -> R
    where
        ValueOf<W>: Clone,
    {
        let writer = self.changing();
        writer.copies = Some(Copies::new());
        writer.change(|back, extras, log| {
            let result = f(back, extras);
            log.clear(back, extras);
            (result, Some(State::Modified))
        })
    }
}
