use alloc::sync::Arc;
use core::fmt;
use core::time::Duration;

use dbuf_core::OnStraggler;
use dbuf_core::writer_lock::Sleep;

/// When a change of a [`ConcurrentHashMap`](crate::ConcurrentHashMap) is published: a
/// single one such as `insert`, by a thread or by a task. Batches (`write`, `transact`)
/// are published when they end, under each policy.
///
/// # Examples
///
/// ```
/// use dbuf_hashmap::{Builder, PublishPolicy};
///
/// let map = Builder::new()
///     .publish_policy(PublishPolicy::Every(2))
///     .build_concurrent();
/// map.insert("a", 1);
/// assert_eq!(map.get_cloned("a"), None);
/// map.insert("b", 2);
/// assert_eq!(map.get_cloned("a"), Some(1));
/// ```
///
/// With `Within`, a thread bounds the age of what no write publishes any more. (A task
/// does the same with `loop { tokio::time::sleep(d).await; map.publish(); }`.)
///
/// ```
/// use std::thread;
/// use std::time::Duration;
///
/// use dbuf_hashmap::{Builder, PublishPolicy};
///
/// let age = Duration::from_millis(10);
/// let map = Builder::new()
///     .publish_policy(PublishPolicy::Within(age))
///     .build_concurrent();
/// # let reader = map.clone();
/// let flushed = map.clone();
/// # let flush = move || {
/// thread::spawn(move || loop {
///     thread::sleep(age);
///     flushed.publish();
/// });
/// # };
/// # flush();
/// map.insert("a", 1);
/// # while reader.get("a").is_none() {}
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PublishPolicy {
    /// Each change is published before its call returns: every read that starts later, on
    /// any thread, sees it.
    #[default]
    Immediate,
    /// This many changes are published together; 0 counts as 1. A call that changes
    /// nothing does not count.
    ///
    /// **A call returns before its change can be read**, and a read by the same thread
    /// misses it. It becomes visible with the publish that the count, a batch or
    /// [`publish`](crate::ConcurrentHashMap::publish) brings. No timer does, and a map
    /// that is dropped before loses it.
    Every(usize),
    /// A write that finds a change that has been pending for this long publishes all that
    /// is pending, its own change included. So while writes go on, a change is at most
    /// this old, and one gap between two writes older, when it is published.
    ///
    /// The same holds as for [`Every`](Self::Every): no timer publishes what the last
    /// write left. Reads the clock once a write.
    Within(Duration),
}

/// See [`Builder::on_spare`](crate::Builder::on_spare).
pub(crate) type OnSpare = Arc<dyn Fn(usize) + Send + Sync>;
/// See [`Builder::sleep`](crate::Builder::sleep).
pub(crate) type SleepFn = Arc<dyn Fn(Duration) -> Sleep + Send + Sync>;

/// What has no type of its own.
#[derive(Clone, Default)]
pub(crate) struct Choices {
    pub(crate) policy: PublishPolicy,
    pub(crate) on_straggler: OnStraggler,
    pub(crate) on_spare: Option<OnSpare>,
    pub(crate) sleep: Option<SleepFn>,
}

impl fmt::Debug for Choices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Choices")
            .field("policy", &self.policy)
            .field("on_straggler", &self.on_straggler)
            .finish_non_exhaustive()
    }
}
