use core::time::Duration;

use super::Subject;
use crate::maps::{Change, Entry, Value};
use crate::memory::counted;
use crate::metric::{Metric, Sample};
use crate::space::Space;

/// A map that is filled and weighed.
pub(crate) struct SizeSubject {
    pub(crate) entry: Entry<u64>,
    pub(crate) entries: u32,
}

/// Changes in a batch; what a log keeps for the next one is weighed too.
const BATCH: usize = 1000;

impl Subject for SizeSubject {
    fn measure(&mut self, _: Duration) -> Sample {
        let space = Space::numbers(self.entries);
        let put = |place| Change {
            key: space.key(place),
            value: Some(Value {
                place,
                generation: 0,
            }),
            bytes: Value::BYTES,
        };
        // What is not the map's is allocated before.
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
            let entry = all::<u64, Value>()
                .into_iter()
                .find(|entry| entry.name == name)
                .unwrap();
            let mut subject = SizeSubject {
                entry,
                entries: 30_000,
            };
            subject.measure(Duration::ZERO)[0].1
        };
        let (ours, plain) = (weigh("epoch"), weigh("rwlock-std"));
        // A key and a value have 16 bytes.
        assert!(plain > 16.0, "{plain}");
        assert!(ours > 1.9 * plain && ours < 2.2 * plain, "{ours} {plain}");
    }
}
