use core::fmt;
use core::hint::black_box;

use dbuf_core::sync::cell::UnsafeCell;

/// A payload that notices when a reader and the writer meet.
///
/// Under the model checker its cell is tracked: a look that is not ordered after
/// the last write is a reported race. Elsewhere its two words differ while a write
/// is going on: a torn look panics, and Miri and ThreadSanitizer report the race
/// itself.
///
/// # Examples
///
/// ```
/// use dbuf_testing::Tracked;
///
/// let mut value = Tracked::new(1);
/// value.set(2);
/// assert_eq!(value.get(), 2);
/// ```
pub struct Tracked(UnsafeCell<[usize; 2]>);

// SAFETY: `get` reads through `&self` and `set` writes through `&mut self`, as for
// a plain value; the cell is there for the model checker only.
unsafe impl Sync for Tracked {}

impl Tracked {
    /// Wraps a number.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_testing::Tracked;
    ///
    /// assert_eq!(Tracked::new(1).get(), 1);
    /// ```
    pub fn new(value: usize) -> Self {
        Self(UnsafeCell::new([value; 2]))
    }

    /// The number.
    ///
    /// # Panics
    ///
    /// If it is being written.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_testing::Tracked;
    ///
    /// assert_eq!(Tracked::new(1).get(), 1);
    /// ```
    pub fn get(&self) -> usize {
        // SAFETY: only `&mut self` writes.
        let [first, second] = self.0.with(|words| unsafe { *black_box(words) });
        assert_eq!(first, second, "a reader looked while the writer wrote");
        first
    }

    /// Writes the number.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_testing::Tracked;
    ///
    /// let mut value = Tracked::new(1);
    /// value.set(2);
    /// assert_eq!(value.get(), 2);
    /// ```
    pub fn set(&mut self, value: usize) {
        self.0.with_mut(|words| {
            // SAFETY: `&mut self`, here and below.
            unsafe { (*black_box(words))[0] = value };
            // SAFETY: as above.
            unsafe { (*black_box(words))[1] = value };
        });
    }
}

impl Clone for Tracked {
    fn clone(&self) -> Self {
        Self::new(self.get())
    }

    fn clone_from(&mut self, source: &Self) {
        self.set(source.get());
    }
}

impl fmt::Debug for Tracked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tracked").field(&self.get()).finish()
    }
}
