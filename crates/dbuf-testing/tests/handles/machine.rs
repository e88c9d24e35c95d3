//! The handles and guards of a buffer, and the effect of each step on them and on the model.

mod logs;
mod reads;
mod step;
mod writes;

use std::mem;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::Wake;

use dbuf_core::{BufferPtr, OpWriter, OwnedReadGuard, OwningPtr, Reader, Version, Writer};

use super::guards::{AnyGuard, AnyReader};
use super::kind::Kind;
use super::log::Log;
use super::model::{LogModel, Model};
use super::value::{Value, arm};
pub(crate) use step::Step;

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
            Step::StartSwap => self.start_swap(),
            Step::TryFinish => self.try_finish(),
            Step::Poll { with_another } => self.poll(with_another),
            Step::FinishTimeout => self.finish_timeout(),
            Step::Swap | Step::Store => self.swap_or_store(matches!(step, Step::Store)),
            Step::TrySwap => self.try_swap(),
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
            } => self.batch(changes, ending, fuse),
            Step::Transact {
                ref changes,
                outcome,
                fuse,
            } => self.transact(changes, outcome, fuse),
            Step::PublishLog => self.publish_log(),
            Step::CatchUp { fuse } => self.catch_up(fuse),
            Step::SetAside { fuse } => self.set_aside(fuse),
            _ => {}
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
        assert_eq!(writer.front().get(), self.model.published(), "front");
        assert_eq!(writer.version(), self.model.version, "version");
        if self.model.is_blocked() {
            assert!(writer.is_swapping(), "is_swapping");
            assert!(writer.stragglers() > 0, "stragglers");
        } else if !self.model.unfinished {
            assert!(!writer.is_swapping(), "is_swapping");
            assert_eq!(writer.stragglers(), 0, "stragglers");
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
