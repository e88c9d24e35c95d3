//! Two readers, a writer, and their store buffers.

use core::array;

use stateright::{Model, Property};

use crate::{CHECKED, GUARDED, NEWEST, WOKEN, WOKEN_SPARE};

const READERS: usize = 2;
const WRITER: usize = READERS;

/// Bits of the front word.
const SIDE: u8 = 3;
const FENCED: u8 = 4;
const STRAGGLERS: u8 = 8;

/// Addresses: the front word, then four words of each reader, then whether readers registered.
const WORD: u8 = 0;
const EPOCH: u8 = 1;
const NOTE: u8 = 2;
const ASKED: u8 = 3;
const ASKED_SIDES: u8 = 4;
const CHANGED: u8 = 1 + 4 * READERS as u8;
const ADDRESSES: usize = CHANGED as usize + 1;

const fn of(reader: usize, word: u8) -> u8 {
    reader as u8 * 4 + word
}

/// A side as a bit.
const fn bit(side: u8) -> u8 {
    1 << side
}

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

/// The number of guards that a reader can have at a time.
const GUARDS: usize = 3;

/// An operation of a reader on one of its guards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Op {
    Register,
    Enter(usize),
    Leave(usize),
    /// At the end of a script it is repeated.
    Refresh(usize),
}
use Op::{Enter, Leave, Refresh, Register};

/// A guard that is kept, and one beside it that is refreshed.
pub(crate) const KEPT_BESIDE: &[Op] = &[Enter(1), Enter(0), Refresh(0)];
/// Three guards, two of which leave.
pub(crate) const TWO_OF_THREE: &[Op] = &[Enter(0), Enter(1), Enter(2), Leave(0), Leave(1)];
/// No read.
pub(crate) const IDLE: &[Op] = &[];
/// One read.
pub(crate) const READ: &[Op] = &[Enter(0), Leave(0)];
/// The first read of a reader.
pub(crate) const FRESH: &[Op] = &[Register, Enter(0), Leave(0)];
/// Two reads.
pub(crate) const PLAIN: &[Op] = &[Enter(0), Leave(0), Enter(0), Leave(0)];
/// A guard that is kept.
pub(crate) const KEEPS: &[Op] = &[Enter(0)];
/// Three guards, each of which overlaps the next.
pub(crate) const NESTED: &[Op] = &[Enter(0), Enter(1), Leave(0), Enter(0), Leave(1), Leave(0)];
/// Two guards, one in the other.
pub(crate) const INNER: &[Op] = &[Enter(0), Enter(1), Leave(1), Leave(0)];
/// Two guards, the second of which is kept.
pub(crate) const HOLD: &[Op] = &[Enter(0), Enter(1), Leave(0)];
/// Two guards, the first of which is kept.
pub(crate) const HOLD_OUTER: &[Op] = &[Enter(0), Enter(1), Leave(1)];

/// One guard, which is refreshed as long as the reader lives.
pub(crate) const KEPT: &[Op] = &[Enter(0), Refresh(0)];
/// A guard that is refreshed forever, after one that overlaps it, and beside one for a while.
pub(crate) const KEPT_AMONG: [&[Op]; 2] = [
    &[Enter(1), Enter(0), Leave(1), Refresh(0)],
    &[Enter(0), Enter(1), Refresh(0), Leave(1), Refresh(0)],
];
/// A guard that is refreshed once.
pub(crate) const REFRESHED: &[Op] = &[Enter(0), Refresh(0), Leave(0)];

/// Three guards at once, which may be on three sides and leave in every order.
pub(crate) const DEEP: [&[Op]; 6] = [
    &[Enter(0), Enter(1), Enter(2), Leave(1), Leave(0), Leave(2)],
    &[Enter(0), Enter(1), Enter(2), Leave(0), Leave(2), Leave(1)],
    &[Enter(0), Enter(1), Enter(2), Leave(0), Leave(1), Leave(2)],
    &[Enter(0), Enter(1), Enter(2), Leave(1), Leave(2), Leave(0)],
    &[Enter(0), Enter(1), Enter(2), Leave(2), Leave(0), Leave(1)],
    &[Enter(0), Enter(1), Enter(2), Leave(2), Leave(1), Leave(0)],
];
/// Three guards, any two of which are kept.
pub(crate) const DEEP_HOLD: [&[Op]; 3] = [
    &[Enter(0), Enter(1), Enter(2), Leave(1)],
    &[Enter(0), Enter(1), Enter(2), Leave(0)],
    &[Enter(0), Enter(1), Enter(2), Leave(2)],
];

/// A reader with this many stores in its buffer drains it. One read makes fewer.
const BUFFERED: u8 = 6;

/// The stores of a thread that memory has not seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Buffer {
    stores: [(u8, u8); 8],
    len: u8,
}

impl Buffer {
    fn push(&mut self, address: u8, value: u8) {
        self.stores[self.len as usize] = (address, value);
        self.len += 1;
    }

