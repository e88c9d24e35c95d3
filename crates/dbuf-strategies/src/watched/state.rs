//! What the strategy and its waiters share: the word, and the wakers of those that wait.

use alloc::sync::Arc;
use core::task::Poll;
use std::sync::OnceLock;

use dbuf_core::sync::atomic::Ordering;
use dbuf_core::waker_set::WakerSet;
use dbuf_core::{Closed, Version};

use crate::sync::AtomicU64;

/// A value of the word.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Word(pub(super) u64);

impl Word {
    /// A waker may be in the list.
    pub(super) const AWAITED: u64 = 1;
    /// No writer is claimed.
    const CLOSED: u64 = 2;
    /// One publish.
    const PUBLISH: u64 = 4;

    /// `version`, open and not awaited. (2⁶² publishes take a century.)
    const fn open(version: Version) -> Self {
        Self(version * Self::PUBLISH)
    }

    const fn closed(self) -> Self {
        Self(self.0 | Self::CLOSED)
    }

    pub(super) const fn version(self) -> Version {
        self.0 / Self::PUBLISH
    }

    pub(super) const fn is_closed(self) -> bool {
        self.0 & Self::CLOSED != 0
    }

    const fn is_awaited(self) -> bool {
        self.0 & Self::AWAITED != 0
    }

    /// Compares with the version that a waiter has seen last.
    pub(super) fn changed_since(self, last_seen: Version) -> Poll<Result<Version, Closed>> {
        if self.version() > last_seen {
            Poll::Ready(Ok(self.version()))
        } else if self.is_closed() {
            Poll::Ready(Err(Closed))
        } else {
            Poll::Pending
        }
    }
}

/// What waiters share. They may outlive the strategy.
pub(super) struct WatchState {
    pub(super) word: AtomicU64,
    pub(super) waiters: WakerSet,
}

impl WatchState {
    fn new() -> Self {
        Self {
            word: AtomicU64::new(Word::open(0).closed().0),
            waiters: WakerSet::new(),
        }
    }

    /// T1.
    pub(super) fn load(&self) -> Word {
        // ORDERING: Acquire; partner: V2 in `notify`. A task that loads a publish's number sees
        // its flip.
        Word(self.word.load(Ordering::Acquire))
    }

    /// Returns the number of publishes. The caller holds the claim.
    fn version(&self) -> Version {
        // Relaxed: only the holder of the claim changes the number.
        Word(self.word.load(Ordering::Relaxed)).version()
    }

    /// V2 and V3. The last step of the caller, since it wakes.
    fn notify(&self, word: Word) {
        // ORDERING: V2: Release, partners: `load`, T3 in `Waiter::poll_changed`, `try_open`. A
        // swap and not a store: it must not miss T3, and it clears the mark.
        let old = Word(self.word.swap(word.0, Ordering::Release));
        if old.is_awaited() {
            self.waiters.wake_all();
        }
    }

    /// Opens the word. Returns whether it was closed, so that this call made the claim.
    pub(super) fn try_open(&self) -> bool {
        // ORDERING: Acquire; partner: `notify`, called by `close`. It makes the end of the inner
        // claim visible, which would otherwise be refused; there is never a second claim.
        // UNMODELLED: the inner claim is a read-modify-write, and in loom and Miri those always
        // see the last value.
        Word(self.word.fetch_and(!Word::CLOSED, Ordering::Acquire)).is_closed()
    }
}

/// The strategy's share of the state, made when it is first needed.
pub(super) struct OwnWatchState(OnceLock<Arc<WatchState>>);

impl OwnWatchState {
    pub(super) const fn new() -> Self {
        Self(OnceLock::new())
    }

    pub(super) fn get(&self) -> &Arc<WatchState> {
        self.0.get_or_init(|| Arc::new(WatchState::new()))
    }

    /// Notifies the waiters of one publish more. The caller holds the claim.
    pub(super) fn publish(&self) {
        let state = self.get();
        state.notify(Word::open(state.version() + 1));
    }

    /// Ends the claim, which the caller holds.
    pub(super) fn close(&self) {
        let state = self.get();
        state.notify(Word::open(state.version()).closed());
    }
}

/// The buffer is gone, perhaps with the claim of a forgotten writer. So the version is 0: no
/// publish can be read any more.
impl Drop for OwnWatchState {
    fn drop(&mut self) {
        if let Some(state) = self.0.get() {
            state.notify(Word::open(0).closed());
        }
    }
}
