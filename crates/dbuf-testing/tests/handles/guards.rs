//! Two traits for readers and guards of every kind, so that lists can hold them.

use std::mem::{self, ManuallyDrop};
use std::rc::Rc;

use dbuf_core::{
    BufferPtr, MappedReadGuard, OwnedReadGuard, ReadGuard, Reader, ReaderPtr, Version,
};

use super::value::Value;

pub(crate) trait AnyReader {
    /// Returns a guard that keeps this reader, or `None` if the buffer is gone.
    fn read(self: Rc<Self>, mapped: bool) -> Option<Box<dyn AnyGuard>>;
    fn another(&self) -> Rc<dyn AnyReader>;
    fn is_closed(&self) -> bool;
}

pub(crate) trait AnyGuard {
    fn value_and_version(&self) -> (usize, Version);
    /// Forgets the guard, but drops its reader.
    fn forget(self: Box<Self>);
}

impl<R: ReaderPtr<Value = Value> + 'static> AnyReader for Reader<R> {
    fn read(self: Rc<Self>, mapped: bool) -> Option<Box<dyn AnyGuard>> {
        // SAFETY: `Kept` keeps the reader alive, at one address, for longer than the guard.
        let reader: &'static Self = unsafe { &*Rc::as_ptr(&self) };
        let guard = reader.try_read().ok()?;
        Some(if mapped {
            Box::new(Kept::new(ReadGuard::map(guard, |value, _| value), self))
        } else {
            Box::new(Kept::new(guard, self))
        })
    }

    fn another(&self) -> Rc<dyn AnyReader> {
        Rc::new(self.clone())
    }

    fn is_closed(&self) -> bool {
        Reader::is_closed(self)
    }
}

/// A guard, and the reader that it borrows.
struct Kept<G, R> {
    guard: ManuallyDrop<G>,
    reader: Rc<R>,
}

impl<G, R> Kept<G, R> {
    fn new(guard: G, reader: Rc<R>) -> Self {
        Self {
            guard: ManuallyDrop::new(guard),
            reader,
        }
    }

    fn forget_guard(self) {
        let this = ManuallyDrop::new(self);
        // SAFETY: `this` is never dropped, so the reader is moved out once; the guard
        // is not used again.
        drop(unsafe { std::ptr::read(&raw const this.reader) });
    }
}

impl<G, R> Drop for Kept<G, R> {
    fn drop(&mut self) {
        // SAFETY: the guard is dropped only here, before the reader.
        unsafe { ManuallyDrop::drop(&mut self.guard) };
    }
}

impl<R: ReaderPtr<Value = Value>> AnyGuard for Kept<ReadGuard<'static, R>, Reader<R>> {
    fn value_and_version(&self) -> (usize, Version) {
        (self.guard.get(), ReadGuard::version(&self.guard))
    }

    fn forget(self: Box<Self>) {
        self.forget_guard();
    }
}

impl<R: ReaderPtr<Value = Value>> AnyGuard for Kept<MappedReadGuard<'static, Value, R>, Reader<R>> {
    fn value_and_version(&self) -> (usize, Version) {
        (self.guard.get(), MappedReadGuard::version(&self.guard))
    }

    fn forget(self: Box<Self>) {
        self.forget_guard();
    }
}

impl<P: BufferPtr<Value = Value>> AnyGuard for OwnedReadGuard<P> {
    fn value_and_version(&self) -> (usize, Version) {
        (self.get(), Self::version(self))
    }

    fn forget(self: Box<Self>) {
        mem::forget(*self);
    }
}
