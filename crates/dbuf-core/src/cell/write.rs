//! Writes to a cell.

use core::mem;
use core::time::Duration;

use super::ConcurrentCell;
use super::claim::Claim;
use crate::strategy::{BlockingStrategy, Strategy};
use crate::writer_lock::{OnThread, WriterGuard};

/// A guard of the writers' lock of a cell.
pub(super) type Locked<'c, T, S> = WriterGuard<'c, Claim<T, S>, OnThread>;

/// How the replaced value is copied if readers hold it.
type Copy<T> = fn(&T) -> T;

impl<T, S: Strategy> ConcurrentCell<T, S> {
    /// Returns how many guards, or readers, keep the value that the last write replaced, as far as
    /// the strategy can tell. If any do, the next write uses the spare side, and waits only if
    /// guards keep that as well. For diagnosis: never waits, may have changed when it returns, and
    /// is zero if other writers hold the lock.
    ///
    /// # Examples
    ///
    /// ```
    /// let cell = dbuf_strategies::ConcurrentCell::new("a");
    /// let guard = cell.read();
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| cell.store("b"));
    /// });
    /// assert_eq!(cell.stragglers(), 1);
    /// drop(guard);
    /// cell.catch_up();
    /// assert_eq!(cell.stragglers(), 0);
    /// ```
    pub fn stragglers(&self) -> usize {
        self.readers();
        let locked = self.lock.0.lock_soon();
        locked.map_or(0, |mut locked| {
            locked.writer(&self.shared.buffer).stragglers()
        })
    }

    /// Writes what `make` puts into its second argument, and unlocks. Returns what `make`
    /// returned, and the replaced value: itself if no reader holds it, else a copy if one is asked
    /// for.
    // Always inlined: `make` is the caller's closure.
    #[inline(always)]
    pub(super) fn write<R>(
        &self,
        locked: Locked<'_, T, S>,
        make: impl FnOnce(&T, &mut Option<T>) -> R,
        copy: Option<Copy<T>>,
    ) -> (R, Option<T>) {
        // Declared before the lock's guard, and so dropped with no lock held, also while a panic
        // unwinds.
        let mut value = None;
        let mut kept = None;
        let (leftover, result, replaced);
        let mut locked = locked;
        if locked.aside {
            kept = locked.take_aside(&self.shared.buffer);
        }
        let mut writer = locked.writer(&self.shared.buffer);
        let Some(parts) = writer.try_parts() else {
            unreachable!("finished is latched (S5)");
        };
        let (Some(front), back) = (parts.front, parts.back) else {
            unreachable!("the front holds a value (K1)");
        };
        result = make(front, &mut value);
        assert!(value.is_some(), "`make` sets the value (K1)");
        leftover = mem::replace(back, value.take());
        writer.start_swap();
        // No writer waits for this swap yet, so none has to be woken.
        replaced = match (writer.try_back_mut(), copy) {
            (Some(back), _) => back.take(),
            (None, Some(copy)) => writer.back().as_ref().map(copy),
            (None, None) => None,
        };
        drop(writer);
        drop(locked);
        // Dropped before the function returns: if a destructor panics later, the returned values
        // are lost.
        drop((leftover, kept));
        (result, replaced)
    }

    /// Writes a clone that `f` has changed.
    #[inline(always)]
    pub(super) fn change<R>(&self, locked: Locked<'_, T, S>, f: impl FnOnce(&mut T) -> R) -> R
    where
        T: Clone,
    {
        let change = |front: &T, new: &mut Option<T>| f(new.insert(front.clone()));
        let (result, replaced) = self.write(locked, change, None);
        drop(replaced);
        result
    }
}

