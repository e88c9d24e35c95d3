//! Two readers, a writer, and what lies between them and memory.

use stateright::{Model, Property};

use crate::{GUARDED, WOKEN};

const READERS: usize = 2;
const WRITER: usize = READERS;

/// Bits of the side word.
const SIDE: u8 = 1;
const FENCED: u8 = 2;

/// Places in memory: the side word, then three of each reader.
const WORD: u8 = 0;
const EPOCH: u8 = 1;
const ASKED: u8 = 2;
const FOUND: u8 = 3;

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
    /// Not when a swap says that it found them.
    NoStepOfFound,
}

/// Guards that a reader can have at a time.
const GUARDS: usize = 3;

/// What a reader does next, with one of its guards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Op {
    Enter(usize),
    Leave(usize),
}
use Op::{Enter, Leave};

/// One read.
pub(crate) const READ: &[Op] = &[Enter(0), Leave(0)];
/// Two reads.
pub(crate) const PLAIN: &[Op] = &[Enter(0), Leave(0), Enter(0), Leave(0)];
/// Three guards, each of which overlaps the next.
pub(crate) const NESTED: &[Op] = &[Enter(0), Enter(1), Leave(0), Enter(0), Leave(1), Leave(0)];
/// Two guards, the second of which stays for ever.
pub(crate) const HOLD: &[Op] = &[Enter(0), Enter(1), Leave(0)];

/// Three guards at once, that go in every order.
pub(crate) const DEEP: [&[Op]; 6] = [
    &[Enter(0), Enter(1), Enter(2), Leave(0), Leave(1), Leave(2)],
    &[Enter(0), Enter(1), Enter(2), Leave(0), Leave(2), Leave(1)],
    &[Enter(0), Enter(1), Enter(2), Leave(1), Leave(0), Leave(2)],
    &[Enter(0), Enter(1), Enter(2), Leave(1), Leave(2), Leave(0)],
    &[Enter(0), Enter(1), Enter(2), Leave(2), Leave(0), Leave(1)],
    &[Enter(0), Enter(1), Enter(2), Leave(2), Leave(1), Leave(0)],
];
/// Three guards, one of which stays for ever, whichever it is.
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
        // Equal buffers shall be equal states.
        self.stores[self.len as usize..].fill((0, 0));
        first
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Guard {
    side: u8,
    /// Swaps whose start was complete when it was taken.
    starts: u8,
}

/// Where a reader is within an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum ReaderStep {
    Next,
    /// E3, then E2 and E3 of fenced mode.
    Load,
    Fence,
    LoadAgain,
    /// A look at `found`, after a nested leave.
    Found,
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
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum WriterStep {
    /// Finished: the back is being written.
    Owns,
    /// W2: with a barrier, or with a fence.
    Order(bool),
    /// Readers that the barrier has not reached, a bit each.
    Barrier(u8),
    /// W3, reader by reader, then the end of the start.
    Scan(u8),
    /// Unfinished.
    Waits,
    /// P1, reader by reader, then P2, then P3.
    Ask(u8),
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
    snapshot: [u8; READERS],
    registered: bool,
    woken: bool,
    /// A claim may still take FENCED away by itself.
    clears: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    memory: [u8; 1 + 3 * READERS],
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
    /// The barrier reaches a reader.
    Reach(usize),
    /// A look at one straggler.
    Look(usize),
    Poll,
    Writer,
}

