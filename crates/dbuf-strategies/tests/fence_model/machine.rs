//! Two readers, a writer, and what lies between them and memory.

use core::array;

use stateright::{Model, Property};

use crate::{GUARDED, NEWEST, WOKEN};

const READERS: usize = 2;
const WRITER: usize = READERS;

/// Bits of the side word.
const SIDE: u8 = 1;
const FENCED: u8 = 2;
const STRAGGLERS: u8 = 4;

/// Places in memory: the side word, then three of each reader, then whether readers came.
const WORD: u8 = 0;
const EPOCH: u8 = 1;
const ASKED: u8 = 2;
const SEEN: u8 = 3;
const CHANGED: u8 = 1 + 3 * READERS as u8;
const PLACES: usize = CHANGED as usize + 1;

const fn of(reader: usize, place: u8) -> u8 {
    reader as u8 * 3 + place
}

/// A part of the protocol that is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mutant {
    /// W2 of the swap that sets FENCED is the writer's own fence.
    NoBarrierUp,
    /// Readers ignore FENCED.
    NoReaderFence,
    /// W2 of swaps in unfenced mode is the writer's own fence.
    NoBarrierUnfenced,
    /// P2 is the writer's own fence when FENCED is set.
    WaitFences,
    /// Readers with guards never move on.
    NoStep,
    /// Not when the last guard on the older side goes.
    NoStepOfOlder,
    /// Not when a swap says that it has seen them.
    NoStepOfSeen,
    /// A mode is set after a scan, and not by W1.
    ModeAfterScan,
    /// A start that unwound between W1 and W3 is taken for a complete one.
    NoSecondScan,
    /// W2 and W3 that are made up for go by the mode after W1.
    SecondScanByNewMode,
    /// Whether readers came is loaded before W2.
    ViewBeforeOrder,
    /// A straggler that was asked and has left is not replaced by another.
    AskOnce,
    /// A check that finds stragglers leaves the side word as it is.
    NoMark,
    /// The word says that there are stragglers before the scan has noted them.
    MarkBeforeScan,
    /// A flip leaves the mark of the last swap in the word.
    MarkStays,
    /// A guard that is not nested may be current where there are stragglers.
    MarkEntered,
}

/// Guards that a reader can have at a time.
const GUARDS: usize = 3;

/// What a reader does next, with one of its guards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Op {
    Register,
    Enter(usize),
    Leave(usize),
    /// At the end of a script it is made again and again.
    Refresh(usize),
}
use Op::{Enter, Leave, Refresh, Register};

/// One read.
pub(crate) const READ: &[Op] = &[Enter(0), Leave(0)];
/// The first read of a reader.
pub(crate) const FRESH: &[Op] = &[Register, Enter(0), Leave(0)];
/// Two reads.
pub(crate) const PLAIN: &[Op] = &[Enter(0), Leave(0), Enter(0), Leave(0)];
/// Three guards, each of which overlaps the next.
pub(crate) const NESTED: &[Op] = &[Enter(0), Enter(1), Leave(0), Enter(0), Leave(1), Leave(0)];
/// Two guards, the second of which stays forever.
pub(crate) const HOLD: &[Op] = &[Enter(0), Enter(1), Leave(0)];

/// One guard, which is refreshed as long as the reader lives.
pub(crate) const KEPT: &[Op] = &[Enter(0), Refresh(0)];
/// The same, after a guard that overlaps it, and beside one for some time.
pub(crate) const KEPT_AMONG: [&[Op]; 2] = [
    &[Enter(1), Enter(0), Leave(1), Refresh(0)],
    &[Enter(0), Enter(1), Refresh(0), Leave(1), Refresh(0)],
];
/// A guard that is refreshed once.
pub(crate) const REFRESHED: &[Op] = &[Enter(0), Refresh(0), Leave(0)];
/// No read.
pub(crate) const IDLE: &[Op] = &[];

