//! A model of a buffer on one thread.

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
    /// The values of the sides; `None` if unknown, as in a log.
    pub(crate) values: [Option<usize>; 3],
    /// No call has seen the last swap finished.
    pub(crate) unfinished: bool,
    pub(crate) holds: Vec<Hold>,
    /// The number of wakes of the newest waker when it was registered.
    pub(crate) awaited: Option<usize>,
    /// The spare side was held when the waker was registered, so its release also wakes.
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
        self.values[self.front].expect("the value of the front is known")
    }

    pub(crate) fn is_held(&self, side: usize) -> bool {
        self.holds.iter().any(|hold| hold.side == side)
    }

    /// Returns whether a guard keeps the last swap unfinished.
    pub(crate) fn is_blocked(&self) -> bool {
        self.unfinished && self.is_held(self.back())
    }

    /// Returns whether the registered waker must have been woken.
    pub(crate) fn must_be_woken(&self) -> bool {
        !self.is_blocked() || (self.spare_awaited && !self.is_held(self.spare))
    }

    /// Sets the back aside; the new back is a copy of the front.
    pub(crate) fn set_aside(&mut self) {
        assert!(self.is_blocked() && !self.is_held(self.spare), "C7");
        let back = self.back();
        // The log does not show these values.
        (self.values[self.spare], self.values[back]) = (None, None);
        self.spare = back;
        self.unfinished = false;
        self.awaited = None;
    }

    /// Finishes the last swap if possible. Returns whether it is finished.
    pub(crate) fn try_finish(&mut self) -> bool {
        if !self.is_blocked() {
            self.unfinished = false;
        }
        !self.unfinished
    }

    /// Starts a swap.
    pub(crate) fn swap(&mut self) {
        assert!(!self.unfinished, "C2");
        self.front = self.back();
        self.version += 1;
        self.unfinished = true;
        self.awaited = None;
    }
}

/// The state of an `OpWriter`. The states are those of `docs/design.md`, 8.
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
    /// The value of the back, as far as it is known.
    pub(crate) pending: usize,
    /// The sum of the kept changes.
    pub(crate) kept: Option<usize>,
    /// The number of changes in the log that are not kept.
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

    /// Brings the back up to date, as the start of a batch does.
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

    /// Replaces the back by a copy of the front.
    pub(crate) fn set_aside(&mut self, published: usize) {
        (self.state, self.pending, self.loose) = (State::Settled, published, 0);
    }

    /// A change or a replay panicked.
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

    /// Publishes pending changes. Returns whether there were any.
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
