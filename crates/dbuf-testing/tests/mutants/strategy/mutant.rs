//! The clauses that the strategy may break.

/// What is broken. These have no mutant:
///
/// * S7, no allocation and no lock in an acquire: no test of the suite can see one. An
///   allocator that counts can (`Counting`), in a binary of its own.
/// * S7, a count that would wrap ends the process: no test can take that many guards.
/// * C1 to C7: promises of the caller, `dbuf-core`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mutant {
    Unbroken,
    /// S1: a claim is never refused.
    ClaimIsShared,
    /// S1: a token that is dropped ends its claim.
    DroppedTokenEndsTheClaim,
    /// S2: the check does not count guards.
    EveryCheckFinishes,
    /// S2: an acquire does not load the front again after it counted itself.
    NoSecondLoad,
    /// S2: a count that comes after the check does not see the flip.
    CheckReleasesNothing,
    /// S3: a leave does not publish the reads before it.
    LeaveIsRelaxed,
    /// S3: the check does not acquire the leaves.
    CheckAcquiresNothing,
    /// S4: the flip does not publish the writes before it.
    FlipIsRelaxed,
    /// S4: the second load of the front acquires nothing.
    SecondLoadIsRelaxed,
    /// S5: `is_finished` makes a check.
    AskingChecks,
    /// S5: a fresh strategy waits for a check.
    FreshIsUnfinished,
    /// S5: a claim begins finished.
    ClaimForgetsTheSwap,
    /// S5: a check answers, and does not latch.
    NoLatch,
    /// S6: a leave does not wake the writer.
    NobodyIsWoken,
    /// S6: the first waker stays.
    FirstWakerStays,
    /// S6: the waker is registered after the check.
    RegistersAfterTheCheck,
    /// S6: the leave of a guard that was taken back does not wake the writer.
    RetryWakesNobody,
    /// S7: the waker is called while the guard still counts.
    WakesBeforeTheLeave,
    /// S7: the waker is called with its lock held.
    WakesUnderTheLock,
    /// S7: a poll unwinds when it replaces a waker.
    PollUnwinds,
    /// S8: the tenth check finishes.
    TenthCheckFinishes,
    /// S9: the front of a fresh strategy is B.
    FrontBeginsAtB,
    /// S10: a claim does not see what the last one did.
    ClaimIsRelaxed,
    /// S11: the drop of a reader's token reaches into the strategy.
    TokenReachesBack,
    /// S11: the guards that a reader forgot stay when it is dropped.
    DropKeepsTheGuards,
    /// S11: the drop of a reader does not wake the writer.
    DropWakesNobody,
    /// S11: the drop of a reader does not publish the reads under forgotten guards.
    DropIsRelaxed,
    /// S12: a swap waits for guards on the new front, too.
    EverySideCounts,
    /// S13: the side that was set aside is free at once.
    AsideIsFree,
    /// S13: the swap is unfinished after it.
    AsideIsUnfinished,
    /// S13: the front changes too.
    AsideTurnsTheFront,
    /// S13: leaves of the spare side do not wake the writer.
    SpareWakesNobody,
    /// `is_current`: no guard is ever old.
    AlwaysCurrent,
}
