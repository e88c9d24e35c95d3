//! What holds in every state.

use super::Machine;
use super::memory::{ASKED, READERS, WRITER, of};
use super::state::{Reader, ReaderStep, State, Waiting, WriterStep};
use crate::script::Op::Refresh;

impl State {
    /// Clears values that nothing will load, so that states with equal futures are equal.
    pub(super) fn without_unused_values(mut self, machine: &Machine) -> Self {
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
    pub(super) fn is_still(&self, machine: &Machine, r: usize) -> bool {
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
    pub(super) fn is_asleep_forever(&self, machine: &Machine) -> bool {
        self.writer.step == WriterStep::Sleeps
            && !self.writer.woken
            && self.buffers[WRITER].len == 0
            && (0..READERS).all(|r| self.is_still(machine, r))
    }

    /// S12: returns whether some straggler has a guard on the side, or one that was taken while the
    /// swap was started, and does not refresh it.
    pub(super) fn must_wait(&self, machine: &Machine, waiting: &Waiting, side: u8) -> bool {
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
    pub(super) fn is_guarded(&self) -> bool {
        let writer = &self.writer;
        let taken = [
            (writer.step == WriterStep::Owns).then_some(writer.back),
            writer.spare_free.then(|| writer.spare()),
        ];
        let mut guards = self.readers.iter().flat_map(Reader::live);
        guards.all(|guard| !taken.contains(&Some(guard.side())))
    }

    /// S12, for a writer that checks: an idle reader has left each side on which it has no guard.
    pub(super) fn is_checked(&self, machine: &Machine) -> bool {
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
    pub(super) fn is_newest(&self, machine: &Machine) -> bool {
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
