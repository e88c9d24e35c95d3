//! Random calls, and what the map holds when some of them were dropped.

use std::collections::BTreeMap;

use proptest::prelude::*;

pub(super) type Entries = BTreeMap<u32, u32>;

#[derive(Clone, Copy, Debug)]
pub(super) enum Call {
    Insert(u32),
    Remove(u32),
    Update(u32),
    /// A transaction with an await in its middle.
    Transact(u32, bool),
    /// A batch with an await in its middle, and how it ends.
    Write(u32, End),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    Drop,
    Publish,
    Defer,
    Rollback,
}

#[derive(Clone, Debug)]
pub(super) enum Step {
    Take,
    Release(usize),
    /// A call that is polled this often, and then dropped.
    Call(Call, usize),
    /// Calls behind an open batch; some are dropped while they wait.
    Queue(Vec<(Call, bool)>, End),
    /// Calls behind a guard, if there is one; some are dropped while they wait.
    Stuck(Vec<(Call, bool)>),
    Publish,
    Watch(usize),
}

fn call() -> impl Strategy<Value = Call> {
    let key = 0..6_u32;
    let end = prop_oneof![
        Just(End::Drop),
        Just(End::Publish),
        Just(End::Defer),
        Just(End::Rollback)
    ];
    prop_oneof![
        3 => key.clone().prop_map(Call::Insert),
        2 => key.clone().prop_map(Call::Remove),
        2 => key.clone().prop_map(Call::Update),
        2 => (key.clone(), any::<bool>()).prop_map(|(key, fails)| Call::Transact(key, fails)),
        3 => (key, end).prop_map(|(key, end)| Call::Write(key, end)),
    ]
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let calls = || prop::collection::vec((call(), any::<bool>()), 1..5);
    let end = prop_oneof![Just(End::Publish), Just(End::Defer), Just(End::Rollback)];
    prop_oneof![
        3 => Just(Step::Take),
        4 => any::<usize>().prop_map(Step::Release),
        8 => (call(), 0..4_usize).prop_map(|(call, polls)| Step::Call(call, polls)),
        3 => (calls(), end).prop_map(|(calls, end)| Step::Queue(calls, end)),
        2 => calls().prop_map(Step::Stuck),
        1 => Just(Step::Publish),
        2 => (0..3_usize).prop_map(Step::Watch),
    ]
}

/// The expected contents of the map.
#[derive(Default)]
pub(super) struct Model {
    pub(super) published: Entries,
    /// The published contents with the deferred changes.
    next: Entries,
    pub(super) pending: bool,
    pub(super) version: u64,
}

impl Model {
    pub(super) fn publish(&mut self) {
        if self.pending {
            self.published.clone_from(&self.next);
            self.pending = false;
            self.version += 1;
        }
    }

    pub(super) fn insert(&mut self, key: u32, value: u32) {
        self.next.insert(key, value);
        self.pending = true;
    }

    pub(super) fn end(&mut self, end: End) {
        match end {
            End::Drop | End::Publish => self.publish(),
            End::Defer => {}
            End::Rollback => unreachable!("a rollback inserts nothing"),
        }
    }

    /// Applies a completed call to the model.
    pub(super) fn complete(&mut self, call: Call, value: u32) {
        match call {
            Call::Insert(key) => {
                self.insert(key, value);
                self.publish();
            }
            Call::Remove(key) => {
                self.pending |= self.next.remove(&key).is_some();
                self.publish();
            }
            Call::Update(key) => {
                if self.next.contains_key(&key) {
                    self.insert(key, value);
                }
                self.publish();
            }
            Call::Transact(_, true) | Call::Write(_, End::Rollback) => {}
            Call::Transact(key, false) => {
                self.insert(key, value);
                self.insert(key + 1, value);
                self.publish();
            }
            Call::Write(key, end) => {
                self.insert(key, value);
                self.insert(key + 1, value);
                self.end(end);
            }
        }
    }

    /// Applies a call to the model that began and was dropped at its inner await.
    pub(super) fn cut(&mut self, call: Call, value: u32) {
        match call {
            // A dropped batch publishes its changes.
            Call::Write(key, _) => {
                self.insert(key, value);
                self.publish();
            }
            Call::Transact(..) => {}
            _ => unreachable!("a single change has no inner await"),
        }
    }
}

/// Returns how many polls an uncontended call takes.
pub(super) fn polls_of(call: Call) -> usize {
    match call {
        Call::Insert(_) | Call::Remove(_) | Call::Update(_) => 1,
        Call::Transact(..) | Call::Write(..) => 2,
    }
}
