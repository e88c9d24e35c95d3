//! The buffer's handles and guards, and what each step does to them and to the model.

use std::mem;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use arbitrary::Arbitrary;
use dbuf_core::{
    BlockingStrategy, BufferPtr, OpWriter, OwnedReadGuard, OwningPtr, Reader, ReaderPtr, Taken,
    Version, Writer,
};

use super::guards::{Looks, Reads};
use super::log::{self, Change, Ending, Outcome, Transact};
use super::model::{Hold, LogModel, Model};
use super::value::{Add, POISON, Value, arm, caught};

const READERS: usize = 5;
const GUARDS: usize = 8;

#[derive(Arbitrary, Clone, Debug)]
pub(crate) enum Step {
    Claim,
    DropWriter,
    /// If the number is 0: nothing can be written any more.
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
}

type Log<P> = OpWriter<P, Add>;

/// What only a strategy does on which threads may sleep.
pub(crate) struct Blocking<P: BufferPtr<T = Value, X = ()>> {
    finish_timeout: fn(&mut Writer<P>) -> bool,
    swap: fn(&mut Writer<P>),
    store: fn(&mut Writer<P>, Value),
    catch_up: fn(&mut Log<P>),
    transact: Transact<P>,
}

impl<P: BufferPtr<T = Value, X = (), S: BlockingStrategy>> Blocking<P> {
    pub(crate) fn new() -> Self {
        Self {
            finish_timeout: |writer| writer.finish_timeout(Duration::ZERO),
            swap: Writer::swap,
            store: Writer::store,
            catch_up: OpWriter::catch_up,
            transact: |writer, f| writer.transact(f),
        }
    }
}

/// Makes a reader that does not keep the buffer.
type WeakReader<P> = Box<dyn Fn(&P) -> Rc<dyn Reads>>;

/// What differs between strategies and pointers.
pub(crate) struct Kind<P: BufferPtr<T = Value, X = ()>> {
    weak: WeakReader<P>,
    blocking: Option<Blocking<P>>,
    pub(crate) try_swap: Option<fn(&mut Writer<P>) -> bool>,
    /// A forgotten guard counts until its reader is dropped, and not for ever.
    pub(crate) until_dropped: bool,
}

impl<P: BufferPtr<T = Value, X = ()> + 'static> Kind<P> {
    pub(crate) fn new<R: ReaderPtr<T = Value> + 'static>(
        downgrade: fn(&P) -> R,
        blocking: Option<Blocking<P>>,
    ) -> Self {
        Self {
            weak: Box::new(move |ptr| Rc::new(Reader::new(downgrade(ptr)))),
            blocking,
            try_swap: None,
            until_dropped: false,
        }
    }
}

enum Hand<P: BufferPtr> {
    Empty,
    Raw(Writer<P>),
    Log(Log<P>, LogModel),
    Forgotten,
}

struct Handle {
    number: usize,
    is_weak: bool,
    reader: Rc<dyn Reads>,
}

struct Held {
    number: usize,
    /// Forgotten, it takes the reader and the pointer with it.
    owns: bool,
    /// Forgotten, it keeps the buffer.
    pins: bool,
    reader: usize,
    seen: (usize, Version),
    guard: Box<dyn Looks>,
}

impl Held {
    fn check(&self) {
        assert_eq!(self.guard.see(), self.seen, "a guarded side was written");
    }
}

#[derive(Debug, Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// Tells of the steps that led to a panic.
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

