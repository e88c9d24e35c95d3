//! Random batches that end in every way, with panics anywhere in user code.

use std::mem;
use std::panic::resume_unwind;

use super::{FUSE, Op, SLOTS, copies, lend, log};
use crate::common::{Random, unwinds};

/// Random batches that end in every way, with panics anywhere in user code.
#[test]
fn copies_are_equal_however_batches_end() {
    let (runs, steps) = if cfg!(miri) { (4, 20) } else { (300, 60) };
    for seed in 1..=runs {
        let mut random = Random::new(seed);
        let mut below = |n| random.below(n);
        let mut writer = log();
        // The published value; with kept changes; with deferred changes.
        let mut model = [[0_u32; SLOTS]; 3];
        for _ in 0..steps {
            let mut pending = model[2];
            let ending = below(9);
            let burns = below(3) == 0;
            FUSE.set(if burns { 1 + below(12) as u32 } else { 0 });
            let mut began = false;
            let unwound = unwinds(|| {
                let mut batch = writer.write();
                began = true;
                unless_fused(|| assert_eq!(batch.values, pending, "seed {seed}"));
                for _ in 0..below(5) {
                    let (at, n) = (below(SLOTS), below(100) as u32);
                    match below(8) {
                        0..3 => {
                            batch.apply(Op::Set(vec![(at, n)]));
                            pending[at] = n;
                        }
                        3 => {
                            batch.apply(Op::Add(at, n));
                            pending[at] = pending[at].wrapping_add(n);
                        }
                        4 | 5 => {
                            *lend(&mut batch, at) = n;
                            pending[at] = n;
                        }
                        6 => {
                            batch.modify(|slots, ()| slots.values[at] = n);
                            pending[at] = n;
                        }
                        _ => {
                            batch.replace_all(|slots, ()| (slots.values = [0; SLOTS], Op::Clear));
                            pending = [0; SLOTS];
                        }
                    }
                }
                match ending {
                    0..3 => _ = batch.publish(),
                    3 => _ = batch.keep(),
                    4 => _ = batch.defer(),
                    5 => _ = batch.rollback(),
                    6 => mem::forget(batch),
                    7 => resume_unwind(Box::new(())),
                    _ => drop(batch),
                }
            });
            FUSE.set(0);
            match ending {
                // After a panic before the first change, the deferred changes are still there.
                _ if unwound && !began => {
                    if !writer.has_pending() {
                        (model[1], model[2]) = (model[0], model[0]);
                    }
                    let batch = writer.write();
                    let now = batch.values;
                    batch.defer();
                    assert!([model[1], model[2]].contains(&now), "seed {seed}: {now:?}");
                    model[2] = now;
                }
                _ if unwound => model[2] = model[1],
                0..3 | 8 => model = [pending; 3],
                3 => (model[1], model[2]) = (pending, pending),
                4 => model[2] = pending,
                _ => model[2] = model[1],
            }
            // A batch that modified cannot be kept, so it is published.
            if ending == 3 && writer.front().values == model[1] {
                model[0] = model[1];
            }
            assert_eq!(writer.front().values, model[0], "seed {seed}");
            let batch = writer.write();
            assert_eq!(batch.values, model[2], "seed {seed}");
            batch.defer();
        }
        writer.publish();
        assert_eq!(copies(writer), [model[2]; 2]);
    }
}

/// Runs a check without the fuse, so that its user code does not panic.
fn unless_fused(check: impl FnOnce()) {
    let fuse = FUSE.take();
    check();
    FUSE.set(fuse);
}
