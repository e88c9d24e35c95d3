//! Histories of single keys, with the order of calls and returns, checked by the testers of
//! `stateright` (Wing and Gong's search).
//!
//! Under `Immediate`, a history is linearizable: each call takes effect at one point between its
//! begin and its end. With `FlashStrategy`, whose flip goes from reader to reader, it is only
//! sequentially consistent: each thread sees its own writes and never goes back.

use std::fmt;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;

use dbuf_hashmap::PublishPolicy;
use dbuf_hashmap::strategies::{CountStrategy, EpochStrategy, FlashStrategy, LockStrategy};
use stateright::semantics::{
    ConsistencyTester, LinearizabilityTester, SequentialConsistencyTester, SequentialSpec,
};

use crate::common::{unwind, unwinds};
use crate::setup::{Map, Rng, Stressed, map, rounds};

const THREADS: usize = if cfg!(miri) { 2 } else { 3 };
const CALLS: u32 = if cfg!(miri) { 4 } else { 8 };
/// A key's history does not depend on other keys, and the search is exponential in
/// its length.
const KEYS: u32 = 2;

#[derive(Clone, Copy, Debug)]
enum Call {
    Get,
    GetInSnapshot,
    Insert(u32),
    Remove,
    Update(u32),
    GetOrInsert(u32),
    Batch(u32),
    /// Inserts, and is rolled back.
    Fails(u32),
    /// Changes the value, if there is one, and panics.
    Panics(u32),
}

/// The model: one key in a map of one thread.
#[derive(Clone, Debug, Default)]
struct Register(Option<u32>);

impl SequentialSpec for Register {
    type Op = Call;
    type Ret = Option<u32>;

    fn invoke(&mut self, call: &Call) -> Option<u32> {
        match *call {
            Call::Get | Call::GetInSnapshot | Call::Fails(_) => self.0,
            Call::Insert(value) | Call::Batch(value) => self.0.replace(value),
            Call::Remove => self.0.take(),
            Call::Update(value) => self.0.as_mut().map(|old| core::mem::replace(old, value)),
            Call::GetOrInsert(value) => Some(*self.0.get_or_insert(value)),
            Call::Panics(_) => None,
        }
    }
}

fn run<S: Stressed>(map: &Map<u32, S>, key: u32, call: Call) -> Option<u32> {
    match call {
        Call::Get => map.get_cloned(&key),
        Call::GetInSnapshot => map.read().get(&key).copied(),
        Call::Insert(value) => map.insert(key, value),
        Call::Remove => map.remove(&key),
        Call::Update(value) => map.update(&key, |old| core::mem::replace(old, value)),
        Call::GetOrInsert(value) => Some(map.get_or_insert_with(key, || value)),
        Call::Batch(value) => map.write().insert(key, value),
        Call::Fails(value) => {
            let result = map.transact(|batch| Err::<(), _>(batch.insert(key, value)));
            result.unwrap_err()
        }
        // What it saw is not recorded: a call that panics returns nothing, and does not wait for
        // the unpublished changes of others.
        Call::Panics(value) => {
            unwinds(|| {
                map.update(&key, |old| {
                    *old = value;
                    unwind();
                });
            });
            None
        }
    }
}

/// A call: when it began, what it returned, and when it returned.
#[derive(Clone, Copy)]
struct Event {
    thread: usize,
    key: u32,
    call: Call,
    begin: usize,
    result: Option<u32>,
    end: usize,
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            thread,
            key,
            call,
            begin,
            result,
            end,
        } = self;
        write!(
            f,
            "[{begin:3} to {end:3}] thread {thread}, key {key}: {call:?} = {result:?}"
        )
    }
}

/// Runs one round on a new map. Each value is written once.
fn record<S: Stressed>(policy: PublishPolicy, seed: u64) -> Vec<Event> {
    let map = map::<u32, S>(policy);
    let (clock, start) = (AtomicUsize::new(0), Barrier::new(THREADS));
    let of_thread = |thread: usize| {
        let mut rng = Rng::of_thread(seed, thread);
        start.wait();
        let calls = (0..CALLS).map(|number| {
            let key = rng.roll(KEYS);
            let value = 100 * thread as u32 + number;
            let call = match rng.roll(16) {
                0..=3 => Call::Get,
                4 | 5 => Call::GetInSnapshot,
                6..=8 => Call::Insert(value),
                9 | 10 => Call::Remove,
                11 => Call::Update(value),
                12 => Call::GetOrInsert(value),
                13 => Call::Batch(value),
                14 => Call::Fails(value),
                _ => Call::Panics(value),
            };
            let begin = clock.fetch_add(1, SeqCst);
            let result = run(&map, key, call);
            let end = clock.fetch_add(1, SeqCst);
            Event {
                thread,
                key,
                call,
                begin,
                result,
                end,
            }
        });
        calls.collect::<Vec<_>>()
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| scope.spawn(move || of_thread(thread)))
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    })
}

