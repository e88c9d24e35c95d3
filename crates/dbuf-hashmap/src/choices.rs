use alloc::sync::Arc;
use core::fmt;
use core::time::Duration;

use dbuf_core::OnStraggler;
use dbuf_core::writer_lock::Sleep;

/// When a single change of a [`ConcurrentHashMap`](crate::ConcurrentHashMap), such as `insert`, is
/// published, by a thread or a task. Batches (`write`, `transact`) are published when they end,
/// under every policy.
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
/// With `Within`, a thread can publish what the last write left pending. (A task does the same with
/// `loop { tokio::time::sleep(d).await; map.publish(); }`.)
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
    /// Each change is published before its call returns: every later read, on any thread, sees
    /// it.
    #[default]
    Immediate,
    /// This many changes are published together; 0 counts as 1. A call that changes
    /// nothing does not count.
    ///
    /// **A call may return before its change is visible**, also to its own thread. The change
    /// becomes visible when the count is reached, a batch ends or
    /// [`publish`](crate::ConcurrentHashMap::publish) is called. No timer publishes, and changes
    /// that are still pending when the map is dropped are lost.
    Every(usize),
    /// A write that finds a change that has been pending for this long publishes all pending
    /// changes and its own. So while writes continue, a change is published at this age, plus at
    /// most one gap between two writes.
    ///
    /// As with [`Every`](Self::Every), no timer publishes what the last write left pending. Each
    /// write reads the clock once.
    Within(Duration),
}

/// See [`Builder::on_spare`](crate::Builder::on_spare).
pub(crate) type OnSpare = Arc<dyn Fn(usize) + Send + Sync>;
/// See [`Builder::sleep`](crate::Builder::sleep).
pub(crate) type SleepFn = Arc<dyn Fn(Duration) -> Sleep + Send + Sync>;

/// The builder's choices that are not type parameters.
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
