//! Steps of the writer with a log.

use dbuf_core::OwningPtr;

use super::super::log::{self, Change, Ending, Outcome};
use super::super::value::{Value, arm, caught};
use super::{Machine, WriterSlot};

impl<P: OwningPtr<Value = Value, Extras = ()> + 'static> Machine<P> {
    pub(super) fn batch(&mut self, changes: &[Change], ending: Ending, fuse: u8) {
        if let WriterSlot::Log(writer, log) = &mut self.writer {
            arm(fuse.into());
            log::batch(writer, log, &mut self.model, changes, ending);
        }
    }

    pub(super) fn transact(&mut self, changes: &[Change], outcome: Outcome, fuse: u8) {
        if let (WriterSlot::Log(writer, log), Some(blocking)) =
            (&mut self.writer, &self.kind.blocking)
            && self.model.try_finish()
        {
            arm(fuse.into());
            let by = blocking.transact;
            log::transact(by, writer, log, &mut self.model, changes, outcome);
        }
    }

    pub(super) fn publish_log(&mut self) {
        if let WriterSlot::Log(writer, log) = &mut self.writer {
            log.close_forgotten();
            let published = writer.publish().is_published();
            assert_eq!(published, log.publish(&mut self.model), "publish");
        }
    }

    pub(super) fn catch_up(&mut self, fuse: u8) {
        if let (WriterSlot::Log(writer, log), Some(blocking)) =
            (&mut self.writer, &self.kind.blocking)
            && self.model.try_finish()
        {
            arm(fuse.into());
            match caught(|| (blocking.catch_up)(writer)) {
                Some(()) => log.settle(self.model.published()),
                None => log.tear(),
            }
        }
    }
}
