//! The steps that an input chooses from.

use arbitrary::Arbitrary;

use super::super::log::{Change, Ending, Outcome};

#[derive(Arbitrary, Clone, Debug)]
pub(crate) enum Step {
    Claim,
    DropWriter,
    /// Forgets the writer if the number is 0; after that, nothing can be written.
    ForgetWriter(u8),
    NewReader,
    CloneReader(u8),
    WeakReader,
    DropReader(u8),
    Read(u8),
    ReadMapped(u8),
    ReadOwned,
    ReadOwnedAndBack,
    DropGuard(u8),
    ForgetGuard(u8),
    Write,
    StartSwap,
    TryFinish,
    Poll {
        with_another: bool,
    },
    FinishTimeout,
    Swap,
    Store,
    TrySwap,
    IntoLog,
    IntoRaw,
    Batch {
        changes: Vec<Change>,
        ending: Ending,
        fuse: u8,
    },
    Transact {
        changes: Vec<Change>,
        outcome: Outcome,
        fuse: u8,
    },
    PublishLog,
    CatchUp {
        fuse: u8,
    },
    SetAside {
        fuse: u8,
    },
}
