use super::{Batch, Entry};
use crate::owner::Owner;

/// What [`Batch::compute`] does with an entry; like papaya's.
///
/// # Examples
///
/// ```
/// use dbuf_hashmap::{ConcurrentHashMap, Operation};
///
/// let seats = ConcurrentHashMap::from([("A1", 2)]);
/// let take = |seat| {
///     seats.compute(seat, |entry| match entry {
///         Some((_, 1)) => Operation::Remove,
///         Some((_, left)) => Operation::Insert(left - 1),
///         None => Operation::Abort("sold out"),
///     })
/// };
/// assert_eq!(take("A1"), Ok(Some(2)));
/// assert_eq!(take("A1"), Ok(Some(1)));
/// assert_eq!(take("A1"), Err("sold out"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation<V, T = ()> {
    /// Sets the value of the key.
    Insert(V),
    /// Removes the key if it is there.
    Remove,
    /// Changes nothing, and makes `compute` return this error.
    Abort(T),
}

impl<W: Owner> Batch<W> {
    /// Inserts, removes or keeps an entry as `f` decides, and returns the previous value.
    ///
    /// `f` runs once, with the stored key and its value, or with `None`.
    ///
    /// # Errors
    ///
    /// Returns what `f` put into [`Operation::Abort`]. Nothing is changed then.
    ///
    /// # Panics
    ///
    /// If `f` panics, before anything is changed.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_hashmap::Operation;
    ///
    /// let (mut writer, _reader) = dbuf_hashmap::new();
    /// let mut batch = writer.write();
    /// let mut add = |n: u32| {
    ///     batch.compute("a", |entry| {
    ///         let sum = n.checked_add(entry.map_or(0, |(_, n)| *n));
    ///         sum.map_or(Operation::Abort("overflow"), Operation::Insert)
    ///     })
    /// };
    /// assert_eq!(add(1), Ok(None));
    /// assert_eq!(add(2), Ok(Some(1)));
    /// assert_eq!(add(u32::MAX), Err("overflow"));
    /// ```
    pub fn compute<T>(
        &mut self,
        key: W::Key,
        f: impl FnOnce(Option<(&W::Key, &W::Value)>) -> Operation<W::Value, T>,
    ) -> Result<Option<W::Value>, T> {
        match self.entry(key) {
            Entry::Occupied(mut entry) => match f(Some((entry.key(), entry.get()))) {
                Operation::Insert(value) => Ok(Some(entry.insert(value))),
                Operation::Remove => Ok(Some(entry.remove())),
                Operation::Abort(returned) => {
                    entry.retire_key();
                    Err(returned)
                }
            },
            Entry::Vacant(entry) => match f(None) {
                Operation::Insert(value) => {
                    entry.put(value);
                    Ok(None)
                }
                Operation::Remove => {
                    entry.retire_key();
                    Ok(None)
                }
                Operation::Abort(returned) => {
                    entry.retire_key();
                    Err(returned)
                }
            },
        }
    }
}
