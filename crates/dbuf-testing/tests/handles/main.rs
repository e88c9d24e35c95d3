//! Bytes drive the handles, guards and swaps of one buffer, and a model predicts what each call
//! returns. Every live guard is read after every step, and after the back is poisoned.
//!
//! `fuzz/fuzz_targets/handles.rs` runs this on the inputs of libFuzzer; the tests run it on the
//! inputs that were kept, and on random ones.
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
enum Chosen {
    Local,
    Count,
    Epoch,
    EpochAsymmetric,
    EpochFenced,
    Flash,
    Lock,
    WatchedEpoch,
}

/// Runs the input `data`: it chooses a strategy and a pointer, and then the steps.
///
/// # Panics
///
/// Panics if a handle and the model disagree, or if a guarded side is written.
pub(crate) fn run(data: &[u8]) {
    let mut bytes = Unstructured::new(data);
    let Ok((chosen, in_rc)) = bytes.arbitrary() else {
        return;
    };
    let mut steps = Vec::new();
    while let (false, Ok(step)) = (bytes.is_empty(), bytes.arbitrary()) {
        steps.push(step);
    }
    let _print_on_panic = PrintOnPanic(chosen, in_rc);
    let fenced = |fence| move || EpochStrategy::with_fence(fence);
    match chosen {
        Chosen::Local => {
            let ptr = Rc::new(buffer(LocalStrategy::new()));
            let mut kind = Kind::new(Rc::downgrade, None);
            kind.try_swap = Some(|writer| writer.try_swap());
            Machine::new(ptr, kind).run(&steps);
        }
        Chosen::Count => blocking(CountStrategy::new, in_rc, &steps, |_| {}, |_| {}),
        Chosen::Epoch => until_dropped(EpochStrategy::new, in_rc, &steps),
        Chosen::EpochAsymmetric => until_dropped(fenced(Fence::Asymmetric), in_rc, &steps),
        Chosen::EpochFenced => until_dropped(fenced(Fence::Symmetric), in_rc, &steps),
        Chosen::Flash => until_dropped(FlashStrategy::new, in_rc, &steps),
        Chosen::Lock => blocking(
            LockStrategy::new,
            in_rc,
            &steps,
            |kind| kind.try_swap = Some(|writer| writer.try_swap()),
            |kind| kind.try_swap = Some(|writer| writer.try_swap()),
        ),
        Chosen::WatchedEpoch => {
            until_dropped(|| Watched::new(EpochStrategy::new()), in_rc, &steps);
        }
    }
}

/// Prints the strategy and the pointer of a failed run.
struct PrintOnPanic(Chosen, bool);

impl Drop for PrintOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{:?}, in an Rc: {}", self.0, self.1);
        }
    }
}

fn buffer<S>(strategy: S) -> DoubleBuffer<Value, S> {
    DoubleBuffer::new(Value::new(0), Value::new(1), strategy)
}

/// Runs a strategy whose forgotten guards count until their reader is dropped.
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

/// Each kept input reaches code that no other reaches.
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
