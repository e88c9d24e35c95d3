//! Two readers, a writer, and their store buffers.

mod action;
mod leave;
mod memory;
mod mutant;
mod properties;
mod reader;
mod state;
mod writer;

use core::array;

use stateright::{Model, Property};

use crate::script::Op::{self, Enter, Leave, Refresh, Register};
use crate::{CHECKED, GUARDED, NEWEST, WOKEN, WOKEN_SPARE};
use action::Action;
use memory::Note;
use memory::{ADDRESSES, Buffer, FENCED, READERS, WORD};
pub(crate) use mutant::Mutant;
use state::{GUARDS, Reader, ReaderStep, State, Waiting, Writer, WriterStep};

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

    /// Returns whether a reader ever leaves.
    fn leaves(&self) -> bool {
        let mut ops = self.scripts.iter().flat_map(|script| script.iter());
        ops.any(|op| matches!(op, Leave(_) | Refresh(_)))
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