pub(crate) struct Machine<P: BufferPtr<T = Value, X = ()>> {
    hand: Hand<P>,
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

impl<P: OwningPtr<T = Value, X = ()> + 'static> Machine<P> {
    pub(crate) fn new(ptr: P, kind: Kind<P>) -> Self {
        Self {
            hand: Hand::Empty,
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
            Step::DropWriter if !matches!(self.hand, Hand::Forgotten) => {
                self.forget_the_back();
                self.hand = Hand::Empty;
            }
            Step::ForgetWriter(0) if !matches!(self.hand, Hand::Empty) => {
                self.forget_the_back();
                mem::forget(mem::replace(&mut self.hand, Hand::Forgotten));
                self.leaks = true;
            }
            Step::NewReader => {
                let reader = match &self.hand {
                    Hand::Raw(writer) => writer.reader(),
                    Hand::Log(writer, _) => writer.reader(),
                    Hand::Empty | Hand::Forgotten => Reader::new(self.ptr.clone()),
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
                if let Hand::Raw(writer) = &mut self.hand {
                    let finished = self.model.look();
                    assert_eq!(writer.start_swap(), finished, "start_swap");
                    if finished {
                        self.model.swap();
                    }
                }
            }
            Step::TryFinish => {
                let finished = match &mut self.hand {
                    Hand::Raw(writer) => writer.try_finish(),
                    Hand::Log(writer, _) => writer.try_finish(),
                    Hand::Empty | Hand::Forgotten => return,
                };
                assert_eq!(finished, self.model.look(), "try_finish");
            }
            Step::Poll { with_another } => self.poll(with_another),
            Step::FinishTimeout => {
                if let (Hand::Raw(writer), Some(blocking)) = (&mut self.hand, &self.kind.blocking) {
                    let finished = (blocking.finish_timeout)(writer);
                    assert_eq!(finished, self.model.look(), "finish_timeout");
                    // It waits with a waker of its own.
                    self.model.awaited = None;
                }
            }
            Step::Swap | Step::Store => self.swap_or_store(matches!(step, Step::Store)),
            Step::TrySwap => {
                self.learn();
                if let (Hand::Raw(writer), Some(try_swap)) = (&mut self.hand, self.kind.try_swap) {
                    let free = self.model.look() && !self.model.is_held(self.model.front);
                    assert_eq!(try_swap(writer), free, "try_swap");
                    if free {
                        self.model.swap();
                        self.model.look();
                    }
                }
            }
            Step::IntoLog => {
                self.forget_the_back();
                self.hand = match mem::replace(&mut self.hand, Hand::Empty) {
                    Hand::Raw(writer) => Hand::Log(OpWriter::new(writer), LogModel::new()),
                    other => other,
                };
            }
            Step::IntoRaw => {
                self.hand = match mem::replace(&mut self.hand, Hand::Empty) {
                    Hand::Log(writer, _) => Hand::Raw(writer.into_writer()),
                    other => other,
                };
            }
            Step::Batch {
                ref changes,
                ending,
                fuse,
            } => {
                if let Hand::Log(writer, log) = &mut self.hand {
                    arm(fuse.into());
                    log::batch(writer, log, &mut self.model, changes, ending);
                }
            }
            Step::Transact {
                ref changes,
                outcome,
                fuse,
            } => {
                if let (Hand::Log(writer, log), Some(blocking)) =
                    (&mut self.hand, &self.kind.blocking)
                    && self.model.look()
                {
                    arm(fuse.into());
                    let by = blocking.transact;
                    log::transact(by, writer, log, &mut self.model, changes, outcome);
                }
            }
            Step::PublishLog => {
                if let Hand::Log(writer, log) = &mut self.hand {
                    log.close_forgotten();
                    assert_eq!(writer.publish(), log.publish(&mut self.model), "publish");
                }
            }
            Step::CatchUp { fuse } => {
                if let (Hand::Log(writer, log), Some(blocking)) =
                    (&mut self.hand, &self.kind.blocking)
                    && self.model.look()
                {
                    arm(fuse.into());
                    match caught(|| (blocking.catch_up)(writer)) {
                        Some(()) => log.settle(self.model.published()),
                        None => log.tear(),
                    }
                }
            }
            _ => {}
        }
    }

    fn claim(&mut self) {
        let claimed = Writer::claim(self.ptr.clone());
        match &self.hand {
            Hand::Empty => self.hand = Hand::Raw(claimed.unwrap()),
            _ => assert_eq!(claimed.unwrap_err(), Taken),
        }
    }

    /// Adds a reader to the list, or drops it if there are many.
    fn keep(&mut self, reader: Rc<dyn Reads>, is_weak: bool) {
        if self.readers.len() < READERS {
            let number = self.next();
            self.readers.push(Handle {
                number,
                is_weak,
                reader,
            });
        }
    }

    fn read(&mut self, at: u8, mapped: bool) {
        let Some(Handle {
            number,
            is_weak,
            reader,
        }) = pick(&self.readers, at)
        else {
            return;
        };
        let (number, is_weak) = (*number, *is_weak);
        let guard = Rc::clone(reader).read(mapped).expect("the buffer is there");
        self.hold(number, guard, (false, is_weak));
    }

    fn hold(&mut self, reader: usize, guard: Box<dyn Looks>, (owns, pins): (bool, bool)) {
        let seen = (self.model.published(), self.model.version);
        assert_eq!(guard.see(), seen, "not what was published last");
        if self.guards.len() == GUARDS {
            return;
        }
        let number = self.next();
        self.guards.push(Held {
            number,
            owns,
            pins,
            reader,
            seen,
            guard,
        });
        self.model.holds.push(Hold {
            guard: number,
            reader,
            side: self.model.front,
            forgotten: false,
        });
    }

    fn forget_guard(&mut self, at: u8) {
        let at = usize::from(at) % self.guards.len();
        let Held {
            number,
            owns,
            pins,
            reader,
            guard,
            ..
        } = self.guards.swap_remove(at);
        guard.forget();
        self.leaks |= pins;
        let hold = self
            .model
            .holds
            .iter_mut()
            .find(|hold| hold.guard == number);
        hold.expect("each guard has one").forgotten = true;
        if !owns {
            self.dropped(reader);
        }
    }

    /// A handle or a guard of this reader is gone. If it was the last one, so is the
    /// reader, and what it holds no longer counts where that is promised.
    fn dropped(&mut self, reader: usize) {
        let is_there = self.readers.iter().any(|handle| handle.number == reader)
            || self.guards.iter().any(|held| held.reader == reader);
        if !is_there && self.kind.until_dropped {
            self.model.holds.retain(|hold| hold.reader != reader);
        }
    }

    /// Behind a log, and after it, nobody knows what the back is.
    fn forget_the_back(&mut self) {
        if !matches!(self.hand, Hand::Forgotten) {
            let back = self.model.back();
            self.model.values[back] = None;
        }
    }

    /// Looks what the back is, if it can be had.
    fn learn(&mut self) {
        let back = self.model.back();
        if let Hand::Raw(writer) = &mut self.hand
            && self.model.values[back].is_none()
            && self.model.look()
        {
            let value = writer.try_back_mut().expect("finished");
            // What a log left behind when it panicked halfway.
            if value.get() == POISON {
                value.set(0);
            }
            self.model.values[back] = Some(value.get());
        }
    }

    fn write(&mut self) {
        let number = self.next();
        let Hand::Raw(writer) = &mut self.hand else {
            return;
        };
        let finished = self.model.look();
        let place = writer.try_back_mut();
        assert_eq!(place.is_some(), finished, "try_back_mut");
        let Some(place) = place else { return };
        let back = self.model.back();
        if let Some(known) = self.model.values[back] {
            assert_eq!(place.get(), known);
        }
        place.set(POISON);
        self.guards.iter().for_each(Held::check);
        place.set(number);
        self.model.values[back] = Some(number);
    }

    fn poll(&mut self, with_another: bool) {
        if matches!(self.hand, Hand::Empty | Hand::Forgotten) {
            return;
        }
        if with_another {
            self.newest = 1 - self.newest;
        }
        let count = &self.wakers[self.newest];
        let waker = Waker::from(Arc::clone(count));
        let mut cx = Context::from_waker(&waker);
        let polled = match &mut self.hand {
            Hand::Raw(writer) => writer.poll_finish(&mut cx),
            Hand::Log(writer, _) => writer.poll_finish(&mut cx),
            Hand::Empty | Hand::Forgotten => return,
        };
        let finished = self.model.look();
        assert_eq!(polled == Poll::Ready(()), finished, "poll_finish");
        self.model.awaited = (!finished).then(|| count.0.load(SeqCst));
    }

    fn swap_or_store(&mut self, stores: bool) {
        self.learn();
        let number = self.next();
        let held = self.model.is_held(self.model.front);
        let (Hand::Raw(writer), Some(blocking)) = (&mut self.hand, &self.kind.blocking) else {
            return;
        };
        // Else it would wait for this very thread.
        if self.model.is_blocked() || (held && !stores) {
            return;
        }
        assert!(self.model.look());
        if stores {
            (blocking.store)(writer, Value::new(number));
            let back = self.model.back();
            self.model.values[back] = Some(number);
            self.model.swap();
        } else {
            (blocking.swap)(writer);
            self.model.swap();
            assert!(self.model.look());
        }
    }

    /// What holds after every step.
    fn check(&mut self) {
        self.guards.iter().for_each(Held::check);
        if let Some(before) = self.model.awaited
            && !self.model.is_blocked()
        {
            let wakes = self.wakers[self.newest].0.load(SeqCst);
            assert!(wakes > before, "a lost wake");
            self.model.awaited = None;
        }
        let claimed = !matches!(self.hand, Hand::Empty);
        for handle in &self.readers {
            assert_eq!(handle.reader.is_closed(), !claimed, "is_closed");
        }
        let writer = match &self.hand {
            Hand::Raw(writer) => writer,
            Hand::Log(writer, log) => {
                assert_eq!(writer.has_pending(), log.has_pending(), "has_pending");
                writer.as_writer()
            }
            Hand::Empty | Hand::Forgotten => return,
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

    /// Everything goes, the buffer last; what it held comes out.
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
            panic!("a pointer is left");
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