/// Three guards at once, that go in every order.
pub(crate) const DEEP: [&[Op]; 6] = [
    &[Enter(0), Enter(1), Enter(2), Leave(0), Leave(1), Leave(2)],
    &[Enter(0), Enter(1), Enter(2), Leave(0), Leave(2), Leave(1)],
    &[Enter(0), Enter(1), Enter(2), Leave(1), Leave(0), Leave(2)],
    &[Enter(0), Enter(1), Enter(2), Leave(1), Leave(2), Leave(0)],
    &[Enter(0), Enter(1), Enter(2), Leave(2), Leave(0), Leave(1)],
    &[Enter(0), Enter(1), Enter(2), Leave(2), Leave(1), Leave(0)],
];
/// Three guards, one of which stays forever, whichever it is.
pub(crate) const DEEP_HOLD: [&[Op]; 6] = [
    &[Enter(0), Enter(1), Enter(2), Leave(0), Leave(1)],
    &[Enter(0), Enter(1), Enter(2), Leave(0), Leave(2)],
    &[Enter(0), Enter(1), Enter(2), Leave(1), Leave(0)],
    &[Enter(0), Enter(1), Enter(2), Leave(1), Leave(2)],
    &[Enter(0), Enter(1), Enter(2), Leave(2), Leave(0)],
    &[Enter(0), Enter(1), Enter(2), Leave(2), Leave(1)],
];

/// Stores that memory has not seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Buffer {
    stores: [(u8, u8); 8],
    len: u8,
}

