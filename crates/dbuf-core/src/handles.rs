//! Handles in one line: aliases, and functions that make a buffer and its handles.

use alloc::rc::{self, Rc};
#[cfg(target_has_atomic = "ptr")]
use alloc::sync::{self, Arc};

use crate::buffer::DoubleBuffer;
#[cfg(target_has_atomic = "ptr")]
use crate::op_log::OpWriter;
use crate::reader::Reader;
#[cfg(feature = "std")]
use crate::shared::SharedReader;
use crate::strategy::Strategy;
use crate::writer::{Writer, split};

/// A writer whose buffer is shared between threads.
#[cfg(target_has_atomic = "ptr")]
pub type ArcWriter<T, S, X = ()> = Writer<Arc<DoubleBuffer<T, S, X>>>;
/// A reader whose buffer is shared between threads.
#[cfg(target_has_atomic = "ptr")]
pub type ArcReader<T, S, X = ()> = Reader<Arc<DoubleBuffer<T, S, X>>>;
/// A writer with a log whose buffer is shared between threads.
#[cfg(target_has_atomic = "ptr")]
pub type ArcOpWriter<T, O, S, X = ()> = OpWriter<Arc<DoubleBuffer<T, S, X>>, O>;
/// A reader for all threads.
#[cfg(feature = "std")]
pub type ArcSharedReader<T, S, X = ()> = SharedReader<Arc<DoubleBuffer<T, S, X>>>;
/// A writer whose buffer is shared within one thread.
pub type RcWriter<T, S, X = ()> = Writer<Rc<DoubleBuffer<T, S, X>>>;
/// A reader whose buffer is shared within one thread.
pub type RcReader<T, S, X = ()> = Reader<Rc<DoubleBuffer<T, S, X>>>;
/// A reader that does not keep the buffer alive.
///
/// Each read upgrades the pointer and each drop of a guard downgrades it: two
/// read-modify-writes on a count that all readers share, which gets slower the more threads
/// read. To learn only whether the writer is gone, call [`is_closed`](Reader::is_closed) of a
/// plain [`Reader`], which only loads.
#[cfg(target_has_atomic = "ptr")]
pub type WeakReader<T, S, X = ()> = Reader<sync::Weak<DoubleBuffer<T, S, X>>>;

/// Makes a buffer behind an `Arc`, and returns its two handles. `strategy` must be fresh.
///
/// # Panics
///
/// If a writer of `strategy` is already claimed.
///
/// # Examples
///
/// ```
/// use dbuf_strategies::LockStrategy;
///
/// let (mut writer, reader) = dbuf_core::arc(1, 1, LockStrategy::new());
/// writer.store(2);
/// let other = std::thread::spawn(move || *reader.read());
/// assert_eq!(other.join().unwrap(), 2);
/// ```
#[cfg(target_has_atomic = "ptr")]
pub fn arc<T, S: Strategy>(front: T, back: T, strategy: S) -> (ArcWriter<T, S>, ArcReader<T, S>) {
    match split(Arc::new(DoubleBuffer::new(front, back, strategy))) {
        Ok(handles) => handles,
        Err(taken) => panic!("the strategy is not fresh: {taken}"),
    }
}

/// Makes a buffer behind an `Rc`. See [`arc`](crate::arc()).
///
/// # Panics
///
/// If a writer of `strategy` is already claimed.
///
/// # Examples
///
/// ```
/// use dbuf_strategies::LocalStrategy;
///
/// let (mut writer, reader) = dbuf_core::rc(1, 2, LocalStrategy::new());
/// assert!(writer.try_swap());
/// assert_eq!(*reader.read(), 2);
/// ```
pub fn rc<T, S: Strategy>(front: T, back: T, strategy: S) -> (RcWriter<T, S>, RcReader<T, S>) {
    match split(Rc::new(DoubleBuffer::new(front, back, strategy))) {
        Ok(handles) => handles,
        Err(taken) => panic!("the strategy is not fresh: {taken}"),
    }
}

#[cfg(target_has_atomic = "ptr")]
impl<T, S: Strategy, X> ArcWriter<T, S, X> {
    /// Makes a reader that does not keep the buffer alive.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_strategies::LockStrategy;
    ///
    /// let (writer, reader) = dbuf_core::arc(1, 1, LockStrategy::new());
    /// let weak = writer.weak_reader();
    /// assert_eq!(*weak.try_read().unwrap(), 1);
    /// drop((writer, reader));
    /// assert!(weak.try_read().is_err());
    /// ```
    pub fn weak_reader(&self) -> WeakReader<T, S, X> {
        Reader::new(Arc::downgrade(self.ptr()))
    }
}

impl<T, S: Strategy, X> RcWriter<T, S, X> {
    /// Makes a reader that does not keep the buffer alive.
    pub fn weak_reader(&self) -> Reader<rc::Weak<DoubleBuffer<T, S, X>>> {
        Reader::new(Rc::downgrade(self.ptr()))
    }
}