pub(crate) struct Machine {
    scripts: [&'static [Op]; READERS],
    swaps: u8,
    fenced: bool,
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
            mutant,
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
        let taken = |word: u8| {
            Some(Guard {
                side: word & SIDE,
                starts: writer.starts,
            })
        };
        let mut done = false;
        match (reader.step, op) {
            (ReaderStep::Next, None) => return false,
            (ReaderStep::Next, Some(Enter(_))) if reader.epoch % 2 == 0 => {
                reader.epoch += 1;
                buffer.push(of(r, EPOCH), reader.epoch);
                reader.step = ReaderStep::Load;
            }
            (ReaderStep::Next, Some(Enter(guard))) => {
                reader.newest = memory[WORD as usize] & SIDE;
                reader.guards[guard] = taken(memory[WORD as usize]);
                done = true;
            }
            (ReaderStep::Load, Some(Enter(guard))) => {
                let word = memory[WORD as usize];
                if word & FENCED != 0 && !self.is(Mutant::NoReaderFence) {
                    reader.step = ReaderStep::Fence;
                } else {
                    reader.guards[guard] = taken(word);
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
                reader.guards[guard] = taken(memory[WORD as usize]);
                done = true;
            }
            (ReaderStep::Next, Some(Leave(guard))) => {
                let gone = reader.guards[guard].take().unwrap();
                let left = reader.guards.iter().flatten();
                if left.clone().count() == 0 {
                    Self::advance(reader, buffer, r, 1);
                } else if gone.side == reader.newest {
                    reader.step = ReaderStep::Found;
                } else if left.clone().all(|guard| guard.side != gone.side)
                    && !self.is(Mutant::NoStep)
                    && !self.is(Mutant::NoStepOfOlder)
                {
                    Self::advance(reader, buffer, r, 2);
                } else {
                    done = true;
                }
            }
            (ReaderStep::Found, _) => {
                let found = memory[of(r, FOUND) as usize];
                let front = found & SIDE;
                if found >> 1 == reader.epoch
                    && reader.guards.iter().flatten().all(|g| g.side == front)
                    && !self.is(Mutant::NoStep)
                    && !self.is(Mutant::NoStepOfFound)
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
            reader.at += 1;
        }
        true
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
            writer,
            ..
        } = state;
        let buffer = &mut buffers[WRITER];
        const ALL: u8 = (1 << READERS) - 1;
        writer.step = match writer.step {
            WriterStep::Order(_) | WriterStep::OrderWait if buffer.len > 0 => return false,
            WriterStep::Order(true) => WriterStep::Barrier(ALL),
            WriterStep::Order(false) | WriterStep::Barrier(0) => WriterStep::Scan(0),
            WriterStep::Scan(r) if (r as usize) < READERS => {
                let epoch = memory[of(r as usize, EPOCH) as usize];
                if epoch % 2 == 1 {
                    writer.snapshot[r as usize] = epoch;
                    let found = epoch << 1 | writer.word & SIDE;
                    buffer.push(of(r as usize, FOUND), found);
                }
                WriterStep::Scan(r + 1)
            }
            // The registry is unlocked by a read-modify-write.
            WriterStep::Scan(_) if buffer.len > 0 => return false,
            WriterStep::Scan(_) => {
                writer.starts += 1;
                finished_or(writer, WriterStep::Waits)
            }
            WriterStep::Ask(r) if (r as usize) < READERS => {
                let epoch = writer.snapshot[r as usize];
                if epoch != 0 {
                    buffer.push(of(r as usize, ASKED), epoch);
                }
                WriterStep::Ask(r + 1)
            }
            WriterStep::Ask(_) => WriterStep::OrderWait,
            WriterStep::OrderWait if self.is(Mutant::WaitFences) && writer.word & FENCED != 0 => {
                WriterStep::Recheck(0)
            }
            WriterStep::OrderWait => WriterStep::BarrierWait(ALL),
            WriterStep::BarrierWait(0) => WriterStep::Recheck(0),
            WriterStep::Recheck(r) if (r as usize) < READERS => {
                look(memory, buffer, writer, r as usize);
                WriterStep::Recheck(r + 1)
            }
            WriterStep::Recheck(_) => finished_or(writer, WriterStep::Sleeps),
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
                    writer.swaps -= 1;
                    writer.word = (writer.word ^ SIDE) & SIDE | if fenced { FENCED } else { 0 };
                    writer.step = WriterStep::Order(barrier);
                    next.buffers[WRITER].push(WORD, writer.word);
                }
                possible
            }
            Action::Clear => {
                let between = matches!(writer.step, WriterStep::Owns | WriterStep::Waits);
                let possible = between && writer.clears && writer.word & FENCED != 0;
                if possible {
                    writer.clears = false;
                    writer.word &= !FENCED;
                    next.buffers[WRITER].push(WORD, writer.word);
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
                let possible = writer.step == WriterStep::Waits && writer.snapshot[r] != 0;
                let buffer = &mut next.buffers[WRITER];
                if possible && look(&next.memory, buffer, writer, r) {
                    writer.step = finished_or(writer, WriterStep::Waits);
                    true
                } else {
                    false
                }
            }
            Action::Poll => {
                // The waker is registered by a read-modify-write.
                let possible = writer.step == WriterStep::Waits && next.buffers[WRITER].len == 0;
                if possible {
                    writer.registered = true;
                    writer.woken = false;
                    writer.step = WriterStep::Ask(0);
                }
                possible
            }
            Action::Writer => self.writer(&mut next),
        };
        possible.then_some(next)
    }
}

