/// When a single change of a [`ConcurrentHashMap`](crate::ConcurrentHashMap) is
/// published. Batches (`write`, `transact`) are published when they end, under each
/// of them; so are changes of tasks.
///
/// # Examples
///
/// ```
/// use dbuf_hashmap::{Builder, PublishPolicy};
///
/// let map = Builder::new()
///     .publish_policy(PublishPolicy::Immediate)
///     .build_concurrent();
/// map.insert("a", 1);
/// assert_eq!(map.get_cloned("a"), Some(1));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PublishPolicy {
    /// A writer that had to queue, and finds others queued behind it, leaves the publish
    /// to them, and returns once a publish that contains its change is out: one
    /// publish serves all that have queued up. (Databases call it group commit.) A
    /// writer that gets its turn at once publishes at once.
    ///
    /// When a call returns, every read that starts later, on any thread, sees its
    /// change.
    #[default]
    Grouped,
    /// Each change is published at once, by whoever made it.
    ///
    /// When a call returns, every read that starts later, on any thread, sees its
    /// change.
    Immediate,
    /// Every so many changes are published together; 0 counts as 1.
    ///
    /// **A call returns before its change can be read**, and a read by the same
    /// thread misses it. It becomes visible with the publish that the count, a
    /// batch, a task or [`publish`](crate::ConcurrentHashMap::publish) brings. No
    /// timer does, and a map that is dropped before loses it.
    EveryOps(usize),
}
