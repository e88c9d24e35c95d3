//! The steps of the writer.

use super::Machine;
use super::memory::{
    ASKED, ASKED_SIDES, Buffer, CHANGED, EPOCH, FENCED, NOTE, Note, READERS, SIDE, STRAGGLERS,
    WORD, WRITER, bit, of,
};
use super::mutant::Mutant;
use super::state::{Reader, State, Waiting, Writer, WriterStep};

impl Machine {
    /// Returns whether a reader may have a guard on a side in an epoch.
    pub(super) fn may_hold(&self, memory: &[u8], r: usize, side: u8, epoch: u8) -> bool {
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
    pub(super) fn has_left(&self, memory: &[u8], r: usize, side: u8, epoch: u8) -> bool {
        let moved_on = memory[of(r, EPOCH) as usize] != epoch;
        moved_on || !self.is(Mutant::LeftByEpoch) && !self.may_hold(memory, r, side, epoch)
    }

    /// Checks one straggler of the last swap. Returns whether it has left.
    pub(super) fn check(&self, memory: &[u8], writer: &mut Writer, r: usize) -> bool {
        let epoch = writer.waiting.epochs[r];
        let left = epoch != 0 && self.has_left(memory, r, writer.back, epoch);
        if left {
            writer.waiting.take(r, !self.is(Mutant::AskOnce));
        }
        left
    }

    /// Checks one straggler of the spare side. Returns whether it has left.
    pub(super) fn check_aside(&self, memory: &[u8], writer: &mut Writer, r: usize) -> bool {
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
    pub(super) fn request_wake(&self, buffer: &mut Buffer, writer: &mut Writer) -> bool {
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
    pub(super) fn writer(&self, state: &mut State) -> bool {
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
    pub(super) fn publish(&self, next: &mut State, fenced: bool) -> bool {
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
}

/// Marks the word because a check has found stragglers. Returns whether that is new.
pub(super) fn mark(buffer: &mut Buffer, writer: &mut Writer) -> bool {
    let new = writer.word & STRAGGLERS == 0;
    if new {
        writer.word |= STRAGGLERS;
        buffer.push(WORD, writer.word);
    }
    new
}

/// Renews the view, under the list's lock: all readers that have registered.
pub(super) fn renew(memory: &mut [u8], readers: &[Reader], writer: &mut Writer) {
    writer.view = (0..READERS)
        .filter(|&r| readers[r].registered)
        .fold(0, |view, r| view | 1 << r);
    memory[CHANGED as usize] = 0;
}

pub(super) fn finished_or(writer: &Writer, otherwise: WriterStep) -> WriterStep {
    if writer.waiting.is_empty() {
        WriterStep::Owns
    } else {
        otherwise
    }
}