/// Returns whether some order of the calls on one key explains their results.
fn explains<T>(mut tester: T, events: &[Event]) -> bool
where
    T: ConsistencyTester<usize, Register>,
{
    let mut moments: Vec<_> = events
        .iter()
        .flat_map(|event| [(event.begin, event, true), (event.end, event, false)])
        .collect();
    moments.sort_unstable_by_key(|(moment, ..)| *moment);
    for (_, event, begins) in moments {
        let noted = if begins {
            tester.on_invoke(event.thread, event.call)
        } else {
            tester.on_return(event.thread, event.result)
        };
        assert!(noted.is_ok(), "this is no history: {events:#?}");
    }
    tester.is_consistent()
}

fn is_linearizable(events: &[Event]) -> bool {
    explains(LinearizabilityTester::new(Register::default()), events)
}

fn is_sequential(events: &[Event]) -> bool {
    explains(
        SequentialConsistencyTester::new(Register::default()),
        events,
    )
}

fn check<S: Stressed>(name: &str, parts: u32, judge: fn(&[Event]) -> bool) {
    {
        let policy = PublishPolicy::Immediate;
        rounds(&format!("{name}, {policy:?}"), parts, |seed| {
            let history = record::<S>(policy, seed);
            for key in 0..KEYS {
                let events: Vec<_> = history.iter().filter(|e| e.key == key).copied().collect();
                assert!(
                    judge(&events),
                    "{name}, {policy:?}: no order explains {events:#?}"
                );
            }
        });
    }
}

#[test]
fn single_key_histories_are_linearizable() {
    check::<CountStrategy>("Count", 6, is_linearizable);
    check::<EpochStrategy>("Epoch", 6, is_linearizable);
    check::<LockStrategy>("Lock", 6, is_linearizable);
}

#[test]
fn with_flash_single_key_histories_are_sequential() {
    check::<FlashStrategy>("Flash", 2, is_sequential);
}

/// A test of the test: histories that both testers must refuse, and some that only one may accept.
#[test]
fn broken_histories_are_refused() {
    let history = |events: &[(usize, Call, usize, Option<u32>, usize)]| -> Vec<Event> {
        let event = |&(thread, call, begin, result, end)| Event {
            thread,
            key: 0,
            call,
            begin,
            result,
            end,
        };
        events.iter().map(event).collect()
    };
    let judged = |events: &[Event]| (is_linearizable(events), is_sequential(events));
    let fine = history(&[
        (0, Call::Insert(1), 0, None, 3),
        (1, Call::Get, 1, Some(1), 2),
        (1, Call::Fails(7), 4, Some(1), 5),
        (1, Call::Panics(8), 6, None, 7),
        (0, Call::Remove, 8, Some(1), 9),
    ]);
    assert_eq!(judged(&fine), (true, true));
    // A read begins after a write has returned, and misses it.
    let stale = history(&[(0, Call::Insert(1), 0, None, 1), (1, Call::Get, 2, None, 3)]);
    assert_eq!(judged(&stale), (false, true));
    // A thread misses its own write.
    let own = history(&[(0, Call::Insert(1), 0, None, 1), (0, Call::Get, 2, None, 3)]);
    assert_eq!(judged(&own), (false, false));
    // A thread goes back while the write has not returned yet.
    let back = history(&[
        (0, Call::Insert(1), 0, None, 9),
        (1, Call::Get, 1, Some(1), 2),
        (1, Call::Get, 3, None, 4),
    ]);
    assert_eq!(judged(&back), (false, false));
    // A write misses another one, and a write is seen although it was rolled back.
    let lost = history(&[
        (0, Call::Insert(1), 0, None, 3),
        (1, Call::Insert(2), 1, None, 2),
    ]);
    assert_eq!(judged(&lost), (false, false));
    let undone = history(&[
        (0, Call::Fails(1), 0, None, 3),
        (1, Call::Get, 1, Some(1), 2),
    ]);
    assert_eq!(judged(&undone), (false, false));
}

/// A test of the test, from end to end: it detects a policy that promises nothing.
#[test]
fn an_unpublished_write_is_found_out() {
    let found = (0..100).any(|seed| {
        let history = record::<CountStrategy>(PublishPolicy::Every(1000), seed);
        let events: Vec<_> = history.into_iter().filter(|event| event.key == 0).collect();
        !is_sequential(&events)
    });
    assert!(found, "no tester noticed 100 rounds without a publish");
}
