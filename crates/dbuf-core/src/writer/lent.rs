//! A writer for the time of a call.

use core::mem::ManuallyDrop;
use core::ops::{Deref, DerefMut};

use super::Writer;
use crate::pointer::BufferPtr;
use crate::strategy::Strategy;

/// A writer whose token is stored elsewhere, and is put back there.
pub(crate) struct Lent<'t, P: BufferPtr> {
    writer: ManuallyDrop<Writer<P>>,
    home: &'t mut Option<<P::Strategy as Strategy>::WriterToken>,
}

impl<'t, P: BufferPtr> Lent<'t, P> {
    /// Makes a writer of the buffer behind `ptr`, with the token from `home`. Returns `None` if
    /// `home` is empty.
    ///
    /// # Safety
    ///
    /// That buffer's strategy made the token.
    #[inline]
    pub(crate) unsafe fn new(
        ptr: P,
        home: &'t mut Option<<P::Strategy as Strategy>::WriterToken>,
    ) -> Option<Self> {
        let token = ManuallyDrop::new(home.take()?);
        Some(Self {
            writer: ManuallyDrop::new(Writer { token, ptr }),
            home,
        })
    }
}

impl<P: BufferPtr> Deref for Lent<'_, P> {
    type Target = Writer<P>;

    #[inline]
    fn deref(&self) -> &Writer<P> {
        &self.writer
    }
}

impl<P: BufferPtr> DerefMut for Lent<'_, P> {
    #[inline]
    fn deref_mut(&mut self) -> &mut Writer<P> {
        &mut self.writer
    }
}

impl<P: BufferPtr> Drop for Lent<'_, P> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: nothing else takes it out.
        let writer = unsafe { ManuallyDrop::take(&mut self.writer) };
        let (_, token) = writer.into_raw();
        *self.home = Some(ManuallyDrop::into_inner(token));
    }
}
