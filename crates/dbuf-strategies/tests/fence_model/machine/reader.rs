//! The steps of a reader.

use super::Machine;
use super::memory::{
    BUFFERED, CHANGED, EPOCH, FENCED, NOTE, Note, SIDE, STRAGGLERS, WORD, bit, of,
};
use super::mutant::Mutant;
use super::state::{Announced, Guard, Reader, ReaderStep, State, Writer};
use crate::script::Op::{self, Enter, Leave, Refresh, Register};

impl Machine {
    /// Makes one step of a reader. Returns `false` if it must drain its buffer first.
    pub(super) fn reader(&self, state: &mut State, r: usize) -> bool {
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
            (
                ReaderStep::Asked
                | ReaderStep::AskedSide
                | ReaderStep::LateLeave(_)
                | ReaderStep::Wake,
                _,
            ) => match self.answer(memory, reader, buffer, writer, r) {
                Some(ends) => done = ends,
                None => return false,
            },
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
    pub(super) fn enter_nested(&self, reader: &mut Reader, op: Option<Op>, guard: Guard) -> bool {
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

    /// Returns the word that the guard of an enter keeps, if that is not nested.
    pub(super) fn entered(&self, word: u8) -> u8 {
        if self.is(Mutant::MarkEntered) {
            word
        } else {
            word & !STRAGGLERS
        }
    }

    /// The one load of a refresh.
    pub(super) fn is_current(&self, guard: Guard, memory: &[u8]) -> bool {
        guard.word == memory[WORD as usize]
    }

    /// Returns how many flips memory has seen.
    pub(super) fn flips(&self, memory: &[u8], writer: &Writer) -> u8 {
        // W2 drains each flip before the next one.
        let pending = memory[WORD as usize] & SIDE != writer.word & SIDE;
        self.bounds.swaps - writer.swaps - u8::from(pending)
    }
}

impl Reader {
    /// Returns the note that names exactly the sides of its guards.
    pub(super) fn exact(&self) -> Note {
        let guards = self.guards.iter().flatten();
        Note {
            epoch: self.note.epoch,
            sides: guards.fold(0, |sides, guard| sides | bit(guard.side())),
        }
    }
}
