//! What a buffer must do, said without a buffer: one thread, no strategy, no log.

use dbuf_core::Version;

/// A guard, live or forgotten.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hold {
    /// The number of the guard.
    pub(crate) guard: usize,
    pub(crate) reader: usize,
    pub(crate) side: usize,
    pub(crate) forgotten: bool,
}

#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) front: usize,
    pub(crate) version: Version,
    /// The side that is neither the front nor the writer's.
    pub(crate) spare: usize,
    /// By side. `None`: nobody knows, as behind a log.
    pub(crate) values: [Option<usize>; 3],
    /// Nobody has seen the last swap finished.
    pub(crate) unfinished: bool,
    pub(crate) holds: Vec<Hold>,
    /// How often the newest waker had been called when it was registered.
    pub(crate) awaited: Option<usize>,
    /// The spare side was held then, so the waker is called for that too.
    pub(crate) spare_awaited: bool,
}

impl Model {
    pub(crate) fn new() -> Self {
        Self {
            front: 0,
            spare: 2,
            version: 0,
            values: [Some(0), Some(1), None],
            unfinished: false,
            holds: Vec::new(),
            awaited: None,
            spare_awaited: false,
        }
    }

    pub(crate) fn back(&self) -> usize {
        3 - self.front - self.spare
    }

    pub(crate) fn published(&self) -> usize {
        self.values[self.front].expect("what readers see is known")
    }

    pub(crate) fn is_held(&self, side: usize) -> bool {
        self.holds.iter().any(|hold| hold.side == side)
    }

    /// Whether the last swap cannot be finished.
    pub(crate) fn is_blocked(&self) -> bool {
        self.unfinished && self.is_held(self.back())
    }

    /// Whether a waker that was registered has to have been called.
    pub(crate) fn has_answered(&self) -> bool {
        !self.is_blocked() || (self.spare_awaited && !self.is_held(self.spare))
    }

    /// The back is set aside, for a copy of the front.
    pub(crate) fn set_aside(&mut self) {
        assert!(self.is_blocked() && !self.is_held(self.spare), "C7");
        let back = self.back();
        // Behind a log.
        (self.values[self.spare], self.values[back]) = (None, None);
        self.spare = back;
        self.unfinished = false;
        self.awaited = None;
    }

    /// A look at the last swap. Whether it is finished.
    pub(crate) fn look(&mut self) -> bool {
        if !self.is_blocked() {
            self.unfinished = false;
        }
        !self.unfinished
    }

    /// A swap that was started.
    pub(crate) fn swap(&mut self) {
        assert!(!self.unfinished, "C2");
        self.front = self.back();
        self.version += 1;
        self.unfinished = true;
        self.awaited = None;
    }
}

/// What an `OpWriter` adds to it. The states are those of `docs/design.md`, 8.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum State {
    Settled,
    Unpublished,
    Modified,
    Published,
    Torn,
}

#[derive(Debug)]
pub(crate) struct LogModel {
    pub(crate) state: State,
    /// What stands on the back, as far as it is known.
    pub(crate) pending: usize,
    /// The sum of what is kept.
    pub(crate) kept: Option<usize>,
    /// Changes in the log that are not kept.
    pub(crate) loose: usize,
    /// A batch was forgotten.
    pub(crate) open: bool,
}

impl LogModel {
    pub(crate) fn new() -> Self {
        Self {
            state: State::Torn,
            pending: 0,
            kept: None,
            loose: 0,
            open: false,
        }
    }

    pub(crate) fn has_pending(&self) -> bool {
        let whole = !self.open && matches!(self.state, State::Unpublished | State::Modified);
        whole || self.kept.is_some()
    }

    pub(crate) fn abandon(&mut self) {
        let untouched = match self.state {
            State::Settled => true,
            State::Unpublished => self.loose == 0,
            _ => false,
        };
        if !untouched {
            self.state = State::Torn;
        }
    }

    pub(crate) fn close_forgotten(&mut self) {
        if std::mem::take(&mut self.open) {
            self.abandon();
        }
    }

    /// What a batch finds when it begins and nothing panics.
    pub(crate) fn settle(&mut self, published: usize) {
        self.close_forgotten();
        match self.state {
            State::Published => {
                (self.state, self.pending, self.loose) = (State::Settled, published, 0);
            }
            State::Torn => {
                self.loose = 0;
                self.pending = published.wrapping_add(self.kept.unwrap_or(0));
                self.state = match self.kept {
                    Some(_) => State::Unpublished,
                    None => State::Settled,
                };
            }
            _ => {}
        }
    }

    /// The back is a copy of the front.
    pub(crate) fn set_aside(&mut self, published: usize) {
        (self.state, self.pending, self.loose) = (State::Settled, published, 0);
    }

    /// Something of it panicked.
    pub(crate) fn tear(&mut self) {
        self.close_forgotten();
        if self.state == State::Published {
            self.loose = 0;
        }
        self.state = State::Torn;
    }

    pub(crate) fn add(&mut self, number: usize) {
        self.pending = self.pending.wrapping_add(number);
        self.loose += 1;
        if self.state != State::Modified {
            self.state = State::Unpublished;
        }
    }

    pub(crate) fn modify(&mut self) {
        self.pending = self.pending.wrapping_mul(3).wrapping_add(1);
        self.loose = 0;
        self.state = State::Modified;
    }

    /// Publishes, if there is anything. Whether there was.
    pub(crate) fn publish(&mut self, model: &mut Model) -> bool {
        self.state = match self.state {
            State::Unpublished => State::Published,
            State::Modified => State::Torn,
            _ => return false,
        };
        self.kept = None;
        model.swap();
        model.values[model.front] = Some(self.pending);
        model.values[model.back()] = None;
        true
    }

    pub(crate) fn keep(&mut self, model: &mut Model) {
        match self.state {
            State::Unpublished => {
                self.kept = Some(self.pending.wrapping_sub(model.published()));
                self.loose = 0;
            }
            State::Modified => _ = self.publish(model),
            _ => {}
        }
    }
}
