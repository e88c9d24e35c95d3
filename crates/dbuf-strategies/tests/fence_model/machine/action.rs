//! The steps of the model, one at a time.

use super::Machine;
use super::memory::{FENCED, READERS, WORD, WRITER};
use super::mutant::Mutant;
use super::state::{State, WriterStep};
use super::writer::{finished_or, mark};

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

impl Machine {
    /// Returns the state after an action, if the action is possible.
    pub(super) fn after(&self, state: &State, action: Action) -> Option<State> {
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
