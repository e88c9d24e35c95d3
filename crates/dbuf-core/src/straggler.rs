use core::time::Duration;

/// What a writer with a log does when readers do not leave the copy that it has to write
/// next: a guard that is kept in a struct or across a slow call, or that was forgotten.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use dbuf_core::{OnStraggler, OpWriter};
/// use dbuf_strategies::LockStrategy;
///
/// type Add = fn(&mut u32, &());
///
/// let (writer, reader) = dbuf_core::arc(0, 0, LockStrategy::new());
/// let mut writer = OpWriter::<_, Add>::new(writer);
/// writer.on_straggler(OnStraggler::Spare {
///     after: Duration::from_millis(10),
///     up_to: 1_000,
/// });
/// let kept = reader.read();
/// for _ in 0..3 {
///     writer.write().apply(|n, _| *n += 1); // the second of them waits, for 10 ms
/// }
/// assert_eq!((*kept, *reader.read()), (0, 3));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnStraggler {
    /// Waits until they are gone. Panics if a guard of the writer's own thread is among them,
    /// as [`Writer::finish`](crate::Writer::finish) does.
    Wait,
    /// Waits for `after`. Then clones what is published into the spare side, and goes on
    /// with that, until readers keep it from another side as well.
    ///
    /// The copy that they keep is dropped by the first write after they are gone. Until then
    /// there are three copies.
    Spare {
        /// For how long it waits first. Not at all where a guard of the writer's own thread,
        /// of a [`SharedReader`](crate::SharedReader), is in the way.
        after: Duration,
        /// It waits for as long as it takes where more entries are published than these: for
        /// a map its entries, for any other value 1.
        up_to: usize,
    },
}

impl Default for OnStraggler {
    /// The spare side after 100 ms, for up to a million entries.
    fn default() -> Self {
        Self::Spare {
            after: Duration::from_millis(100),
            up_to: 1_000_000,
        }
    }
}
