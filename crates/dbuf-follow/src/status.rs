use alloc::sync::Arc;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::time::Instant;

use dbuf_hashmap::{CellWatcher, Closed, ConcurrentCell, DefaultStrategy, Watched};

/// The state of a follower's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// A whole state is being loaded: the first one, or another one because the engine could not
    /// continue after the follower's revision. Readers see the last whole state, if any.
    Loading,
    /// The engine sends events or signs of life.
    Live,
    /// The connection to the engine is lost. Readers see the last state.
    CutOff {
        /// When the follower noticed it.
        since: Instant,
    },
    /// The driver has ended. Readers see the last state.
    Stopped,
}

type Cell = ConcurrentCell<State, Watched<DefaultStrategy>>;

/// The state that the driver shares with the handles, apart from the data.
pub(crate) struct Status {
    state: Cell,
    began: Instant,
    /// When the last event arrived, in nanoseconds since `began`; 0 before the first.
    heard: AtomicU64,
}

impl Status {
    pub(crate) fn new() -> Self {
        Self {
            state: Cell::with_strategy(State::Loading, Watched::new(DefaultStrategy::new())),
            began: Instant::now(),
            heard: AtomicU64::new(0),
        }
    }

    pub(crate) fn state(&self) -> State {
        *self.state.read()
    }

    pub(crate) fn set(&self, state: State) {
        if self.state() != state {
            self.state.store(state);
        }
    }

    pub(crate) fn hear(&self) {
        let now = self.began.elapsed().as_nanos() as u64;
        // Relaxed: no other data depends on it.
        self.heard.store(now.max(1), Ordering::Relaxed);
    }

    pub(crate) fn lag(&self) -> Option<Duration> {
        // Relaxed: no other data depends on it.
        match self.heard.load(Ordering::Relaxed) {
            0 => None,
            heard => Some(
                self.began
                    .elapsed()
                    .saturating_sub(Duration::from_nanos(heard)),
            ),
        }
    }

    pub(crate) async fn until(
        self: Arc<Self>,
        mut wanted: impl FnMut(State) -> bool,
    ) -> Result<State, Closed> {
        let mut watcher = CellWatcher::new(CellOf(self));
        loop {
            let state = *watcher.read();
            if wanted(state) {
                return Ok(state);
            }
            if state == State::Stopped {
                return Err(Closed);
            }
            watcher.changed().await;
        }
    }
}

/// A pointer to the cell that keeps the status alive.
struct CellOf(Arc<Status>);

impl core::ops::Deref for CellOf {
    type Target = Cell;

    fn deref(&self) -> &Cell {
        &self.0.state
    }
}

/// Sets `State::Stopped` when the driver ends, in any way.
pub(crate) struct StopOnDrop(pub(crate) Arc<Status>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.set(State::Stopped);
    }
}
