//! Publishes whose start unwinds, before the flip or after it. Kept changes are published once,
//! and changes that were not kept are lost as a whole.

use dbuf_strategies::core::{OpWriter, Operation, Strategy, rc};
use dbuf_strategies::{
    CountStrategy, EpochStrategy, FlashStrategy, LocalStrategy, LockStrategy, Watched,
};

use crate::common::hooked::{UNWINDS, unwinding};
use crate::common::{Random, unwinds};

struct Push(u32);
impl Operation<Vec<u32>> for Push {
    fn apply(&mut self, target: &mut Vec<u32>, (): &()) {
        target.push(self.0);
    }
}

fn check<S: Strategy>(new: fn() -> S, seed: u64) {
    let mut random = Random::new(seed);
    let (writer, reader) = rc(vec![], vec![], unwinding::<_, true>(new()));
    let mut writer = OpWriter::<_, Push>::new(writer);
    let (mut front, mut kept, mut open) = (vec![], vec![], vec![]);
    let mut next = 0;
    let mut version = 0;
    for _ in 0..30 {
        let mut batch = writer.try_write().unwrap();
        let all = [front.clone(), kept.clone(), open.clone()].concat();
        assert_eq!(*batch, all, "seed {seed}");
        assert_eq!(*batch.published(), front);
        let mut modified = false;
        for _ in 0..random.below(3) {
            next += 1;
            open.push(next);
            if random.below(8) == 0 {
                batch.modify(|list, ()| list.push(next));
                modified = true;
            } else {
                batch.apply(Push(next));
            }
        }
        let at = random.below(3) as u8;
        let (had, how) = (!kept.is_empty() || !open.is_empty(), random.below(6));
        UNWINDS.set(at);
        let unwound = unwinds(|| match how {
            0 => _ = batch.rollback(),
            1 if !modified => _ = batch.defer(),
            2 => _ = batch.keep(),
            3 if !modified => {
                // `keep` starts no swap.
                batch.keep().publish();
            }
            4 => drop(batch),
            _ => _ = batch.publish(),
        });
        UNWINDS.set(0);
        match how {
            0 => open.clear(),
            1 if !modified => {}
            2 if !modified => kept.append(&mut open),
            _ => {
                if how == 3 && !modified {
                    kept.append(&mut open);
                }
                if unwound && at == 1 {
                    open.clear();
                } else if had {
                    front.append(&mut kept);
                    front.append(&mut open);
                    version += 1;
                }
            }
        }
        assert_eq!(*reader.read(), front, "seed {seed}");
        assert_eq!(writer.as_writer().version(), version, "seed {seed}");
    }
}

#[test]
fn kept_changes_are_published_once() {
    for seed in 1..if cfg!(miri) { 3 } else { 300 } {
        check(LocalStrategy::new, seed);
        check(CountStrategy::new, seed);
        check(EpochStrategy::new, seed);
        check(FlashStrategy::new, seed);
        check(LockStrategy::new, seed);
        check(|| Watched::new(EpochStrategy::new()), seed);
    }
}
