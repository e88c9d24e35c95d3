//! A cell under a load, and with a stuck reader.

use std::thread;

use super::window::{BLOCK, Counted, Subject, Window, join, read_cost, stuck};
use crate::cells::{Build, Load, Parts, Payload, Store};
use crate::contender::Entry;
use crate::metric::{Metric, Sample};

fn read(reader: &mut dyn Load, name: &str, window: Window) -> Counted {
    window.repeat(true, |_| {
        reader.run(BLOCK, name);
        (BLOCK, 0)
    })
}

fn write(writer: &mut dyn Store, stored: &mut u64, window: Window) -> Counted {
    window.repeat(false, |count| {
        for _ in 0..count {
            *stored += 1;
            writer.store(Payload::new(*stored));
        }
        (count, count as u64)
    })
}

/// A cell with its readers, perhaps beside one more thread that stores. Returns `None` if the cell
/// cannot do it.
pub fn cell(entry: &Entry<Build>, readers: usize, writes: bool) -> Option<Subject> {
    let name = entry.contender.name;
    let mut parts = (entry.build)(readers)?;
    if writes && matches!(parts, Parts::Alone(_)) {
        return None;
    }
    let mut stored = 0;
    Some(Box::new(move |slice| {
        let window = Window::new(slice);
        let stored = &mut stored;
        let (read, written) = match &mut parts {
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
        let mut sample = Sample::from_iter(read_cost(read.iter()));
        sample.push((Metric::READS, read.iter().map(Counted::ops_a_second).sum()));
        sample.extend(written.map(|counted| (Metric::WRITES, counted.ops_a_second())));
        sample
    }))
}

/// A cell that is stored to while its reader keeps what it read. Returns `None` if the cell is for
/// one thread only.
pub fn stuck_cell(entry: &Entry<Build>) -> Option<Subject> {
    let Parts::Shared {
        mut readers,
        mut writer,
    } = (entry.build)(1)?
    else {
        return None;
    };
    let mut written = 0;
    let mut write = move || {
        written += 1;
        writer.store(Payload::new(written));
    };
    Some(Box::new(move |slice| {
        stuck(slice, |keep| readers[0].hold(keep), &mut write)
    }))
}