    fn pop(&mut self) -> (u8, u8) {
        let first = self.stores[0];
        self.stores.rotate_left(1);
        self.len -= 1;
        // Equal buffers must be equal states.
        self.stores[self.len as usize..].fill((0, 0));
        first
    }
}

/// A note: an epoch, and the sides on which there are guards in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Note {
    epoch: u8,
    sides: u8,
}

impl Note {
    fn encode(self) -> u8 {
        self.epoch << 3 | self.sides
    }

    fn decode(word: u8) -> Self {
        Self {
            epoch: word >> 3,
            sides: word & 7,
        }
    }

    fn holds(self, side: u8) -> bool {
        self.sides & bit(side) != 0
    }

    fn with(self, side: u8) -> Self {
        let sides = self.sides | bit(side);
        Self { sides, ..self }
    }

    fn without(self, side: u8) -> Self {
        let sides = self.sides & !bit(side);
        Self { sides, ..self }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Guard {
    /// The side, or the whole word if the guard is refreshed.
    word: u8,
    /// If the guard is kept: the swaps whose start was complete when its enter began, and those
    /// that were started when it ended.
    began: u8,
    ended: u8,
    /// If the guard is refreshed: the flips that memory had seen.
    flips: u8,
}

impl Guard {
    fn side(self) -> u8 {
        self.word & SIDE
    }

    /// Returns whether it was taken while that swap was started.
    fn overlaps(self, swap: u8) -> bool {
        self.began < swap && swap <= self.ended
    }
}

/// The sides that a nested enter has noted, beside the exact ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Announced {
    note: Note,
    moves: u8,
}

/// The next step of a reader within an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum ReaderStep {
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
struct Reader {
    /// The present operation.
    at: u8,
    step: ReaderStep,
    epoch: u8,
    /// The epoch of the present leave.
    leaving: u8,
    /// The note that it has stored.
    note: Note,
    guards: [Option<Guard>; GUARDS],
    /// The guard that a refresh replaces.
    old: Option<Guard>,
    /// The swaps whose start was complete when the present enter began.
    began: u8,
    registered: bool,
}

impl Reader {
    fn live(&self) -> impl Iterator<Item = Guard> {
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
enum WriterStep {
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
struct Waiting {
    /// The epoch of each reader, or 0.
    epochs: [u8; READERS],
    /// The writer has asked it for a wake.
    asked: [bool; READERS],
    /// The number of the swap.
    swap: u8,
}

impl Waiting {
    fn is_empty(&self) -> bool {
        self.epochs == [0; READERS]
    }

    fn take(&mut self, r: usize, forgets: bool) {
        self.epochs[r] = 0;
        self.asked[r] &= !forgets;
    }

    fn last(&self) -> Option<usize> {
        (0..READERS).rev().find(|&r| self.epochs[r] != 0)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Writer {
    step: WriterStep,
    /// The front word, as the writer stored it.
    word: u8,
    back: u8,
    swaps: u8,
    starts: u8,
    /// The view: a bit for each reader.
    view: u8,
    /// The waiting set of the last swap, and that of the spare side.
    waiting: Waiting,
    aside: Waiting,
    spare_free: bool,
    registered: bool,
    woken: bool,
    /// W2 of this swap needs a barrier.
    barrier: bool,
    /// A start may still unwind.
    unwinds: bool,
    /// A claim may still clear FENCED. (In the code the first claim does, before any swap.)
    clears: bool,
    /// How many more times it may set a side aside.
    sets_aside: u8,
}

impl Writer {
    fn spare(&self) -> u8 {
        3 - (self.word & SIDE) - self.back
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    memory: [u8; ADDRESSES],
    buffers: [Buffer; READERS + 1],
    readers: [Reader; READERS],
    writer: Writer,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Action {
    /// Memory gets the oldest store of a thread.
    Drain(usize),
    Reader(usize),
    /// W1, with a mode.
    Publish(bool),
    /// A claim clears FENCED.
    Clear,
    /// The mutant that sets FENCED when a scan is over.
    Set,
    /// Something fails between W1 and W3.
    Unwind,
    /// The barrier reaches a reader.
    Reach(usize),
    /// A check of one straggler of the last swap, and of one of the spare side.
    Check(usize),
    CheckAside(usize),
    SetAside,
    Poll,
    Writer,
}

/// The limits of a model.
#[derive(Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) swaps: u8,
    /// How many times a side may be set aside.
    pub(crate) sets_aside: u8,
    /// One start may unwind between W1 and W3.
    pub(crate) unwinds: bool,
    /// The writer publishes into both modes, not only into the first one.
    pub(crate) changes_mode: bool,
}

pub(crate) struct Machine {
    pub(crate) scripts: [&'static [Op]; READERS],
    pub(crate) bounds: Bounds,
    pub(crate) fenced: bool,
    pub(crate) mutant: Option<Mutant>,
}

impl Machine {
    fn is(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }

    /// Returns whether a reader ever leaves.
    fn leaves(&self) -> bool {
        let mut ops = self.scripts.iter().flat_map(|script| script.iter());
        ops.any(|op| matches!(op, Leave(_) | Refresh(_)))
    }

    /// Makes one step of a reader. Returns `false` if it must drain its buffer first.
    fn reader(&self, state: &mut State, r: usize) -> bool {
        if state.buffers[r].len >= BUFFERED {
            return false;
        }
        let flips = self.flips(&state.memory, &state.writer);
        let State {
            memory,
            buffers,
            readers,
            writer,
        } = state;
        let (reader, buffer) = (&mut readers[r], &mut buffers[r]);
        let op = self.scripts[r].get(reader.at as usize).copied();
        let front = memory[WORD as usize];
        let fences = front & FENCED != 0 && !self.is(Mutant::NoReaderFence);
        let began = reader.began;
        let started = self.bounds.swaps - writer.swaps;
        let is_kept = self.is_kept(r, reader);
        let taken = |word: u8| {
            let refreshed = match op {
                Some(Enter(guard) | Refresh(guard)) => self.scripts[r].contains(&Refresh(guard)),
                _ => false,
            };
            Guard {
                word: if refreshed { word } else { word & SIDE },
                began: if is_kept { began } else { 0 },
                ended: if is_kept { started } else { 0 },
                flips: if refreshed { flips } else { 0 },
            }
        };
        let mut done = false;
        match (reader.step, op) {
            (ReaderStep::Next, None) => return false,
            (ReaderStep::Next, Some(Register)) => {
                // The list is locked, which drains the buffer on x86; here it does not.
                reader.registered = true;
                buffer.push(CHANGED, 1);
                done = true;
            }
            (ReaderStep::Next, Some(Enter(_))) => {
                reader.began = if is_kept { writer.starts } else { 0 };
                if reader.epoch % 2 == 1 {
                    reader.step = ReaderStep::NestedLoad;
                    return true;
                }
                if self.is(Mutant::LoadBeforeEpoch) {
                    reader.step = ReaderStep::Late(taken(self.entered(front)));
                    return true;
                }
                reader.epoch += 1;
                buffer.push(of(r, EPOCH), reader.epoch);
                reader.step = ReaderStep::Load;
            }
            (ReaderStep::Late(guard), _) => {
                reader.epoch += 1;
                buffer.push(of(r, EPOCH), reader.epoch);
                reader.step = ReaderStep::Note(guard);
            }
            (ReaderStep::Load, _) if fences => reader.step = ReaderStep::Fence,
            (ReaderStep::Load | ReaderStep::LoadAgain, _) => {
                reader.step = ReaderStep::Note(taken(self.entered(front)));
            }
            (ReaderStep::Fence, _) if buffer.len > 0 => return false,
            (ReaderStep::Fence, _) => reader.step = ReaderStep::LoadAgain,
            (ReaderStep::Note(guard), Some(Enter(index))) => {
                reader.note = Note {
                    epoch: reader.epoch,
                    sides: bit(guard.side()),
                };
                buffer.push(of(r, NOTE), reader.note.encode());
                // The enter ends here, not with the load.
                let ended = if is_kept { started } else { 0 };
                reader.guards[index] = Some(Guard { ended, ..guard });
                done = true;
            }
            (ReaderStep::Next, Some(Refresh(guard))) => {
                if self.is_current(reader.guards[guard].unwrap(), memory) {
                    if self.keeps(r, reader) {
                        return false;
                    }
                    done = true;
                } else {
                    reader.step = ReaderStep::NestedLoad;
                }
            }
            (ReaderStep::NestedLoad, _) => {
                if reader.note.holds(front & SIDE) || self.is(Mutant::NoNote) {
                    done = self.enter_nested(reader, op, taken(front));
                } else {
                    reader.step = ReaderStep::Announce(Announced {
                        note: reader.note,
                        moves: 0,
                    });
                }
            }
            (ReaderStep::Announce(announced), _) if fences && !self.is(Mutant::NoNestedFence) => {
                reader.step = ReaderStep::AnnounceFence(announced);
            }
            (ReaderStep::AnnounceFence(_), _) if buffer.len > 0 => return false,
            (ReaderStep::AnnounceFence(announced), _) => {
                reader.step = ReaderStep::AnnounceAgain(announced);
            }
            (ReaderStep::Announce(announced) | ReaderStep::AnnounceAgain(announced), _) => {
                let Announced { note, moves } = announced;
                let side = front & SIDE;
                if !note.holds(side) && !self.is(Mutant::NoteAfterLoad) {
                    reader.step = ReaderStep::Announces(announced, front);
                } else {
                    let exact = if self.is(Mutant::NoteStays) {
                        note
                    } else {
                        reader.exact().with(side)
                    };
                    let early = moves > 1 || note != exact;
                    let word = if early && !self.is(Mutant::MarkAnnounced) {
                        front & !STRAGGLERS
                    } else {
                        front
                    };
                    if reader.note == exact {
                        done = self.enter_nested(reader, op, taken(word));
                    } else {
                        reader.step = ReaderStep::Exact(taken(word));
                    }
                }
            }
            (ReaderStep::Announces(announced, word), _) => {
                reader.note = announced.note.with(word & SIDE);
                buffer.push(of(r, NOTE), reader.note.encode());
                if self.is(Mutant::NoSecondLoad) {
                    done = self.enter_nested(reader, op, taken(word));
                } else {
                    reader.step = ReaderStep::Announce(Announced {
                        note: reader.note,
                        moves: announced.moves + 1,
                    });
                }
            }
            (ReaderStep::Exact(guard), _) => {
                reader.note = reader.exact().with(guard.side());
                buffer.push(of(r, NOTE), reader.note.encode());
                done = self.enter_nested(reader, op, guard);
            }
            (ReaderStep::Next, Some(Leave(guard))) => {
                let gone = reader.guards[guard].take().unwrap();
                done = self.leave(memory, reader, buffer, r, gone);
            }
            (ReaderStep::LeaveOld(gone), _) => {
                reader.old = None;
                done = self.leave(memory, reader, buffer, r, gone);
            }
            (ReaderStep::Asked, _) => {
                if memory[of(r, ASKED) as usize] != reader.leaving {
                    done = true;
                } else if reader.epoch % 2 == 0 {
                    reader.step = ReaderStep::Wake;
                } else {
                    reader.step = ReaderStep::AskedSide;
                }
            }
            (ReaderStep::AskedSide, _) => {
                // A read-modify-write.
                if buffer.len > 0 {
                    return false;
                }
                let sides = &mut memory[of(r, ASKED_SIDES) as usize];
                let wakes = *sides & !reader.note.sides != 0;
                *sides &= reader.note.sides;
                if self.is(Mutant::AnswersForAll) {
                    *sides = 0;
                }
                if wakes && !self.is(Mutant::NoNestedWake) {
                    reader.step = ReaderStep::Wake;
                } else {
                    done = true;
                }
            }
            (ReaderStep::LateLeave(asked), _) => {
                reader.epoch += 1;
                buffer.push(of(r, EPOCH), reader.epoch);
                reader.step = ReaderStep::Wake;
                done = !asked;
            }
            (ReaderStep::Wake, _) => {
                // The `AtomicWaker` is one read-modify-write after the other.
                if buffer.len > 0 {
                    return false;
                }
                writer.woken |= core::mem::take(&mut writer.registered);
                done = true;
            }
            (step, op) => unreachable!("{step:?} in {op:?}"),
        }
        if done {
            reader.step = ReaderStep::Next;
            reader.began = 0;
            reader.leaving = 0;
            reader.at += u8::from(!self.keeps(r, reader));
        }
        true
    }

    /// Begins an enter that is nested. Returns whether it is complete.
    fn enter_nested(&self, reader: &mut Reader, op: Option<Op>, guard: Guard) -> bool {
        match op {
            Some(Enter(index)) => {
                reader.guards[index] = Some(guard);
                true
            }
            Some(Refresh(index)) => {
                reader.old = reader.guards[index].replace(guard);
                reader.step = ReaderStep::LeaveOld(reader.old.unwrap());
                false
            }
            op => unreachable!("an enter in {op:?}"),
        }
    }

    /// L1, or the rest of the note. Returns whether the leave is complete.
    fn leave(
        &self,
        memory: &[u8],
        reader: &mut Reader,
        buffer: &mut Buffer,
        r: usize,
        gone: Guard,
    ) -> bool {
        reader.leaving = reader.epoch;
        reader.step = ReaderStep::Asked;
        let rest = reader.guards.iter().flatten();
        if rest.clone().count() == 0 {
            if self.is(Mutant::AskedBeforeLeave) {
                let asked = memory[of(r, ASKED) as usize] == reader.epoch;
                reader.step = ReaderStep::LateLeave(asked);
            } else {
                reader.epoch += 1;
                buffer.push(of(r, EPOCH), reader.epoch);
            }
        } else if rest.clone().all(|guard| guard.side() != gone.side())
            && !self.is(Mutant::NoNestedNote)
        {
            reader.note = reader.note.without(gone.side());
            buffer.push(of(r, NOTE), reader.note.encode());
        }
        false
    }

    /// Returns whether the guard that it enters never leaves and is never refreshed.
    fn is_kept(&self, r: usize, reader: &Reader) -> bool {
        let mut ops = self.scripts[r].iter().skip(usize::from(reader.at));
        let Some(&Enter(guard)) = ops.next() else {
            return false;
        };
        !ops.any(|&op| op == Leave(guard) || op == Refresh(guard))
    }

    /// Returns whether the reader is at its last operation, a refresh, which repeats forever.
    fn keeps(&self, r: usize, reader: &Reader) -> bool {
        let script = self.scripts[r];
        usize::from(reader.at) + 1 == script.len() && matches!(script.last(), Some(Refresh(_)))
    }

    /// Returns the word that the guard of an enter keeps, if that is not nested.
    fn entered(&self, word: u8) -> u8 {
        if self.is(Mutant::MarkEntered) {
            word
        } else {
            word & !STRAGGLERS
        }
    }

    /// The one load of a refresh.
    fn is_current(&self, guard: Guard, memory: &[u8]) -> bool {
        guard.word == memory[WORD as usize]
    }

    /// Returns how many flips memory has seen.
    fn flips(&self, memory: &[u8], writer: &Writer) -> u8 {
        // W2 drains each flip before the next one.
        let pending = memory[WORD as usize] & SIDE != writer.word & SIDE;
        self.bounds.swaps - writer.swaps - u8::from(pending)
    }

    /// Returns whether a reader may have a guard on a side in an epoch.
    fn may_hold(&self, memory: &[u8], r: usize, side: u8, epoch: u8) -> bool {
        let note = Note::decode(memory[of(r, NOTE) as usize]);
        if note.epoch == epoch {
            note.holds(side)
        } else {
            !self.is(Mutant::OldNoteCounts)
        }
    }

    /// Returns whether a straggler has left a side.
    ///
    /// The code loads the epoch and then the note. One step is equivalent, since a straggler that
    /// has left stays so.
    fn has_left(&self, memory: &[u8], r: usize, side: u8, epoch: u8) -> bool {
        let moved_on = memory[of(r, EPOCH) as usize] != epoch;
        moved_on || !self.is(Mutant::LeftByEpoch) && !self.may_hold(memory, r, side, epoch)
    }

    /// Checks one straggler of the last swap. Returns whether it has left.
    fn check(&self, memory: &[u8], writer: &mut Writer, r: usize) -> bool {
        let epoch = writer.waiting.epochs[r];
        let left = epoch != 0 && self.has_left(memory, r, writer.back, epoch);
        if left {
            writer.waiting.take(r, !self.is(Mutant::AskOnce));
        }
        left
    }

    /// Checks one straggler of the spare side. Returns whether it has left.
    fn check_aside(&self, memory: &[u8], writer: &mut Writer, r: usize) -> bool {
        let epoch = writer.aside.epochs[r];
        let left = epoch != 0 && self.has_left(memory, r, writer.spare(), epoch);
        if left {
            writer.aside.take(r, true);
        }
        if writer.aside.is_empty() {
            writer.spare_free = true;
            writer.aside = Waiting::default();
        }
        left
    }

    /// P1: asks the last straggler of each side. Returns whether it asked any.
    fn request_wake(&self, buffer: &mut Buffer, writer: &mut Writer) -> bool {
        let (old, spare) = (bit(writer.back), bit(writer.spare()));
        let once = self.is(Mutant::AskOnce) && writer.waiting.asked != [false; READERS];
        let Writer { waiting, aside, .. } = writer;
        let mut any = false;
        if let Some(r) = waiting.last().filter(|&r| !waiting.asked[r] && !once) {
            waiting.asked[r] = true;
            any = true;
            let both = aside.epochs[r] != 0 && !self.is(Mutant::AskedForOne);
            buffer.push(of(r, ASKED_SIDES), old | if both { spare } else { 0 });
            buffer.push(of(r, ASKED), waiting.epochs[r]);
        }
        if self.is(Mutant::SpareNotAsked) {
            return any;
        }
        if let Some(r) = aside.last().filter(|&r| !aside.asked[r]) {
            aside.asked[r] = true;
            any = true;
            let both = waiting.epochs[r] != 0 && !self.is(Mutant::AskedForOne);
            buffer.push(of(r, ASKED_SIDES), spare | if both { old } else { 0 });
            buffer.push(of(r, ASKED), aside.epochs[r]);
        }
        any
    }

    /// Makes the writer's next step, if it has only one. Returns whether it did.
    fn writer(&self, state: &mut State) -> bool {
        let State {
            memory,
            buffers,
            readers,
            writer,
        } = state;
        let buffer = &mut buffers[WRITER];
        const ALL: u8 = (1 << READERS) - 1;
        writer.step = match writer.step {
            WriterStep::Order(_) | WriterStep::OrderWait if buffer.len > 0 => return false,
            WriterStep::Order(true) => WriterStep::Barrier(ALL),
            WriterStep::Order(false) | WriterStep::Barrier(0) => WriterStep::View,
            WriterStep::View => {
                if memory[CHANGED as usize] > 0 && !self.is(Mutant::ViewBeforeOrder) {
                    renew(memory, readers, writer);
                }
                WriterStep::Scan(0)
            }
            WriterStep::Flipped(barrier) => WriterStep::Order(barrier),
            WriterStep::Scan(r) if (r as usize) < READERS => {
                let epoch = memory[of(r as usize, EPOCH) as usize];
                if epoch % 2 == 1 && writer.view & (1 << r) > 0 {
                    WriterStep::ScanNote(r, epoch)
                } else {
                    WriterStep::Scan(r + 1)
                }
            }
            WriterStep::ScanNote(r, epoch) => {
                if self.may_hold(memory, r as usize, writer.back, epoch) {
                    writer.waiting.epochs[r as usize] = epoch;
                }
                WriterStep::Scan(r + 1)
            }
            WriterStep::Scan(_) => {
                writer.starts += 1;
                writer.waiting.swap = writer.starts;
                finished_or(writer, WriterStep::Waits)
            }
            WriterStep::Request => {
                if self.request_wake(buffer, writer) {
                    WriterStep::OrderWait
                } else {
                    WriterStep::Sleeps
                }
            }
            WriterStep::OrderWait if self.is(Mutant::WaitFences) && writer.word & FENCED != 0 => {
                WriterStep::Recheck(0)
            }
            WriterStep::OrderWait => WriterStep::BarrierWait(ALL),
            WriterStep::BarrierWait(0) => WriterStep::Recheck(0),
            WriterStep::Recheck(r) if (r as usize) < READERS => {
                self.check(memory, writer, r as usize);
                WriterStep::Recheck(r + 1)
            }
            WriterStep::Recheck(r) if (r as usize) == READERS => {
                let next = finished_or(writer, WriterStep::Recheck(r + 1));
                if next == WriterStep::Owns {
                    // The writer takes its waker back.
                    writer.registered = false;
                } else if !self.is(Mutant::NoMark) {
                    mark(buffer, writer);
                }
                next
            }
            WriterStep::Recheck(r) if (r as usize) <= 2 * READERS => {
                if !self.is(Mutant::SpareNotPolled) {
                    self.check_aside(memory, writer, r as usize - READERS - 1);
                }
                WriterStep::Recheck(r + 1)
            }
            WriterStep::Recheck(_) => WriterStep::Request,
            WriterStep::Sleeps if writer.woken => WriterStep::Waits,
            _ => return false,
        };
        true
    }

    /// W1.
    fn publish(&self, next: &mut State, fenced: bool) -> bool {
        let writer = &mut next.writer;
        let before = writer.word & FENCED != 0;
        if writer.step != WriterStep::Owns
            || writer.swaps == 0
            || fenced != before && !self.bounds.changes_mode
        {
            return false;
        }
        let left_out = if fenced && !before {
            self.is(Mutant::NoBarrierUp)
        } else {
            self.is(Mutant::NoBarrierUnfenced)
        };
        let barrier = !before && !left_out;
        if next.memory[CHANGED as usize] > 0 {
            renew(&mut next.memory, &next.readers, writer);
        }
        writer.swaps -= 1;
        writer.waiting = Waiting::default();
        writer.barrier = barrier;
        let old = writer.word & SIDE;
        writer.word = writer.back | if fenced { FENCED } else { 0 };
        writer.back = old;
        writer.step = WriterStep::Order(barrier);
        next.buffers[WRITER].push(WORD, writer.word);
        true
    }

    /// Returns the state after an action, if the action is possible.
    fn after(&self, state: &State, action: Action) -> Option<State> {
        let mut next = state.clone();
        let writer = &mut next.writer;
        let possible = match action {
            Action::Drain(thread) => {
                let possible = next.buffers[thread].len > 0;
                if possible {
                    let (address, value) = next.buffers[thread].pop();
                    next.memory[address as usize] = value;
                }
                possible
            }
            Action::Reader(r) => self.reader(&mut next, r),
            Action::Publish(fenced) => self.publish(&mut next, fenced),
            Action::Clear => {
                let between = matches!(
                    writer.step,
                    WriterStep::Owns | WriterStep::Waits | WriterStep::Flipped(_)
                );
                let possible = between && writer.clears && writer.word & FENCED != 0;
                if possible {
                    writer.clears = false;
                    writer.word &= !FENCED;
                    next.buffers[WRITER].push(WORD, writer.word);
                }
                possible
            }
            Action::Set => {
                let possible = self.is(Mutant::ModeAfterScan)
                    && matches!(writer.step, WriterStep::Owns | WriterStep::Waits)
                    && writer.word & FENCED == 0;
                if possible {
                    writer.word |= FENCED;
                    next.buffers[WRITER].push(WORD, writer.word);
                }
                possible
            }
            Action::Unwind => {
                let started = matches!(
                    writer.step,
                    WriterStep::Order(_) | WriterStep::Barrier(_) | WriterStep::View
                );
                let possible = started && writer.unwinds;
                if possible {
                    writer.unwinds = false;
                    writer.step = if self.is(Mutant::NoSecondScan) {
                        WriterStep::Owns
                    } else if self.is(Mutant::SecondScanByNewMode) {
                        WriterStep::Flipped(writer.word & FENCED == 0)
                    } else {
                        WriterStep::Flipped(writer.barrier)
                    };
                }
                possible
            }
            Action::Reach(r) => {
                let (WriterStep::Barrier(unreached) | WriterStep::BarrierWait(unreached)) =
                    &mut writer.step
                else {
                    return None;
                };
                let possible = *unreached & (1 << r) != 0;
                *unreached &= !(1 << r);
                while next.buffers[r].len > 0 {
                    let (address, value) = next.buffers[r].pop();
                    next.memory[address as usize] = value;
                }
                possible
            }
            Action::Check(r) => {
                // Also while the writer sleeps. It is not woken.
                let is_idle = matches!(writer.step, WriterStep::Waits | WriterStep::Sleeps);
                let possible = is_idle && writer.waiting.epochs[r] != 0;
                let buffer = &mut next.buffers[WRITER];
                if possible && self.check(&next.memory, writer, r) {
                    writer.step = finished_or(writer, writer.step);
                    true
                } else {
                    possible && !self.is(Mutant::NoMark) && mark(buffer, writer)
                }
            }
            Action::CheckAside(r) => {
                let is_idle = matches!(
                    writer.step,
                    WriterStep::Owns | WriterStep::Waits | WriterStep::Sleeps
                );
                if !is_idle || writer.spare_free {
                    return None;
                }
                let left = self.check_aside(&next.memory, writer, r);
                left || writer.spare_free
            }
            Action::SetAside => {
                let possible = writer.step == WriterStep::Waits
                    && writer.sets_aside > 0
                    && (writer.spare_free || self.is(Mutant::SpareNotFree));
                if possible {
                    writer.sets_aside -= 1;
                    writer.back = writer.spare();
                    writer.aside = core::mem::take(&mut writer.waiting);
                    writer.spare_free = false;
                    if self.is(Mutant::SetAsideForgets) {
                        writer.aside.epochs = [0; READERS];
                    }
                    writer.step = WriterStep::Owns;
                }
                possible
            }
            Action::Poll => {
                // The waker is registered by a read-modify-write.
                let possible = writer.step == WriterStep::Waits && next.buffers[WRITER].len == 0;
                if possible {
                    writer.registered = true;
                    writer.woken = false;
                    writer.step = WriterStep::Recheck(0);
                }
                possible
            }
            Action::Writer => self.writer(&mut next),
        };
        possible.then(|| next.without_unused_values(self))
    }
}

impl Reader {
    /// Returns the note that names exactly the sides of its guards.
    fn exact(&self) -> Note {
        let guards = self.guards.iter().flatten();
        Note {
            epoch: self.note.epoch,
            sides: guards.fold(0, |sides, guard| sides | bit(guard.side())),
        }
    }
}

/// Marks the word because a check has found stragglers. Returns whether that is new.
fn mark(buffer: &mut Buffer, writer: &mut Writer) -> bool {
    let new = writer.word & STRAGGLERS == 0;
    if new {
        writer.word |= STRAGGLERS;
        buffer.push(WORD, writer.word);
    }
    new
}

/// Renews the view, under the list's lock: all readers that have registered.
fn renew(memory: &mut [u8], readers: &[Reader], writer: &mut Writer) {
    writer.view = (0..READERS)
        .filter(|&r| readers[r].registered)
        .fold(0, |view, r| view | 1 << r);
    memory[CHANGED as usize] = 0;
}

fn finished_or(writer: &Writer, otherwise: WriterStep) -> WriterStep {
    if writer.waiting.is_empty() {
        WriterStep::Owns
    } else {
        otherwise
    }
}

impl State {
    /// Clears values that nothing will load, so that states with equal futures are equal.
    fn without_unused_values(mut self, machine: &Machine) -> Self {
        for (r, reader) in self.readers.iter().enumerate() {
            // `asked` names an epoch that is over, and no leave of it is in progress.
            let asked = &mut self.memory[of(r, ASKED) as usize];
            if *asked < reader.epoch && reader.leaving != *asked {
                *asked = 0;
            }
        }
        let writer = &mut self.writer;
        if matches!(writer.step, WriterStep::Owns | WriterStep::Waits) {
            // The writer does not wait, so a wake has no effect.
            writer.registered = false;
            writer.woken = false;
        }
        if writer.step == WriterStep::Owns {
            writer.waiting = Waiting::default();
            if writer.swaps == 0 {
                writer.sets_aside = 0;
            }
        }
        if !writer.unwinds && !matches!(writer.step, WriterStep::Flipped(_)) {
            writer.barrier = false;
        }
        if !machine.bounds.changes_mode {
            writer.clears = false;
        }
        self
    }

    /// Returns whether a reader makes no more steps, and memory has all its stores.
    fn is_still(&self, machine: &Machine, r: usize) -> bool {
        let reader = &self.readers[r];
        let ended = match machine.scripts[r].get(usize::from(reader.at)) {
            Some(Refresh(guard)) => {
                let guard = reader.guards[*guard].unwrap();
                machine.keeps(r, reader)
                    && reader.step == ReaderStep::Next
                    && machine.is_current(guard, &self.memory)
            }
            Some(_) => false,
            None => true,
        };
        ended && self.buffers[r].len == 0
    }

    /// Returns whether the writer sleeps and no thread makes another step.
    fn is_asleep_forever(&self, machine: &Machine) -> bool {
        self.writer.step == WriterStep::Sleeps
            && !self.writer.woken
            && self.buffers[WRITER].len == 0
            && (0..READERS).all(|r| self.is_still(machine, r))
    }

    /// S12: returns whether some straggler has a guard on the side, or one that was taken while the
    /// swap was started, and does not refresh it.
    fn must_wait(&self, machine: &Machine, waiting: &Waiting, side: u8) -> bool {
        (0..READERS).any(|r| {
            let mut guards = self.readers[r].guards.iter().enumerate();
            waiting.epochs[r] != 0
                && guards.any(|(g, guard)| {
                    machine.scripts[r].last() != Some(&Refresh(g))
                        && guard.is_some_and(|guard| {
                            guard.side() == side || guard.overlaps(waiting.swap)
                        })
                })
        })
    }

    /// S2, for the writer's side and for a spare one that is free.
    fn is_guarded(&self) -> bool {
        let writer = &self.writer;
        let taken = [
            (writer.step == WriterStep::Owns).then_some(writer.back),
            writer.spare_free.then(|| writer.spare()),
        ];
        let mut guards = self.readers.iter().flat_map(Reader::live);
        guards.all(|guard| !taken.contains(&Some(guard.side())))
    }

    /// S12, for a writer that checks: an idle reader has left each side on which it has no guard.
    fn is_checked(&self, machine: &Machine) -> bool {
        let writer = &self.writer;
        (0..READERS).all(|r| {
            let reader = &self.readers[r];
            let is_idle = reader.step == ReaderStep::Next && self.buffers[r].len == 0;
            let left = |waiting: &Waiting, side: u8| {
                waiting.epochs[r] == 0
                    || reader.live().any(|guard| guard.side() == side)
                    || machine.has_left(&self.memory, r, side, waiting.epochs[r])
            };
            !is_idle || left(&writer.waiting, writer.back) && left(&writer.aside, writer.spare())
        })
    }

    /// A guard that is refreshed shows the newest publish, if it is current.
    fn is_newest(&self, machine: &Machine) -> bool {
        let flips = machine.flips(&self.memory, &self.writer);
        (0..READERS).all(|r| {
            let mut guards = self.readers[r].guards.iter().enumerate();
            guards.all(|(g, guard)| {
                !machine.scripts[r].contains(&Refresh(g))
                    || guard.is_none_or(|guard| {
                        !machine.is_current(guard, &self.memory) || guard.flips == flips
                    })
            })
        })
    }
}

impl Model for Machine {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let word = if self.fenced { FENCED } else { 0 };
        let mut memory = [0; ADDRESSES];
        let registers = |r: usize| self.scripts[r].contains(&Register);
        memory[WORD as usize] = word;
        let state = State {
            memory,
            buffers: [Buffer::default(); READERS + 1],
            readers: array::from_fn(|r| Reader {
                at: 0,
                step: ReaderStep::Next,
                epoch: 0,
                leaving: 0,
                note: Note::default(),
                guards: [None; GUARDS],
                old: None,
                began: 0,
                registered: !registers(r),
            }),
            writer: Writer {
                step: WriterStep::Owns,
                word,
                back: 1,
                swaps: self.bounds.swaps,
                starts: 0,
                view: (0..READERS)
                    .filter(|&r| !registers(r))
                    .fold(0, |view, r| view | 1 << r),
                waiting: Waiting::default(),
                aside: Waiting::default(),
                spare_free: true,
                registered: false,
                woken: false,
                barrier: false,
                unwinds: self.bounds.unwinds,
                clears: true,
                sets_aside: self.bounds.sets_aside,
            },
        };
        vec![state.without_unused_values(self)]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let all = (0..=READERS)
            .map(Action::Drain)
            .chain((0..READERS).flat_map(|r| {
                [
                    Action::Reader(r),
                    Action::Reach(r),
                    Action::Check(r),
                    Action::CheckAside(r),
                ]
            }))
            .chain([
                Action::Publish(false),
                Action::Publish(true),
                Action::Clear,
                Action::Set,
                Action::Unwind,
                Action::SetAside,
                Action::Poll,
                Action::Writer,
            ]);
        actions.extend(all.filter(|&action| self.after(state, action).is_some()));
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        self.after(state, action)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(GUARDED, |_, state: &State| state.is_guarded()),
            Property::always(WOKEN, |machine: &Machine, state: &State| {
                let writer = &state.writer;
                !state.is_asleep_forever(machine)
                    || state.must_wait(machine, &writer.waiting, writer.back)
            }),
            Property::always(WOKEN_SPARE, |machine: &Machine, state: &State| {
                let writer = &state.writer;
                !state.is_asleep_forever(machine)
                    || writer.spare_free
                    || state.must_wait(machine, &writer.aside, writer.spare())
            }),
            Property::always(CHECKED, |machine: &Machine, state: &State| {
                state.is_checked(machine)
            }),
            Property::always(NEWEST, |machine: &Machine, state: &State| {
                state.is_newest(machine)
            }),
            Property::sometimes("a swap waits", |_, state: &State| {
                !state.writer.waiting.is_empty()
            }),
            Property::sometimes(
                "a reader wakes the writer",
                |machine: &Machine, state: &State| {
                    let mut readers = state.readers.iter();
                    readers.any(|reader| reader.step == ReaderStep::Wake) || !machine.leaves()
                },
            ),
            Property::sometimes("a side is set aside", |machine: &Machine, state: &State| {
                !state.writer.spare_free || machine.bounds.sets_aside == 0
            }),
            Property::sometimes("all swaps are made", |_, state: &State| {
                state.writer.step == WriterStep::Owns && state.writer.swaps == 0
            }),
        ]
    }
}
