use core::time::Duration;
use std::thread;
use std::time::Instant;

use super::{Counted, Subject, Window, a_read, join};
use crate::cells::{Entry, Loads, Parts, Payload, Store};
use crate::metric::{Metric, Sample};

/// What is asked of a cell.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CellLoad {
    pub(crate) readers: usize,
    /// Whether somebody stores meanwhile.
    pub(crate) writer: bool,
}

/// A cell under a load.
pub(crate) struct CellSubject {
    name: &'static str,
    parts: Parts,
    writer: bool,
    stored: u64,
}

const BLOCK: usize = 1000;

impl CellSubject {
    /// `None` if the cell cannot do it.
    pub(crate) fn new(entry: &Entry, load: CellLoad) -> Option<Self> {
        let parts = (entry.build)(load.readers)?;
        if load.writer && matches!(parts, Parts::Alone(_)) {
            return None;
        }
        Some(Self {
            name: entry.name,
            parts,
            writer: load.writer,
            stored: 0,
        })
    }
}

fn read(reader: &mut dyn Loads, name: &str, window: Window) -> Counted {
    let mut counted = Counted::default();
    let mut begin = Instant::now();
    loop {
        reader.run(BLOCK, name);
        let end = Instant::now();
        if begin >= window.from {
            let nanos = (end - begin).as_nanos() as f64;
            counted.note(BLOCK, nanos);
            counted.blocks.push(nanos);
        }
        if window.is_over(end, counted.ops) {
            return counted;
        }
        begin = end;
    }
}

fn write(writer: &mut dyn Store, stored: &mut u64, window: Window) -> Counted {
    let mut counted = Counted::default();
    let mut begin = Instant::now();
    loop {
        *stored += 1;
        writer.store(Payload::new(*stored));
        let end = Instant::now();
        if begin >= window.from {
            counted.note(1, (end - begin).as_nanos() as f64);
        }
        if window.is_over(end, counted.ops) {
            return counted;
        }
        begin = end;
    }
}

impl Subject for CellSubject {
    fn measure(&mut self, slice: Duration) -> Sample {
        let window = Window::new(slice);
        let (name, writes) = (self.name, self.writer);
        let (mut read, written) = match &mut self.parts {
            Parts::Alone(reader) => (vec![read(&mut **reader, name, window)], None),
            Parts::Shared { readers, writer } => thread::scope(|scope| {
                let stored = &mut self.stored;
                let writing = writes.then(|| scope.spawn(|| write(&mut **writer, stored, window)));
                let reading: Vec<_> = readers
                    .iter_mut()
                    .map(|reader| scope.spawn(move || read(&mut **reader, name, window)))
                    .collect();
                let read: Vec<_> = reading.into_iter().map(join).collect();
                (read, writing.map(join))
            }),
        };
        let mut blocks: Vec<f64> = Vec::new();
        for counted in &mut read {
            blocks.append(&mut counted.blocks);
        }
        let mut sample = Sample::new();
        let counted: Vec<_> = read.iter().collect();
        sample.extend(a_read(&mut blocks, BLOCK, &counted));
        sample.push((Metric::Reads, read.iter().map(Counted::ops_a_second).sum()));
        sample.extend(written.map(|counted| (Metric::Writes, counted.ops_a_second())));
        sample
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cells::ALL;

    #[test]
    fn every_cell_can_be_measured() {
        for (writer, readers) in [(false, 1), (true, 1), (true, 2)] {
            let load = CellLoad { readers, writer };
            let subjects = ALL.iter().filter_map(|entry| CellSubject::new(entry, load));
            let mut count = 0;
            for mut subject in subjects {
                let sample = subject.measure(Duration::from_millis(10));
                assert_eq!(sample[0].0, Metric::Read, "{}", subject.name);
                assert!(sample.iter().all(|(_, value)| *value > 0.0));
                count += 1;
            }
            assert!(count >= ALL.len() - 2);
        }
    }
}
