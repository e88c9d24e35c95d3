//! A value that detects races.

use core::fmt;
use core::hint::black_box;

use dbuf_core::sync::cell::UnsafeCell;

/// A value that detects a read during a write.
///
/// Under loom its cell is tracked: a read that is not ordered after the last write is reported as
/// a race. Elsewhere its two words differ during a write, so a torn read panics, and Miri and
/// ThreadSanitizer report the race.
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
// a plain value; the cell is for the model checker only.
unsafe impl Sync for Tracked {}

impl Tracked {
    /// Creates a tracked number.
    pub fn new(value: usize) -> Self {
        Self(UnsafeCell::new([value; 2]))
    }

    /// Returns the number.
    ///
    /// # Panics
    ///
    /// Panics if the number is being written.
    pub fn get(&self) -> usize {
        // SAFETY: only `&mut self` writes.
        let [first, second] = self.0.with(|words| unsafe { *black_box(words) });
        assert_eq!(first, second, "a reader read during a write");
        first
    }

    /// Writes the number.
    pub fn set(&mut self, value: usize) {
        self.0.with_mut(|words| {
            // SAFETY: `&mut self` is the only access.
            unsafe { (*black_box(words))[0] = value };
            // SAFETY: `&mut self` is the only access.
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
