//! A map that is filled and weighed.

use core::time::Duration;

use super::window::Subject;
use crate::maps::Entry;
use crate::memory::counted;
use crate::metric::{Metric, Sample};
use crate::workload::keyspace::Keyspace;
use crate::workload::values::{Change, Value};

pub(crate) struct SizeSubject {
    pub(crate) entry: Entry<u64>,
    pub(crate) entries: u32,
}

/// Changes in a batch. What a log keeps for the next batch is weighed, too.
const BATCH: usize = 1000;

impl Subject for SizeSubject {
    fn measure(&mut self, _: Duration) -> Sample {
        let keyspace = Keyspace::numbers(self.entries);
        let put = |index| Change::fill(keyspace.key(index), index, Value::BYTES);
        // Memory that is not the map's is allocated before.
        let mut changes = Vec::with_capacity(BATCH);
        let (bytes, map) = counted(|| {
            let mut map = (self.entry.build)(0);
            for begin in (0..self.entries).step_by(BATCH) {
                let end = self.entries.min(begin + BATCH as u32);
                changes.extend((begin..end).map(put));
                map.write(&mut changes);
            }
            map.settle();
            map
        });
        drop(map);
        vec![(Metric::Bytes, bytes as f64 / f64::from(self.entries))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::maps::all;

    #[test]
    fn two_copies_weigh_twice() {
        let weigh = |name: &str| {
            let mut all = all::<u64, Value>().into_iter();
            let entry = all.find(|entry| entry.contender.name == name).unwrap();
            let entries = 30_000;
            SizeSubject { entry, entries }.measure(Duration::ZERO)[0].1
        };
        let (ours, plain) = (weigh("epoch"), weigh("rwlock-std"));
        // A key and a value have 16 bytes.
        assert!(plain > 16.0, "{plain}");
        assert!(ours > 1.9 * plain && ours < 2.2 * plain, "{ours} {plain}");
    }
}
