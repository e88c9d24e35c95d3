//! What the lock guards.

use alloc::boxed::Box;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;

/// What the lock guards: a writer whose last swap may be unfinished.
pub trait Finish {
    /// What the writer needs and the lock does not guard: a buffer that readers use meanwhile.
    /// `()` for a writer that has a pointer to its buffer. Each call gets the same one.
    type Shared;

    /// Returns whether no guard is on the back.
    fn try_finish(&mut self, shared: &Self::Shared) -> bool;
    /// Registers the task to be woken when no guard is on the back any more, or on a side that was
    /// set aside.
    fn poll_finish(&mut self, shared: &Self::Shared, cx: &mut Context<'_>) -> Poll<()>;

    /// Tries to go on without the readers on the back, for a waiter that has waited for `waited`.
    /// If `on_thread` and this thread's own guards are in the way, it may panic instead. By
    /// default it waits.
    fn go_on(&mut self, _shared: &Self::Shared, _waited: Duration, _on_thread: bool) -> GoOn {
        GoOn::Wait(None)
    }

    /// Called, with the lock released, after `go_on` has set a side aside that this many readers
    /// hold.
    fn has_set_aside(_shared: &Self::Shared, _stragglers: usize) {}

    /// Returns a timer for a task that waits that long at most.
    fn sleep(_shared: &Self::Shared, _duration: Duration) -> Option<Sleep> {
        None
    }
}

/// A future that is ready after some time.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The result of [`Finish::go_on`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GoOn {
    /// No guard is on the back any more.
    Finished,
    /// The back was set aside, with this many readers on it.
    SetAside(usize),
    /// The waiter has to wait until it is woken, or for this time if that is shorter.
    Wait(Option<Duration>),
}
