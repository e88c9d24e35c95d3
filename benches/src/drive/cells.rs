//! A cell under a load.

use core::time::Duration;
use std::thread;
use std::time::Instant;

use super::window::{Counted, Subject, Window, join, nanos_between, read_cost};
use crate::cells::list::Entry;
use crate::cells::parts::{Load, Parts, Payload, Store};
use crate::metric::{Metric, Sample};

#[derive(Clone, Copy, Debug)]
pub(crate) struct CellLoad {
    pub(crate) readers: usize,
    /// Whether one more thread stores meanwhile.
    pub(crate) writer: bool,
}

pub(crate) struct CellSubject {
    name: &'static str,
    parts: Parts,
    writer: bool,
    stored: u64,
}

const BLOCK: usize = 1000;

impl CellSubject {
    /// Returns `None` if the cell cannot do it.
    pub(crate) fn new(entry: &Entry, load: CellLoad) -> Option<Self> {
        let parts = (entry.build)(load.readers)?;
        if load.writer && matches!(parts, Parts::Alone(_)) {
            return None;
        }
        Some(Self {
            name: entry.contender.name,
            parts,
            writer: load.writer,
            stored: 0,
        })
    }
}

/// Repeats `step`, which does `ops` operations.
fn repeat(window: Window, ops: usize, mut step: impl FnMut()) -> Counted {
    let mut counted = Counted::default();
    let mut begin = Instant::now();
    loop {
        step();
        let end = Instant::now();
        if begin >= window.from {
            let nanos = nanos_between(begin, end);
            counted.add(ops, nanos);
            if ops == BLOCK {
                counted.blocks.push(nanos);
            }
        }
        if window.is_over(end, counted.ops) {
            return counted;
        }
        begin = end;
    }
}

fn read(reader: &mut dyn Load, name: &str, window: Window) -> Counted {
    repeat(window, BLOCK, || reader.run(BLOCK, name))
}

fn write(writer: &mut dyn Store, stored: &mut u64, window: Window) -> Counted {
    repeat(window, 1, || {
        *stored += 1;
        writer.store(Payload::new(*stored));
    })
}

impl Subject for CellSubject {
    fn measure(&mut self, slice: Duration) -> Sample {
        let window = Window::new(slice);
        let (name, writes, stored) = (self.name, self.writer, &mut self.stored);
        let (read, written) = match &mut self.parts {
            Parts::Alone(reader) => (vec![read(&mut **reader, name, window)], None),
            Parts::Shared { readers, writer } => thread::scope(|scope| {
                let writing = writes.then(|| scope.spawn(|| write(&mut **writer, stored, window)));
                let reading: Vec<_> = readers
                    .iter_mut()
                    .map(|reader| scope.spawn(move || read(&mut **reader, name, window)))
                    .collect();
                (reading.into_iter().map(join).collect(), writing.map(join))
            }),
        };
        let mut sample = Sample::from_iter(read_cost(read.iter(), BLOCK));
        sample.push((Metric::Reads, read.iter().map(Counted::ops_a_second).sum()));
        sample.extend(written.map(|counted| (Metric::Writes, counted.ops_a_second())));
        sample
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cells::list::ALL;

    #[test]
    fn every_cell_can_be_measured() {
        for (writer, readers) in [(false, 1), (true, 1), (true, 2)] {
            let load = CellLoad { readers, writer };
            let mut count = 0;
            for mut subject in ALL.iter().filter_map(|entry| CellSubject::new(entry, load)) {
                let sample = subject.measure(Duration::from_millis(10));
                assert_eq!(sample[0].0, Metric::Read, "{}", subject.name);
                assert!(sample.iter().all(|(_, value)| *value > 0.0));
                count += 1;
            }
            assert!(count >= ALL.len() - 2);
        }
    }
}
