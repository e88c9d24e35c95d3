//! The state of the model: memory, two readers and a writer.

use super::memory::{ADDRESSES, Buffer, Note, READERS, SIDE};

/// The number of guards that a reader can have at a time.
pub(super) const GUARDS: usize = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Guard {
    /// The side, or the whole word if the guard is refreshed.
    pub(super) word: u8,
    /// If the guard is kept: the swaps whose start was complete when its enter began, and those
    /// that were started when it ended.
    pub(super) began: u8,
    pub(super) ended: u8,
    /// If the guard is refreshed: the flips that memory had seen.
    pub(super) flips: u8,
}

impl Guard {
    pub(super) fn side(self) -> u8 {
        self.word & SIDE
    }

    /// Returns whether it was taken while that swap was started.
    pub(super) fn overlaps(self, swap: u8) -> bool {
        self.began < swap && swap <= self.ended
    }
}
/// The sides that a nested enter has noted, beside the exact ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Announced {
    pub(super) note: Note,
    pub(super) moves: u8,
}

/// The next step of a reader within an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum ReaderStep {
    Next,
    /// E3, then E2 and E3 of fenced mode.
    Load,
    Fence,
    LoadAgain,
    /// E4. The guard is on the side already.
    Note(Guard),
    /// The mutant that stores its epoch after E3.
    Late(Guard),
    /// A nested enter: its first load of the front.
    NestedLoad,
    /// E2 and E3 of a nested enter.
    Announce(Announced),
    AnnounceFence(Announced),
    AnnounceAgain(Announced),
    /// N1, for the side of a word that was loaded.
    Announces(Announced, u8),
    /// The last N1, which makes the note exact. The guard is on the side already.
    Exact(Guard),
    /// A refresh has its new guard: the leave of the old one.
    LeaveOld(Guard),
    /// L3: `asked`, then `asked_sides`, then the wake.
    Asked,
    AskedSide,
    Wake,
    /// The mutant that has loaded `asked`, and not stored its epoch.
    LateLeave(bool),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Reader {
    /// The present operation.
    pub(super) at: u8,
    pub(super) step: ReaderStep,
    pub(super) epoch: u8,
    /// The epoch of the present leave.
    pub(super) leaving: u8,
    /// The note that it has stored.
    pub(super) note: Note,
    pub(super) guards: [Option<Guard>; GUARDS],
    /// The guard that a refresh replaces.
    pub(super) old: Option<Guard>,
    /// The swaps whose start was complete when the present enter began.
    pub(super) began: u8,
    pub(super) registered: bool,
}
impl Reader {
    pub(super) fn live(&self) -> impl Iterator<Item = Guard> {
        let coming = match self.step {
            ReaderStep::Note(guard) | ReaderStep::Late(guard) | ReaderStep::Exact(guard) => {
                Some(guard)
            }
            _ => None,
        };
        self.guards.into_iter().chain([coming, self.old]).flatten()
    }
}
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum WriterStep {
    /// Finished: the writer owns the back.
    Owns,
    /// W2: with a barrier, or with a fence.
    Order(bool),
    /// A bit for each reader that the barrier has not reached.
    Barrier(u8),
    /// The view is renewed if readers registered.
    View,
    /// The start unwound before W3. W2 needs a barrier, or does not.
    Flipped(bool),
    /// W3: for each reader the epoch and then the note. Then the start is complete.
    Scan(u8),
    ScanNote(u8, u8),
    /// Unfinished.
    Waits,
    /// P1, then P2, then P3.
    Request,
    OrderWait,
    BarrierWait(u8),
    Recheck(u8),
    Sleeps,
}

/// The stragglers of a side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Waiting {
    /// The epoch of each reader, or 0.
    pub(super) epochs: [u8; READERS],
    /// The writer has asked it for a wake.
    pub(super) asked: [bool; READERS],
    /// The number of the swap.
    pub(super) swap: u8,
}

impl Waiting {
    pub(super) fn is_empty(&self) -> bool {
        self.epochs == [0; READERS]
    }

    pub(super) fn take(&mut self, r: usize, forgets: bool) {
        self.epochs[r] = 0;
        self.asked[r] &= !forgets;
    }

    pub(super) fn last(&self) -> Option<usize> {
        (0..READERS).rev().find(|&r| self.epochs[r] != 0)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Writer {
    pub(super) step: WriterStep,
    /// The front word, as the writer stored it.
    pub(super) word: u8,
    pub(super) back: u8,
    pub(super) swaps: u8,
    pub(super) starts: u8,
    /// The view: a bit for each reader.
    pub(super) view: u8,
    /// The waiting set of the last swap, and that of the spare side.
    pub(super) waiting: Waiting,
    pub(super) aside: Waiting,
    pub(super) spare_free: bool,
    pub(super) registered: bool,
    pub(super) woken: bool,
    /// W2 of this swap needs a barrier.
    pub(super) barrier: bool,
    /// A start may still unwind.
    pub(super) unwinds: bool,
    /// A claim may still clear FENCED. (In the code the first claim does, before any swap.)
    pub(super) clears: bool,
    /// How many more times it may set a side aside.
    pub(super) sets_aside: u8,
}

impl Writer {
    pub(super) fn spare(&self) -> u8 {
        3 - (self.word & SIDE) - self.back
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(super) memory: [u8; ADDRESSES],
    pub(super) buffers: [Buffer; READERS + 1],
    pub(super) readers: [Reader; READERS],
    pub(super) writer: Writer,
}