impl Buffer {
    fn push(&mut self, place: u8, value: u8) {
        self.stores[self.len as usize] = (place, value);
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Guard {
    /// The side; all of the word if the guard is refreshed.
    word: u8,
    /// Swaps whose start was complete when it was taken.
    starts: u8,
    /// Flips that memory had seen, if the guard is refreshed.
    flips: u8,
}

impl Guard {
    fn side(self) -> u8 {
        self.word & SIDE
    }
}

/// Where a reader is within an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum ReaderStep {
    Next,
    /// E3, then E2 and E3 of fenced mode.
    Load,
    Fence,
    LoadAgain,
    /// A refresh: the guard that takes the place of the one that is not current, then the
    /// leave of that.
    Renew,
    LeaveOld(Guard),
    /// A load of `seen_by_swap`, after a nested leave.
    Seen,
    /// L3, then the wake.
    Asked(u8),
    Wake,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Reader {
    /// The operation at hand.
    at: u8,
    step: ReaderStep,
    epoch: u8,
    guards: [Option<Guard>; GUARDS],
    newest: u8,
    registered: bool,
}

impl Reader {
    fn live(&self) -> impl Iterator<Item = Guard> {
        let old = match self.step {
            ReaderStep::LeaveOld(guard) => Some(guard),
            _ => None,
        };
        self.guards.into_iter().chain([old]).flatten()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum WriterStep {
    /// Finished: the back is being written.
    Owns,
    /// W2: with a barrier, or with a fence.
    Order(bool),
    /// Readers that the barrier has not reached, a bit each.
    Barrier(u8),
    /// The view, which is renewed if readers came.
    View,
    /// The start unwound before W3: W2 needs a barrier, or does not.
    Flipped(bool),
    /// W3, reader by reader, then the end of the start.
    Scan(u8),
    /// Unfinished.
    Waits,
    /// P1, for one straggler, then P2, then P3.
    Ask,
    OrderWait,
    BarrierWait(u8),
    Recheck(u8),
    Sleeps,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Writer {
    step: WriterStep,
    /// Its own idea of the side word.
    word: u8,
    swaps: u8,
    starts: u8,
    /// The readers that it knows, a bit each.
    view: u8,
    /// The epochs that the last swap waits for, or 0.
    waiting: [u8; READERS],
    /// Whether the reader was asked to wake it.
    asked: [bool; READERS],
    registered: bool,
    woken: bool,
    /// What W2 of this swap needs.
    barrier: bool,
    /// A start may still unwind.
    unwinds: bool,
    /// A claim may still take FENCED away by itself.
    clears: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    memory: [u8; PLACES],
    buffers: [Buffer; READERS + 1],
    readers: [Reader; READERS],
    writer: Writer,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Action {
    /// Memory sees the oldest store of a thread.
    Drain(usize),
    Reader(usize),
    /// W1, into a mode.
    Publish(bool),
    /// A claim clears FENCED.
    Clear,
    /// The mutant that sets FENCED when a scan is over.
    Set,
    /// Something fails between W1 and W3.
    Unwind,
    /// The barrier reaches a reader.
    Reach(usize),
    /// A check of one straggler.
    Look(usize),
    Poll,
    Writer,
}

pub(crate) struct Machine {
    scripts: [&'static [Op]; READERS],
    swaps: u8,
    fenced: bool,
    unwinds: bool,
    mutant: Option<Mutant>,
}

impl Machine {
    pub(crate) fn new(
        scripts: [&'static [Op]; READERS],
        swaps: u8,
        fenced: bool,
        mutant: Option<Mutant>,
    ) -> Self {
        Self {
            scripts,
            swaps,
            fenced,
            unwinds: false,
            mutant,
        }
    }

    /// One start may unwind between W1 and W3.
    pub(crate) fn unwinding(self) -> Self {
        Self {
            unwinds: true,
            ..self
        }
    }

    fn is(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }

    /// One step of a reader; `false` if it must drain its buffer first.
    fn reader(&self, state: &mut State, r: usize) -> bool {
        let State {
            memory,
            buffers,
            readers,
            writer,
        } = state;
        let (reader, buffer) = (&mut readers[r], &mut buffers[r]);
        let op = self.scripts[r].get(reader.at as usize).copied();
        let flips = self.flips(memory, writer);
        let taken = |guard: usize, word: u8| {
            let refreshed = self.scripts[r].contains(&Refresh(guard));
            Some(Guard {
                word: if refreshed { word } else { word & SIDE },
                starts: writer.starts,
                flips: if refreshed { flips } else { 0 },
            })
        };
        let mut done = false;
        match (reader.step, op) {
            (ReaderStep::Next, None) => return false,
            (ReaderStep::Next, Some(Register)) => {
                // The list is locked. That drains the buffer on x86; here it does not.
                reader.registered = true;
                buffer.push(CHANGED, 1);
                done = true;
            }
            (ReaderStep::Next, Some(Enter(_))) if reader.epoch % 2 == 0 => {
                reader.epoch += 1;
                buffer.push(of(r, EPOCH), reader.epoch);
                reader.step = ReaderStep::Load;
            }
            (ReaderStep::Next, Some(Enter(guard))) => {
                reader.newest = memory[WORD as usize] & SIDE;
                reader.guards[guard] = taken(guard, memory[WORD as usize]);
                done = true;
            }
            (ReaderStep::Next, Some(Refresh(guard))) => {
                if self.is_current(reader.guards[guard].unwrap(), memory) {
                    if self.keeps(r, reader) {
                        return false;
                    }
                    done = true;
                } else {
                    reader.step = ReaderStep::Renew;
                }
            }
            (ReaderStep::Renew, Some(Refresh(guard))) => {
                reader.newest = memory[WORD as usize] & SIDE;
                let new = taken(guard, memory[WORD as usize]);
                let old = core::mem::replace(&mut reader.guards[guard], new);
                reader.step = ReaderStep::LeaveOld(old.unwrap());
            }
            (ReaderStep::Load, Some(Enter(guard))) => {
                let word = memory[WORD as usize];
                if word & FENCED != 0 && !self.is(Mutant::NoReaderFence) {
                    reader.step = ReaderStep::Fence;
                } else {
                    reader.guards[guard] = taken(guard, self.entered(word));
                    done = true;
                }
            }
            (ReaderStep::Fence, _) => {
                if buffer.len > 0 {
                    return false;
                }
                reader.step = ReaderStep::LoadAgain;
            }
            (ReaderStep::LoadAgain, Some(Enter(guard))) => {
                let word = self.entered(memory[WORD as usize]);
                reader.guards[guard] = taken(guard, word);
                done = true;
            }
            (ReaderStep::Next, Some(Leave(guard))) => {
                let gone = reader.guards[guard].take().unwrap();
                done = self.leave(reader, buffer, r, gone);
            }
            (ReaderStep::LeaveOld(gone), _) => done = self.leave(reader, buffer, r, gone),
            (ReaderStep::Seen, _) => {
                let found = memory[of(r, SEEN) as usize];
                let front = found & SIDE;
                if found >> 1 == reader.epoch
                    && reader.guards.iter().flatten().all(|g| g.side() == front)
                    && !self.is(Mutant::NoStep)
                    && !self.is(Mutant::NoStepOfSeen)
                {
                    Self::advance(reader, buffer, r, 2);
                } else {
                    done = true;
                }
            }
            (ReaderStep::Asked(epoch), _) => {
                if memory[of(r, ASKED) as usize] == epoch {
                    reader.step = ReaderStep::Wake;
                } else {
                    done = true;
                }
            }
            (ReaderStep::Wake, _) => {
                // The waker cell is one read-modify-write after the other.
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
            reader.at += u8::from(!self.keeps(r, reader));
        }
        true
    }

    /// A guard goes. Whether that is all.
    fn leave(&self, reader: &mut Reader, buffer: &mut Buffer, r: usize, gone: Guard) -> bool {
        let mut left = reader.guards.iter().flatten();
        if left.clone().count() == 0 {
            Self::advance(reader, buffer, r, 1);
        } else if gone.side() == reader.newest {
            reader.step = ReaderStep::Seen;
        } else if left.all(|guard| guard.side() != gone.side())
            && !self.is(Mutant::NoStep)
            && !self.is(Mutant::NoStepOfOlder)
        {
            Self::advance(reader, buffer, r, 2);
        } else {
            return true;
        }
        false
    }

    /// Whether the reader is at its last operation, a refresh, which never ends.
    fn keeps(&self, r: usize, reader: &Reader) -> bool {
        let script = self.scripts[r];
        usize::from(reader.at) + 1 == script.len() && matches!(script.last(), Some(Refresh(_)))
    }

    /// What an enter that is not nested keeps of the word.
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

    /// How many flips memory has seen.
    fn flips(&self, memory: &[u8], writer: &Writer) -> u8 {
        // W2 drains one before the next can come.
        let pending = (memory[WORD as usize] ^ writer.word) & SIDE;
        self.swaps - writer.swaps - pending
    }

    /// L1. The code fences a step; here it does without, which is weaker.
    fn advance(reader: &mut Reader, buffer: &mut Buffer, r: usize, by: u8) {
        reader.step = ReaderStep::Asked(reader.epoch);
        reader.epoch += by;
        buffer.push(of(r, EPOCH), reader.epoch);
    }

    /// The one thing that the writer can do by itself; `false` if there is none.
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
                if self.is(Mutant::MarkBeforeScan) {
                    mark(buffer, writer);
                }
                WriterStep::Scan(0)
            }
            WriterStep::Flipped(barrier) => WriterStep::Order(barrier),
            WriterStep::Scan(r) if (r as usize) < READERS => {
                let epoch = memory[of(r as usize, EPOCH) as usize];
                if epoch % 2 == 1 && writer.view & (1 << r) > 0 {
                    writer.waiting[r as usize] = epoch;
                    let seen = epoch << 1 | writer.word & SIDE;
                    buffer.push(of(r as usize, SEEN), seen);
                }
                WriterStep::Scan(r + 1)
            }
            // The start lasts until readers can see what the scan stored: as a thread does
            // that learns of the start by a later store.
            WriterStep::Scan(_) if buffer.len > 0 => return false,
            WriterStep::Scan(_) => {
                writer.starts += 1;
                finished_or(writer, WriterStep::Waits)
            }
            WriterStep::Ask => {
                let last = (0..READERS).rev().find(|&r| writer.waiting[r] != 0);
                let once = self.is(Mutant::AskOnce) && writer.asked != [false; READERS];
                match last.filter(|&r| !writer.asked[r] && !once) {
                    Some(r) => {
                        writer.asked[r] = true;
                        buffer.push(of(r, ASKED), writer.waiting[r]);
                        WriterStep::OrderWait
                    }
                    None => WriterStep::Sleeps,
                }
            }
            WriterStep::OrderWait if self.is(Mutant::WaitFences) && writer.word & FENCED != 0 => {
                WriterStep::Recheck(0)
            }
            WriterStep::OrderWait => WriterStep::BarrierWait(ALL),
            WriterStep::BarrierWait(0) => WriterStep::Recheck(0),
            WriterStep::Recheck(r) if (r as usize) < READERS => {
                look(memory, buffer, writer, r as usize);
                WriterStep::Recheck(r + 1)
            }
            WriterStep::Recheck(_) => {
                let next = finished_or(writer, WriterStep::Ask);
                if next == WriterStep::Ask && !self.is(Mutant::NoMark) {
                    mark(buffer, writer);
                }
                next
            }
            WriterStep::Sleeps if writer.woken => WriterStep::Waits,
            _ => return false,
        };
        true
    }

    /// The state after an action, if the action is possible.
    fn after(&self, state: &State, action: Action) -> Option<State> {
        let mut next = state.clone();
        let writer = &mut next.writer;
        let possible = match action {
            Action::Drain(thread) => {
                let possible = next.buffers[thread].len > 0;
                if possible {
                    let (place, value) = next.buffers[thread].pop();
                    next.memory[place as usize] = value;
                }
                possible
            }
            Action::Reader(r) => self.reader(&mut next, r),
            Action::Publish(fenced) => {
                let possible = writer.step == WriterStep::Owns && writer.swaps > 0;
                if possible {
                    let before = writer.word & FENCED != 0;
                    let up = !before && fenced;
                    let left_out = if up {
                        self.is(Mutant::NoBarrierUp)
                    } else {
                        self.is(Mutant::NoBarrierUnfenced)
                    };
                    let barrier = !before && !left_out;
                    if next.memory[CHANGED as usize] > 0 {
                        renew(&mut next.memory, &next.readers, writer);
                    }
                    writer.swaps -= 1;
                    writer.asked = [false; READERS];
                    writer.barrier = barrier;
                    let kept = if self.is(Mutant::MarkStays) {
                        SIDE | STRAGGLERS
                    } else {
                        SIDE
                    };
                    writer.word = (writer.word ^ SIDE) & kept | if fenced { FENCED } else { 0 };
                    writer.step = WriterStep::Order(barrier);
                    next.buffers[WRITER].push(WORD, writer.word);
                }
                possible
            }
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
                let (WriterStep::Barrier(left) | WriterStep::BarrierWait(left)) = &mut writer.step
                else {
                    return None;
                };
                let possible = *left & (1 << r) != 0;
                *left &= !(1 << r);
                while next.buffers[r].len > 0 {
                    let (place, value) = next.buffers[r].pop();
                    next.memory[place as usize] = value;
                }
                possible
            }
            Action::Look(r) => {
                let possible = writer.step == WriterStep::Waits && writer.waiting[r] != 0;
                let buffer = &mut next.buffers[WRITER];
                if possible && look(&next.memory, buffer, writer, r) {
                    writer.step = finished_or(writer, WriterStep::Waits);
                    true
                } else {
                    possible && !self.is(Mutant::NoMark) && mark(buffer, writer)
                }
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
        possible.then(|| next.without_dead_values())
    }
}

/// A check of one straggler: whether it has moved on.
fn look(memory: &[u8], buffer: &mut Buffer, writer: &mut Writer, r: usize) -> bool {
    let epoch = writer.waiting[r];
    let gone = epoch != 0 && memory[of(r, EPOCH) as usize] != epoch;
    if gone {
        writer.waiting[r] = 0;
        buffer.push(of(r, SEEN), 0);
    }
    gone
}

/// The word says that a check has found stragglers. Whether that is new.
fn mark(buffer: &mut Buffer, writer: &mut Writer) -> bool {
    let new = writer.word & STRAGGLERS == 0;
    if new {
        writer.word |= STRAGGLERS;
        buffer.push(WORD, writer.word);
    }
    new
}

/// Under the list's lock: the view of all readers that have registered.
fn renew(memory: &mut [u8], readers: &[Reader], writer: &mut Writer) {
    writer.view = (0..READERS)
        .filter(|&r| readers[r].registered)
        .fold(0, |view, r| view | 1 << r);
    memory[CHANGED as usize] = 0;
}

fn finished_or(writer: &Writer, otherwise: WriterStep) -> WriterStep {
    if writer.waiting == [0; READERS] {
        WriterStep::Owns
    } else {
        otherwise
    }
}

impl State {
    /// Takes away what nothing reads any more, so that equal futures are equal states.
    fn without_dead_values(mut self) -> Self {
        for (r, reader) in self.readers.iter().enumerate() {
            // A question about an epoch that is over, and not being answered.
            let asked = &mut self.memory[of(r, ASKED) as usize];
            if *asked < reader.epoch && reader.step != ReaderStep::Asked(*asked) {
                *asked = 0;
            }
        }
        if self.writer.step == WriterStep::Owns {
            self.writer.asked = [false; READERS];
        }
        if !self.writer.unwinds && !matches!(self.writer.step, WriterStep::Flipped(_)) {
            self.writer.barrier = false;
        }
        self
    }

    /// Whether the writer sleeps and nobody will do anything any more.
    fn is_asleep_forever(&self, machine: &Machine) -> bool {
        self.writer.step == WriterStep::Sleeps
            && !self.writer.woken
            && self.buffers.iter().all(|buffer| buffer.len == 0)
            && (self.readers.iter().zip(machine.scripts).enumerate()).all(
                |(r, (reader, script))| match script.get(usize::from(reader.at)) {
                    Some(Refresh(guard)) => {
                        let guard = reader.guards[*guard].unwrap();
                        machine.keeps(r, reader)
                            && reader.step == ReaderStep::Next
                            && machine.is_current(guard, &self.memory)
                    }
                    Some(_) => false,
                    None => true,
                },
            )
    }

    /// S12: some straggler has a guard on the old side, or from before the end of the
    /// swap's start, and does not refresh it.
    fn is_held_up(&self, machine: &Machine) -> bool {
        let writer = &self.writer;
        (0..READERS).any(|r| {
            let mut guards = self.readers[r].guards.iter().enumerate();
            writer.waiting[r] != 0
                && guards.any(|(g, guard)| {
                    machine.scripts[r].last() != Some(&Refresh(g))
                        && guard.is_some_and(|guard| {
                            guard.side() != writer.word & SIDE || guard.starts < writer.starts
                        })
                })
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
        let mut memory = [0; PLACES];
        let registers = |r: usize| self.scripts[r].contains(&Register);
        memory[WORD as usize] = word;
        vec![State {
            memory,
            buffers: [Buffer::default(); READERS + 1],
            readers: array::from_fn(|r| Reader {
                at: 0,
                step: ReaderStep::Next,
                epoch: 0,
                guards: [None; GUARDS],
                newest: 0,
                registered: !registers(r),
            }),
            writer: Writer {
                step: WriterStep::Owns,
                word,
                swaps: self.swaps,
                starts: 0,
                view: (0..READERS)
                    .filter(|&r| !registers(r))
                    .fold(0, |view, r| view | 1 << r),
                waiting: [0; READERS],
                asked: [false; READERS],
                registered: false,
                woken: false,
                barrier: false,
                unwinds: self.unwinds,
                clears: true,
            },
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let all = (0..=READERS)
            .map(Action::Drain)
            .chain(
                (0..READERS).flat_map(|r| [Action::Reader(r), Action::Reach(r), Action::Look(r)]),
            )
            .chain([
                Action::Publish(false),
                Action::Publish(true),
                Action::Clear,
                Action::Set,
                Action::Unwind,
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
            Property::always(GUARDED, |_, state: &State| {
                let writer = &state.writer;
                writer.step != WriterStep::Owns
                    || (state.readers.iter().flat_map(Reader::live))
                        .all(|guard| guard.side() == writer.word & SIDE)
            }),
            Property::always(WOKEN, |machine: &Machine, state: &State| {
                !state.is_asleep_forever(machine) || state.is_held_up(machine)
            }),
            Property::always(NEWEST, |machine: &Machine, state: &State| {
                state.is_newest(machine)
            }),
            Property::sometimes("a swap waits for both", |_, state: &State| {
                state.writer.waiting.iter().all(|&epoch| epoch != 0)
            }),
            Property::sometimes("a reader wakes the writer", |_, state: &State| {
                state.writer.woken
            }),
            Property::sometimes("all swaps are made, in fenced mode", |_, state: &State| {
                state.writer.step == WriterStep::Owns
                    && state.writer.word & FENCED != 0
                    && state.writer.swaps == 0
            }),
            Property::sometimes(
                "all swaps are made, in unfenced mode",
                |_, state: &State| {
                    state.writer.step == WriterStep::Owns
                        && state.writer.word & FENCED == 0
                        && state.writer.swaps == 0
                },
            ),
        ]
    }
}
