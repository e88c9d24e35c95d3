//! Random steps, compared with `LockStrategy`.

use std::panic::{AssertUnwindSafe, catch_unwind};

use dbuf_core::{BufferPtr, OpWriter, ReadGuard, Reader, Writer};
use dbuf_strategies::LockStrategy;

use super::harness::{SuitePtr, buffer};
use super::log::Add;
use super::spare::has_spare;
use crate::run::message;

/// Handles and guards of one buffer, driven by random steps. Guards borrow readers, so the
/// readers are leaked.
struct Run<P: BufferPtr + 'static> {
    ptr: P,
    writer: Option<Writer<P>>,
    readers: Vec<&'static Reader<P>>,
    guards: Vec<Option<ReadGuard<'static, P>>>,
    next: usize,
}

/// The observable result of a step.
#[derive(Debug, PartialEq, Eq)]
enum Shown {
    Nothing,
    Claimed(bool),
    Read(usize, u64),
    Back(Option<usize>),
    Started(bool),
    Finished(bool),
    Open(bool),
    Aside(bool, bool),
    Writer(Option<(usize, u64, bool)>),
    Panicked(String),
}

const STEPS: u8 = 13;
/// What each step does, for messages.
const NAMES: [&str; STEPS as usize] = [
    "drop writer",
    "claim",
    "read",
    "read",
    "drop guard",
    "drop guard",
    "clone reader",
    "write back",
    "start",
    "try finish",
    "set aside",
    "set aside",
    "ask",
];

/// The clauses that a difference in a step breaks.
fn clauses(ours: &Shown, oracle: &Shown) -> &'static str {
    match (ours, oracle) {
        (Shown::Panicked(_), _) => "S2, S7",
        (_, Shown::Claimed(_) | Shown::Open(_)) => "S1",
        (_, Shown::Read(..)) => "S2, S4, S9",
        (_, Shown::Back(None) | Shown::Started(false) | Shown::Finished(false)) => "S2, S8",
        (_, Shown::Back(Some(_))) if matches!(ours, Shown::Back(Some(_))) => "S2, S4",
        (_, Shown::Back(_) | Shown::Started(_) | Shown::Finished(_)) => "S12",
        (_, Shown::Aside(..)) => "S13",
        _ => "S5, S9, S12",
    }
}

impl<P: SuitePtr> Run<P> {
    fn new(ptr: P) -> Self {
        Self {
            readers: vec![Box::leak(Box::new(Reader::new(ptr.clone())))],
            writer: Writer::claim(ptr.clone()).ok(),
            ptr,
            guards: Vec::new(),
            next: 0,
        }
    }

    fn step(&mut self, step: u8, pick: usize) -> Shown {
        match step % STEPS {
            0 => {
                self.writer = None;
                Shown::Nothing
            }
            1 => {
                let claimed = Writer::claim(self.ptr.clone());
                let shown = Shown::Claimed(claimed.is_ok());
                if let Ok(writer) = claimed {
                    self.writer = Some(writer);
                }
                shown
            }
            2 | 3 => {
                let guard = self.readers[pick % self.readers.len()].read();
                let shown = Shown::Read(guard.get(), ReadGuard::version(&guard));
                self.guards.push(Some(guard));
                shown
            }
            4 | 5 if !self.guards.is_empty() => {
                let at = pick % self.guards.len();
                let shown = match self.guards[at].take() {
                    Some(guard) => Shown::Read(guard.get(), ReadGuard::version(&guard)),
                    None => Shown::Nothing,
                };
                self.guards.swap_remove(at);
                shown
            }
            6 if self.readers.len() < 5 => {
                let clone = self.readers[pick % self.readers.len()].clone();
                self.readers.push(Box::leak(Box::new(clone)));
                Shown::Open(!self.readers[0].is_closed())
            }
            7 => {
                self.next += 1;
                let next = self.next;
                let back = self.writer.as_mut().and_then(Writer::try_back_mut);
                Shown::Back(back.map(|back| {
                    let old = back.get();
                    back.set(next);
                    old
                }))
            }
            8 => Shown::Started(self.writer.as_mut().is_some_and(Writer::start_swap)),
            9 => Shown::Finished(self.writer.as_mut().is_some_and(Writer::try_finish)),
            10 | 11 => match self.writer.take() {
                Some(writer) => {
                    let mut log = OpWriter::<P, Add>::new(writer);
                    let continues = log.set_aside();
                    let shown = Shown::Aside(continues, log.spare_stragglers() > 0);
                    self.writer = Some(log.into_writer());
                    shown
                }
                None => Shown::Nothing,
            },
            _ => Shown::Writer(self.writer.as_ref().map(|writer| {
                // Strategies may differ in when they finish a swap without stragglers.
                let waits = writer.stragglers() > 0;
                assert!(writer.is_swapping() || !waits);
                (writer.front().get(), writer.version(), waits)
            })),
        }
    }
}

fn named((step, shown): &(u8, Shown)) -> String {
    format!("{} {shown:?}", NAMES[usize::from(*step)])
}

/// Ten thousand random steps have the same results as with `LockStrategy`.
pub fn behaves_as_the_oracle<P: SuitePtr + 'static>(new: impl Fn() -> P) {
    let (runs, steps) = if cfg!(miri) { (4, 60) } else { (100, 100) };
    // Without the steps of the spare side if it is broken: other tests say so.
    let has_spare = catch_unwind(AssertUnwindSafe(|| has_spare(new()))).unwrap_or(false);
    for seed in 1..=runs {
        let mut ours = Run::new(new());
        let mut oracle = Run::new(std::sync::Arc::new(buffer(LockStrategy::new())));
        let mut random = 0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(seed);
        let mut steps_so_far = Vec::new();
        for _ in 0..steps {
            // xorshift64
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let (step, pick) = ((random >> 32) as u8, (random >> 48) as usize);
            if matches!(step % STEPS, 10 | 11) && !has_spare {
                continue;
            }
            let step = step % STEPS;
            let shown = catch_unwind(AssertUnwindSafe(|| ours.step(step, pick)))
                .unwrap_or_else(|panic| Shown::Panicked(message(&*panic).into()));
            let expected = oracle.step(step, pick);
            if shown != expected {
                let steps: Vec<_> = steps_so_far.iter().map(named).collect();
                panic!(
                    "{}: yours {shown:?}, oracle {expected:?}; seed {seed}; steps: {}, {}",
                    clauses(&shown, &expected),
                    steps.join(", "),
                    NAMES[usize::from(step)],
                );
            }
            steps_so_far.push((step, expected));
        }
    }
}
