//! Handles, guards and swaps of one buffer, driven by bytes, beside a model that knows
//! what each call must return. Every live guard is looked at after every step, and after
//! the back was poisoned.
//!
//! `fuzz/fuzz_targets/handles.rs` runs this on what libFuzzer comes up with; the test runs
//! it on the inputs that were worth keeping, and on random ones.
#![cfg(not(dbuf_loom))]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests always have std"
)]

mod guards;
mod kind;
mod log;
mod machine;
mod model;
mod value;

use std::rc::Rc;
use std::sync::Arc;

use arbitrary::{Arbitrary, Unstructured};
use dbuf_core::{BlockingStrategy, DoubleBuffer};
use dbuf_strategies::{
    CountStrategy, EpochStrategy, Fence, FlashStrategy, LocalStrategy, LockStrategy, Watched,
};

#[cfg(test)]
use dbuf_testing::inputs;
use kind::{Blocking, Kind};
use machine::{Machine, Step};
use value::Value;

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Which {
    Local,
    Count,
    Epoch,
    EpochAsymmetric,
    EpochFenced,
    Flash,
    Lock,
    WatchedEpoch,
}

/// Runs the steps that a run of bytes stands for: which strategy, which pointer, and then
/// one step after the other.
///
/// # Panics
///
/// If a handle does something else than the model says, or a guarded side is written.
pub(crate) fn run(data: &[u8]) {
    let mut bytes = Unstructured::new(data);
    let Ok((which, in_rc)) = bytes.arbitrary() else {
        return;
    };
    let mut steps = Vec::new();
    while let (false, Ok(step)) = (bytes.is_empty(), bytes.arbitrary()) {
        steps.push(step);
    }
    let _told = Told(which, in_rc);
    let fenced = |fence| move || EpochStrategy::with_fence(fence);
    match which {
        Which::Local => {
            let ptr = Rc::new(buffer(LocalStrategy::new()));
            let mut kind = Kind::new(Rc::downgrade, None);
            kind.try_swap = Some(|writer| writer.try_swap());
            Machine::new(ptr, kind).run(&steps);
        }
        Which::Count => blocking(CountStrategy::new, in_rc, &steps, |_| {}, |_| {}),
        Which::Epoch => until_dropped(EpochStrategy::new, in_rc, &steps),
        Which::EpochAsymmetric => until_dropped(fenced(Fence::Asymmetric), in_rc, &steps),
        Which::EpochFenced => until_dropped(fenced(Fence::Symmetric), in_rc, &steps),
        Which::Flash => until_dropped(FlashStrategy::new, in_rc, &steps),
        Which::Lock => blocking(
            LockStrategy::new,
            in_rc,
            &steps,
            |kind| kind.try_swap = Some(|writer| writer.try_swap()),
            |kind| kind.try_swap = Some(|writer| writer.try_swap()),
        ),
        Which::WatchedEpoch => {
            until_dropped(|| Watched::new(EpochStrategy::new()), in_rc, &steps);
        }
    }
}

/// Tells what a panic was about.
struct Told(Which, bool);

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{:?}, in an Rc: {}", self.0, self.1);
        }
    }
}

fn buffer<S>(strategy: S) -> DoubleBuffer<Value, S> {
    DoubleBuffer::new(Value::new(0), Value::new(1), strategy)
}

/// A strategy whose forgotten guards count until their reader is dropped.
fn until_dropped<S: BlockingStrategy + 'static>(new: impl Fn() -> S, in_rc: bool, steps: &[Step]) {
    blocking(
        new,
        in_rc,
        steps,
        |kind| kind.until_dropped = true,
        |kind| kind.until_dropped = true,
    );
}

fn blocking<S: BlockingStrategy + 'static>(
    new: impl Fn() -> S,
    in_rc: bool,
    steps: &[Step],
    of_rc: impl Fn(&mut Kind<RcOf<S>>),
    of_arc: impl Fn(&mut Kind<ArcOf<S>>),
) {
    if in_rc {
        let mut kind = Kind::new(Rc::downgrade, Some(Blocking::new()));
        of_rc(&mut kind);
        Machine::new(Rc::new(buffer(new())), kind).run(steps);
    } else {
        let mut kind = Kind::new(Arc::downgrade, Some(Blocking::new()));
        of_arc(&mut kind);
        Machine::new(Arc::new(buffer(new())), kind).run(steps);
    }
}

type RcOf<S> = Rc<DoubleBuffer<Value, S>>;
type ArcOf<S> = Arc<DoubleBuffer<Value, S>>;

/// The inputs that were worth keeping: each reaches code that no other does.
#[test]
#[cfg_attr(miri, ignore = "reads files: -Zmiri-disable-isolation")]
fn kept_inputs_agree_with_the_model() {
    inputs::kept(
        concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/seeds/handles"),
        run,
    );
}

#[test]
fn random_inputs_agree_with_the_model() {
    let (number, length) = if cfg!(miri) { (60, 200) } else { (2000, 600) };
    inputs::random(number, length, run);
}
