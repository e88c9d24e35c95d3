//! The handles and guards of a buffer, and the effect of each step on them and on the model.

mod reads;
mod writes;

use std::mem;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::Wake;

use arbitrary::Arbitrary;
use dbuf_core::{
    BufferPtr, ClaimError, OpWriter, OwnedReadGuard, OwningPtr, Reader, Version, Writer,
};

use super::guards::{AnyGuard, AnyReader};
use super::kind::Kind;
use super::log::{self, Change, Ending, Log, Outcome};
use super::model::{LogModel, Model};
use super::value::{Value, arm, caught};

#[derive(Arbitrary, Clone, Debug)]
pub(crate) enum Step {
    Claim,
    DropWriter,
    /// Forgets the writer if the number is 0; after that, nothing can be written.
    ForgetWriter(u8),
    NewReader,
    CloneReader(u8),
    WeakReader,
    DropReader(u8),
    Read(u8),
    ReadMapped(u8),
    ReadOwned,
    ReadOwnedAndBack,
    DropGuard(u8),
    ForgetGuard(u8),
    Write,
    StartSwap,
    TryFinish,
    Poll {
        with_another: bool,
    },
    FinishTimeout,
    Swap,
    Store,
    TrySwap,
    IntoLog,
    IntoRaw,
    Batch {
        changes: Vec<Change>,
        ending: Ending,
        fuse: u8,
    },
    Transact {
        changes: Vec<Change>,
        outcome: Outcome,
        fuse: u8,
    },
    PublishLog,
    CatchUp {
        fuse: u8,
    },
    SetAside {
        fuse: u8,
    },
}

enum WriterSlot<P: BufferPtr> {
    Empty,
    Raw(Writer<P>),
    Log(Log<P>, LogModel),
    Forgotten,
}

struct Handle {
    number: usize,
    is_weak: bool,
    reader: Rc<dyn AnyReader>,
}

struct Held {
    number: usize,
    /// A forgotten owned guard also keeps the reader and the pointer.
    owns: bool,
    /// The forgotten guard keeps the buffer alive.
    pins: bool,
    reader: usize,
    seen: (usize, Version),
    guard: Box<dyn AnyGuard>,
}

impl Held {
    fn check(&self) {
        assert_eq!(
            self.guard.value_and_version(),
            self.seen,
            "a guarded side was written"
        );
    }
}

#[derive(Debug, Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// Prints the steps that led to a panic.
struct Trail<'s>(&'s [Step], usize);

impl Drop for Trail<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for step in &self.0[..self.1] {
                eprintln!("{step:?}");
            }
        }
    }
}

pub(crate) struct Machine<P: BufferPtr<Value = Value, Extras = ()>> {
    writer: WriterSlot<P>,
    guards: Vec<Held>,
    readers: Vec<Handle>,
    ptr: P,
    kind: Kind<P>,
    model: Model,
    wakers: [Arc<Count>; 2],
    newest: usize,
    next: usize,
    leaks: bool,
}