/// A look at one straggler: whether it has moved on.
fn look(memory: &[u8], buffer: &mut Buffer, writer: &mut Writer, r: usize) -> bool {
    let epoch = writer.snapshot[r];
    let gone = epoch != 0 && memory[of(r, EPOCH) as usize] != epoch;
    if gone {
        writer.snapshot[r] = 0;
        buffer.push(of(r, ASKED), 0);
        buffer.push(of(r, FOUND), 0);
    }
    gone
}

fn finished_or(writer: &Writer, otherwise: WriterStep) -> WriterStep {
    if writer.snapshot == [0; READERS] {
        WriterStep::Owns
    } else {
        otherwise
    }
}

impl State {
    /// Whether the writer sleeps and nobody will do anything any more.
    fn is_asleep_for_ever(&self, machine: &Machine) -> bool {
        self.writer.step == WriterStep::Sleeps
            && !self.writer.woken
            && self.buffers.iter().all(|buffer| buffer.len == 0)
            && (self.readers.iter().zip(machine.scripts))
                .all(|(reader, script)| usize::from(reader.at) == script.len())
    }

    /// S12: some straggler has a guard on the old side, or from before the end of the
    /// swap's start.
    fn is_held_up(&self) -> bool {
        (self.readers.iter().zip(self.writer.snapshot))
            .filter(|(_, epoch)| *epoch != 0)
            .flat_map(|(reader, _)| reader.guards.iter().flatten())
            .any(|guard| guard.side != self.writer.word & SIDE || guard.starts < self.writer.starts)
    }
}

impl Model for Machine {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let word = if self.fenced { FENCED } else { 0 };
        let mut memory = [0; 1 + 3 * READERS];
        memory[WORD as usize] = word;
        vec![State {
            memory,
            buffers: [Buffer::default(); READERS + 1],
            readers: [Reader {
                at: 0,
                step: ReaderStep::Next,
                epoch: 0,
                guards: [None; GUARDS],
                newest: 0,
            }; READERS],
            writer: Writer {
                step: WriterStep::Owns,
                word,
                swaps: self.swaps,
                starts: 0,
                snapshot: [0; READERS],
                registered: false,
                woken: false,
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
                    || (state.readers.iter().flat_map(|reader| &reader.guards))
                        .flatten()
                        .all(|guard| guard.side == writer.word & SIDE)
            }),
            Property::always(WOKEN, |machine: &Machine, state: &State| {
                !state.is_asleep_for_ever(machine) || state.is_held_up()
            }),
            Property::sometimes("a swap waits for both", |_, state: &State| {
                state.writer.snapshot.iter().all(|&epoch| epoch != 0)
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
