//! The leave of a reader, and whom it wakes.

use super::Machine;
use super::memory::{ASKED, ASKED_SIDES, Buffer, EPOCH, NOTE, of};
use super::mutant::Mutant;
use super::state::{Guard, Reader, ReaderStep, Writer};

impl Machine {
    /// L1, or the rest of the note. Returns whether the leave is complete.
    pub(super) fn leave(
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

    /// L3. Returns whether the leave is complete, or `None` if the buffer must drain first.
    pub(super) fn answer(
        &self,
        memory: &mut [u8],
        reader: &mut Reader,
        buffer: &mut Buffer,
        writer: &mut Writer,
        r: usize,
    ) -> Option<bool> {
        // A read-modify-write: of `asked_sides`, and of the `AtomicWaker`.
        if matches!(reader.step, ReaderStep::AskedSide | ReaderStep::Wake) && buffer.len > 0 {
            return None;
        }
        reader.step = match reader.step {
            ReaderStep::Asked if memory[of(r, ASKED) as usize] != reader.leaving => {
                return Some(true);
            }
            ReaderStep::Asked if reader.epoch % 2 == 0 => ReaderStep::Wake,
            ReaderStep::Asked => ReaderStep::AskedSide,
            ReaderStep::AskedSide => {
                let sides = &mut memory[of(r, ASKED_SIDES) as usize];
                let wakes = *sides & !reader.note.sides != 0;
                *sides &= reader.note.sides;
                if self.is(Mutant::AnswersForAll) {
                    *sides = 0;
                }
                if !wakes || self.is(Mutant::NoNestedWake) {
                    return Some(true);
                }
                ReaderStep::Wake
            }
            ReaderStep::LateLeave(asked) => {
                reader.epoch += 1;
                buffer.push(of(r, EPOCH), reader.epoch);
                if !asked {
                    return Some(true);
                }
                ReaderStep::Wake
            }
            ReaderStep::Wake => {
                writer.woken |= core::mem::take(&mut writer.registered);
                return Some(true);
            }
            step => unreachable!("an answer in {step:?}"),
        };
        Some(false)
    }
}
