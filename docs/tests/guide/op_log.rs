//! What goes wrong in chapter 7.
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests always have std"
)]

use std::collections::BTreeMap;
use std::mem;

use dbuf_core::{OpWriter, arc};
use dbuf_strategies::EpochStrategy;

type Op = fn(&mut u32, &());

const ADD: Op = |sum, _| *sum += 1;

/// Two copies, and a log without a state.
#[derive(Default)]
struct Naive {
    front: u32,
    back: u32,
    log: Vec<Op>,
}

impl Naive {
    /// Replays the log on the back, and empties it.
    fn write(&mut self) -> &mut Self {
        for op in mem::take(&mut self.log) {
            op(&mut self.back, &());
        }
        self
    }

    fn apply(&mut self, op: Op) {
        op(&mut self.back, &());
        self.log.push(op);
    }

    fn publish(&mut self) {
        mem::swap(&mut self.front, &mut self.back);
    }
}

/// It works while every batch is published. If one is not, the next one replays it on the copy
/// that has it already.
#[test]
fn a_log_without_states_applies_an_op_twice() {
    let mut naive = Naive::default();
    for _ in 0..3 {
        naive.write().apply(ADD);
        naive.publish();
    }
    assert_eq!(naive.front, 3);
    naive.write().apply(ADD); // no publish
    naive.write().publish();
    assert_eq!(naive.front, 5, "three and one are five");

    let (writer, reader) = arc(0, 0, EpochStrategy::new());
    let mut writer = OpWriter::<_, Op>::new(writer);
    for _ in 0..3 {
        writer.write().apply(ADD);
    }
    assert_eq!(*reader.read(), 3);
    let mut batch = writer.write();
    batch.apply(ADD);
    batch.defer(); // for the next batch to publish
    writer.write().publish();
    assert_eq!(*reader.read(), 4);
    let mut batch = writer.write();
    batch.apply(ADD);
    mem::forget(batch); // given up
    writer.write().publish();
    assert_eq!(*reader.read(), 4);
}

type Accounts = BTreeMap<&'static str, u32>;
type Transfer = Box<dyn FnMut(&mut Accounts, &())>;

fn give(name: &'static str, amount: u32) -> Transfer {
    Box::new(move |accounts, _| *accounts.entry(name).or_default() += amount)
}

fn take(name: &'static str, amount: u32) -> Transfer {
    Box::new(move |accounts, _| *accounts.get_mut(name).expect("an account") -= amount)
}

fn find(accounts: &Accounts, name: &'static str) -> Result<&'static str, &'static str> {
    accounts
        .contains_key(name)
        .then_some(name)
        .ok_or("no such account")
}

/// The `?` drops the batch, and a batch that is dropped publishes.
#[test]
fn question_mark_publishes_half_a_batch() {
    let (writer, reader) = arc(
        Accounts::from([("ann", 10)]),
        Accounts::new(),
        EpochStrategy::new(),
    );
    let mut writer = OpWriter::new(writer);
    let total = || reader.read().values().sum::<u32>();

    let halfway = (|| {
        let mut batch = writer.write();
        batch.apply(take("ann", 4));
        let to = find(&batch, "bob")?;
        batch.apply(give(to, 4));
        Ok::<_, &str>(())
    })();
    assert_eq!((halfway, total()), (Err("no such account"), 6));

    let whole = writer.transact(|batch| {
        batch.apply(take("ann", 4));
        let to = find(batch, "bob")?;
        batch.apply(give(to, 4));
        Ok::<_, &str>(())
    });
    assert_eq!(
        (whole, total()),
        (Err("no such account"), 6),
        "nothing more was lost"
    );
}
