use core::time::Duration;

/// What an [`OpWriter`](crate::OpWriter) does when readers keep the copy that it must write next:
/// a guard is kept in a struct or across a slow call, or was forgotten.
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
    /// Waits until they are gone. Panics if a guard of the writer's own thread is among them, see
    /// [`Writer::finish`](crate::Writer::finish).
    Wait,
    /// Waits for `after`. Then clones the published value into the spare side and continues there,
    /// until readers keep that side too.
    ///
    /// The first write after those readers are gone drops the copy that they kept. Until then
    /// there are three copies.
    Spare {
        /// How long to wait first. The writer does not wait if a guard of its own thread, of a
        /// [`SharedReader`](crate::SharedReader), is in the way.
        after: Duration,
        /// If more entries than this are published, the writer waits without a limit. The entries
        /// are those of a map; any other value counts as 1.
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
