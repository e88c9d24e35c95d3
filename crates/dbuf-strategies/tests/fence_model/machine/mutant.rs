//! The mutants of the model.

/// A part of the protocol that is left out, or made in another order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mutant {
    /// W2 of the swap that sets FENCED is the writer's own fence.
    NoBarrierUp,
    /// Readers ignore FENCED when they enter.
    NoReaderFence,
    /// Readers ignore FENCED when they enter nested.
    NoNestedFence,
    /// W2 of swaps in unfenced mode is the writer's own fence.
    NoBarrierUnfenced,
    /// P2 is the writer's own fence when FENCED is set.
    WaitFences,
    /// E2 is missing: the compiler loads the front before it stores the epoch.
    LoadBeforeEpoch,
    /// L2 is missing: the compiler loads `asked` before it stores the epoch.
    AskedBeforeLeave,
    /// A note of another epoch counts as no guard.
    OldNoteCounts,
    /// A nested enter notes nothing.
    NoNote,
    /// A nested enter takes the side that it has noted, without a second load.
    NoSecondLoad,
    /// A nested enter notes its side after the second load.
    NoteAfterLoad,
    /// A nested enter keeps sides in the note on which it takes no guard.
    NoteStays,
    /// A nested leave keeps its side in the note.
    NoNestedNote,
    /// A nested leave does not wake the writer.
    NoNestedWake,
    /// A nested leave wakes for sides that it did not leave.
    AnswersForAll,
    /// The writer does not load notes when it checks.
    LeftByEpoch,
    /// A straggler of both sides is asked about one side only.
    AskedForOne,
    /// No straggler of the spare side is asked.
    SpareNotAsked,
    /// A poll does not check the spare side.
    SpareNotPolled,
    /// A side is set aside while there are guards on the spare one.
    SpareNotFree,
    /// A side that is set aside loses its stragglers.
    SetAsideForgets,
    /// The mode is set after a scan, and not by W1.
    ModeAfterScan,
    /// A start that unwound between W1 and W3 counts as complete.
    NoSecondScan,
    /// W2 and W3 that complete a start use the mode after W1.
    SecondScanByNewMode,
    /// `changed` is loaded before W2.
    ViewBeforeOrder,
    /// After the straggler that was asked has left, no other is asked.
    AskOnce,
    /// A check that finds stragglers does not mark the front word.
    NoMark,
    /// A guard that is not nested may be current although there are stragglers.
    MarkEntered,
    /// A nested guard may be, after the reader noted another side.
    MarkAnnounced,
}
