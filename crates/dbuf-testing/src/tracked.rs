use core::fmt;

/// A payload that notices when a reader and the writer meet.
///
/// Under the model checker it is a tracked cell: a look that is not ordered
/// after the last write is a reported race. Elsewhere it is two plain words that
/// differ while a write is going on: a torn look panics, and Miri and
/// ThreadSanitizer report the race itself.
pub struct Tracked {
    #[cfg(dbuf_loom)]
    cell: loom::cell::UnsafeCell<usize>,
    #[cfg(not(dbuf_loom))]
    words: [usize; 2],
}

// SAFETY: the model checker reports every pair of accesses that would be a race.
#[cfg(dbuf_loom)]
unsafe impl Sync for Tracked {}

impl Tracked {
    /// Wraps a number.
    pub fn new(value: usize) -> Self {
        Self {
            #[cfg(dbuf_loom)]
            cell: loom::cell::UnsafeCell::new(value),
            #[cfg(not(dbuf_loom))]
            words: [value; 2],
        }
    }

    /// The number.
    ///
    /// # Panics
    ///
    /// If it is being written.
    pub fn get(&self) -> usize {
        #[cfg(dbuf_loom)]
        {
            // SAFETY: the model checker panics if a write is concurrent.
            self.cell.with(|value| unsafe { *value })
        }
        #[cfg(not(dbuf_loom))]
        {
            let [first, second] = *core::hint::black_box(&self.words);
            assert_eq!(first, second, "a reader looked while the writer wrote");
            first
        }
    }

    /// Writes the number.
    pub fn set(&mut self, value: usize) {
        #[cfg(dbuf_loom)]
        {
            // SAFETY: the model checker panics if any access is concurrent.
            self.cell.with_mut(|cell| unsafe { *cell = value });
        }
        #[cfg(not(dbuf_loom))]
        for word in &mut self.words {
            *core::hint::black_box(word) = value;
        }
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