impl<T, S: BlockingStrategy> ConcurrentCell<T, S> {
    /// Locks when no guard is on the back.
    #[inline]
    fn lock(&self) -> Locked<'_, T, S> {
        self.readers();
        self.lock.0.lock_finished(&self.shared, own_write)
    }

    /// Locks if that needs no waiting.
    #[inline]
    fn try_lock(&self) -> Option<Locked<'_, T, S>> {
        if self.readers().has_guard() {
            return None;
        }
        self.lock.0.try_lock_finished(&self.shared)
    }

    /// Replaces the value. Every read that starts after it has returned sees the new one.
    ///
    /// Waits for other writers. Waits for readers only while guards of *two* replaced values are
    /// kept, until those of one are gone. The replaced value is
    /// [dropped](Self#when-the-old-value-is-dropped) here if no guard holds it. Clones nothing and
    /// allocates nothing.
    ///
    /// # Panics
    ///
    /// See [above](Self#panics).
    ///
    /// # Examples
    ///
    /// ```
    /// let cell = dbuf_strategies::ConcurrentCell::new("a");
    /// cell.store("b");
    /// assert_eq!(*cell.read(), "b");
    /// ```
    #[doc(alias = "send")]
    #[doc(alias = "set")]
    pub fn store(&self, value: T) {
        self.write(self.lock(), |_, new| *new = Some(value), None);
    }

    /// Replaces the value if that needs no waiting.
    ///
    /// # Errors
    ///
    /// Returns the value if another writer is active, if a guard of the value that the last write
    /// replaced is kept (it uses no spare side), or if this thread holds any guard of this cell.
    ///
    /// # Panics
    ///
    /// If `Drop` panics, see [above](Self#panics).
    ///
    /// # Examples
    ///
    /// ```
    /// let cell = dbuf_strategies::ConcurrentCell::new("a");
    /// let guard = cell.read();
    /// assert_eq!(cell.try_store("b"), Err("b"));
    /// drop(guard);
    /// assert_eq!(cell.try_store("b"), Ok(()));
    /// ```
    pub fn try_store(&self, value: T) -> Result<(), T> {
        self.store_with(self.try_lock(), value)
    }

    /// Does what [`store`](Self::store) does, for at most about `timeout`.
    ///
    /// The time can only run out while other writers are active, or while guards of two replaced
    /// values are kept. A forgotten guard shows in [`stragglers`](Self::stragglers) before that.
    ///
    /// # Errors
    ///
    /// Returns the value when the time is over.
    ///
    /// # Panics
    ///
    /// See [above](Self#panics).
    pub fn store_timeout(&self, value: T, timeout: Duration) -> Result<(), T> {
        self.readers();
        let locked = self
            .lock
            .0
            .lock_finished_timeout(&self.shared, timeout, own_write);
        self.store_with(locked, value)
    }

    fn store_with(&self, locked: Option<Locked<'_, T, S>>, value: T) -> Result<(), T> {
        match locked {
            Some(locked) => {
                self.write(locked, |_, new| *new = Some(value), None);
                Ok(())
            }
            None => Err(value),
        }
    }

    /// Replaces the value and returns the old one: itself if no reader holds it, else a clone.
    ///
    /// # Panics
    ///
    /// See [above](Self#panics). If `Clone` panics, the value is already replaced.
    ///
    /// # Examples
    ///
    /// ```
    /// let cell = dbuf_strategies::ConcurrentCell::new("a");
    /// assert_eq!(cell.swap("b"), "a");
    /// ```
    #[doc(alias = "replace")]
    pub fn swap(&self, value: T) -> T
    where
        T: Clone,
    {
        let ((), old) = self.write(self.lock(), |_, new| *new = Some(value), Some(T::clone));
        match old {
            Some(old) => old,
            None => unreachable!("the old front held a value (K1)"),
        }
    }

    /// Changes a clone of the value, publishes it and returns what `f` returns.
    ///
    /// `f` runs once, while other writers wait and readers do not. No other write comes in
    /// between, so none is lost.
    ///
    /// # Panics
    ///
    /// See [above](Self#panics); or if `f` panics. Nothing is published then.
    ///
    /// # Examples
    ///
    /// ```
    /// let cell = dbuf_strategies::ConcurrentCell::new(vec![1]);
    /// let length = cell.update(|list| {
    ///     list.push(2);
    ///     list.len()
    /// });
    /// assert_eq!((length, cell.load()), (2, vec![1, 2]));
    /// ```
    #[doc(alias = "send_modify")]
    pub fn update<R>(&self, f: impl FnOnce(&mut T) -> R) -> R
    where
        T: Clone,
    {
        self.change(self.lock(), f)
    }

    /// Does what [`update`](Self::update) does, if that needs no waiting. Returns `None`, and
    /// drops `f` unused, where [`try_store`](Self::try_store) returns an error.
    ///
    /// # Panics
    ///
    /// If `f`, `Clone` or `Drop` panics, see [above](Self#panics).
    pub fn try_update<R>(&self, f: impl FnOnce(&mut T) -> R) -> Option<R>
    where
        T: Clone,
    {
        Some(self.change(self.try_lock()?, f))
    }

    /// Replaces the value by what `f` makes of it. Unlike [`update`](Self::update) it clones
    /// nothing by itself.
    ///
    /// `f` runs once, while other writers wait and readers do not. It is never retried.
    ///
    /// # Panics
    ///
    /// See [above](Self#panics); or if `f` panics. Nothing is published then.
    ///
    /// # Examples
    ///
    /// ```
    /// let cell = dbuf_strategies::ConcurrentCell::new(String::from("a"));
    /// cell.rcu(|name| format!("{name}b"));
    /// assert_eq!(*cell.read(), "ab");
    /// ```
    pub fn rcu(&self, f: impl FnOnce(&T) -> T) {
        self.write(self.lock(), |front, new| *new = Some(f(front)), None);
    }

    /// Drops the replaced values that no reader holds any more. Waits for other writers only.
    ///
    /// # Panics
    ///
    /// See [above](Self#panics).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::thread;
    ///
    /// use dbuf_strategies::ConcurrentCell;
    ///
    /// let file = Arc::new(());
    /// let cell = ConcurrentCell::new(Some(Arc::clone(&file)));
    /// let guard = cell.read();
    /// thread::scope(|scope| {
    ///     scope.spawn(|| cell.store(None));
    /// });
    /// drop(guard);
    /// assert_eq!(Arc::strong_count(&file), 2); // readers drop nothing
    /// cell.catch_up();
    /// assert_eq!(Arc::strong_count(&file), 1);
    /// ```
    pub fn catch_up(&self) {
        self.readers();
        let mut locked = self.lock.0.lock_any(&self.shared, own_write);
        let buffer = &self.shared.buffer;
        let kept = locked.take_aside(buffer);
        // Wakes others that wait for the same readers.
        let finished = locked.is_finished(&self.shared);
        let mut writer = locked.writer(buffer);
        let back = writer.try_back_mut().filter(|_| finished);
        let leftover = back.and_then(Option::take);
        drop(writer);
        drop(locked);
        drop((leftover, kept));
    }
}

#[cold]
#[inline(never)]
fn own_write() -> ! {
    panic!(
        "a thread writes to a cell while it changes that cell (in a closure of `update` or \
         `rcu`), and would wait for itself forever"
    )
}