impl<P: OwningPtr<Value = Value, Extras = ()> + 'static> Machine<P> {
    pub(crate) fn new(ptr: P, kind: Kind<P>) -> Self {
        Self {
            writer: WriterSlot::Empty,
            guards: Vec::new(),
            readers: Vec::new(),
            ptr,
            kind,
            model: Model::new(),
            wakers: Default::default(),
            newest: 0,
            next: 1,
            leaks: false,
        }
    }

    pub(crate) fn run(mut self, steps: &[Step]) {
        let mut trail = Trail(steps, 0);
        for step in steps {
            trail.1 += 1;
            self.step(step);
            arm(0);
            self.check();
        }
        self.end();
    }

    fn next(&mut self) -> usize {
        self.next += 1;
        self.next
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Claim => self.claim(),
            Step::DropWriter if !matches!(self.writer, WriterSlot::Forgotten) => {
                self.forget_the_back();
                self.writer = WriterSlot::Empty;
            }
            Step::ForgetWriter(0) if !matches!(self.writer, WriterSlot::Empty) => {
                self.forget_the_back();
                mem::forget(mem::replace(&mut self.writer, WriterSlot::Forgotten));
                self.leaks = true;
            }
            Step::NewReader => {
                let reader = match &self.writer {
                    WriterSlot::Raw(writer) => writer.reader(),
                    WriterSlot::Log(writer, _) => writer.reader(),
                    WriterSlot::Empty | WriterSlot::Forgotten => Reader::new(self.ptr.clone()),
                };
                self.keep(Rc::new(reader), false);
            }
            Step::WeakReader => {
                let reader = (self.kind.weak)(&self.ptr);
                self.keep(reader, true);
            }
            Step::CloneReader(at) => {
                if let Some(Handle {
                    reader, is_weak, ..
                }) = pick(&self.readers, at)
                {
                    self.keep(reader.another(), *is_weak);
                }
            }
            Step::DropReader(at) if !self.readers.is_empty() => {
                let at = usize::from(at) % self.readers.len();
                let Handle { number, reader, .. } = self.readers.swap_remove(at);
                drop(reader);
                self.dropped(number);
            }
            Step::Read(at) => self.read(at, false),
            Step::ReadMapped(at) => self.read(at, true),
            Step::ReadOwned => {
                let guard = Box::new(Reader::new(self.ptr.clone())).into_guard();
                let number = self.next();
                self.hold(number, Box::new(guard), (true, true));
            }
            Step::ReadOwnedAndBack => {
                let guard = Box::new(Reader::new(self.ptr.clone())).into_guard();
                assert_eq!(guard.get(), self.model.published());
                let reader = OwnedReadGuard::into_reader(guard);
                self.keep(Rc::new(*reader), false);
            }
            Step::DropGuard(at) if !self.guards.is_empty() => {
                let at = usize::from(at) % self.guards.len();
                let held = self.guards.swap_remove(at);
                held.check();
                let Held {
                    number,
                    reader,
                    guard,
                    ..
                } = held;
                drop(guard);
                self.model.holds.retain(|hold| hold.guard != number);
                self.dropped(reader);
            }
            Step::ForgetGuard(at) if !self.guards.is_empty() => self.forget_guard(at),
            Step::Write => self.write(),
            Step::StartSwap => {
                self.learn();
                if let WriterSlot::Raw(writer) = &mut self.writer {
                    let finished = self.model.try_finish();
                    assert_eq!(writer.start_swap(), finished, "start_swap");
                    if finished {
                        self.model.swap();
                    }
                }
            }
            Step::TryFinish => {
                let finished = match &mut self.writer {
                    WriterSlot::Raw(writer) => writer.try_finish(),
                    WriterSlot::Log(writer, _) => writer.try_finish(),
                    WriterSlot::Empty | WriterSlot::Forgotten => return,
                };
                assert_eq!(finished, self.model.try_finish(), "try_finish");
            }
            Step::Poll { with_another } => self.poll(with_another),
            Step::FinishTimeout => {
                if let (WriterSlot::Raw(writer), Some(blocking)) =
                    (&mut self.writer, &self.kind.blocking)
                {
                    let finished = (blocking.finish_timeout)(writer);
                    assert_eq!(finished, self.model.try_finish(), "finish_timeout");
                    // It waits with its own waker.
                    self.model.awaited = None;
                }
            }
            Step::Swap | Step::Store => self.swap_or_store(matches!(step, Step::Store)),
            Step::TrySwap => {
                self.learn();
                if let (WriterSlot::Raw(writer), Some(try_swap)) =
                    (&mut self.writer, self.kind.try_swap)
                {
                    let free = self.model.try_finish() && !self.model.is_held(self.model.front);
                    assert_eq!(try_swap(writer), free, "try_swap");
                    if free {
                        self.model.swap();
                        self.model.try_finish();
                    }
                }
            }
            Step::IntoLog => {
                self.forget_the_back();
                self.writer = match mem::replace(&mut self.writer, WriterSlot::Empty) {
                    WriterSlot::Raw(writer) => {
                        WriterSlot::Log(OpWriter::new(writer), LogModel::new())
                    }
                    other => other,
                };
            }
            Step::IntoRaw => {
                self.writer = match mem::replace(&mut self.writer, WriterSlot::Empty) {
                    WriterSlot::Log(writer, _) => WriterSlot::Raw(writer.into_writer()),
                    other => other,
                };
            }
            Step::Batch {
                ref changes,
                ending,
                fuse,
            } => {
                if let WriterSlot::Log(writer, log) = &mut self.writer {
                    arm(fuse.into());
                    log::batch(writer, log, &mut self.model, changes, ending);
                }
            }
            Step::Transact {
                ref changes,
                outcome,
                fuse,
            } => {
                if let (WriterSlot::Log(writer, log), Some(blocking)) =
                    (&mut self.writer, &self.kind.blocking)
                    && self.model.try_finish()
                {
                    arm(fuse.into());
                    let by = blocking.transact;
                    log::transact(by, writer, log, &mut self.model, changes, outcome);
                }
            }
            Step::PublishLog => {
                if let WriterSlot::Log(writer, log) = &mut self.writer {
                    log.close_forgotten();
                    let published = writer.publish().is_published();
                    assert_eq!(published, log.publish(&mut self.model), "publish");
                }
            }
            Step::CatchUp { fuse } => {
                if let (WriterSlot::Log(writer, log), Some(blocking)) =
                    (&mut self.writer, &self.kind.blocking)
                    && self.model.try_finish()
                {
                    arm(fuse.into());
                    match caught(|| (blocking.catch_up)(writer)) {
                        Some(()) => log.settle(self.model.published()),
                        None => log.tear(),
                    }
                }
            }
            Step::SetAside { fuse } => self.set_aside(fuse),
            _ => {}
        }
    }

    fn claim(&mut self) {
        let claimed = Writer::claim(self.ptr.clone());
        match &self.writer {
            WriterSlot::Empty => self.writer = WriterSlot::Raw(claimed.unwrap()),
            _ => assert_eq!(claimed.unwrap_err(), ClaimError),
        }
    }

    /// Checks what holds after every step.
    fn check(&mut self) {
        self.guards.iter().for_each(Held::check);
        if let Some(before) = self.model.awaited
            && self.model.must_be_woken()
        {
            let wakes = self.wakers[self.newest].0.load(SeqCst);
            assert!(wakes > before, "a wake was lost");
            self.model.awaited = None;
        }
        let claimed = !matches!(self.writer, WriterSlot::Empty);
        for handle in &self.readers {
            assert_eq!(handle.reader.is_closed(), !claimed, "is_closed");
        }
        let writer = match &self.writer {
            WriterSlot::Raw(writer) => writer,
            WriterSlot::Log(writer, log) => {
                assert_eq!(writer.has_pending(), log.has_pending(), "has_pending");
                let held = self.model.is_held(self.model.spare);
                assert_eq!(writer.spare_stragglers() > 0, held, "spare_stragglers");
                writer.as_writer()
            }
            WriterSlot::Empty | WriterSlot::Forgotten => return,
        };
        assert_eq!(writer.front().get(), self.model.published());
        assert_eq!(writer.version(), self.model.version);
        if self.model.is_blocked() {
            assert!(writer.is_swapping() && writer.stragglers() > 0);
        } else if !self.model.unfinished {
            assert!(!writer.is_swapping());
            assert_eq!(writer.stragglers(), 0);
        }
    }

    /// Drops every handle and then unwraps the buffer.
    fn end(mut self) {
        while !self.guards.is_empty() {
            self.step(&Step::DropGuard(0));
            self.check();
        }
        self.step(&Step::DropWriter);
        let readers = mem::take(&mut self.readers);
        let (weak, strong): (Vec<_>, Vec<_>) = readers.into_iter().partition(|h| h.is_weak);
        drop(strong);
        if self.leaks {
            return;
        }
        let published = self.model.published();
        let Self { ptr, .. } = self;
        let Ok(buffer) = ptr.try_unwrap() else {
            panic!("another pointer keeps the buffer");
        };
        for handle in weak {
            assert!(handle.reader.is_closed());
            assert!(handle.reader.read(false).is_none());
        }
        assert_eq!(buffer.into_buffers().0.get(), published);
    }
}

fn pick<T>(list: &[T], at: u8) -> Option<&T> {
    (!list.is_empty()).then(|| &list[usize::from(at) % list.len()])
}
