//! A pointer of your own, to a buffer that is a field of a larger struct.
//!
//! ```sh
//! cargo run -p dbuf-docs --example custom_pointer
//! ```
//!
//! The threads of a service share one `Arc`, and one field of its struct is a buffer.
//! `LimitOf` wraps the `Arc` and points to the field: its handles need no second `Arc`, and
//! keep the whole service alive. The output counts the pointers to the service, and shows a
//! limit that changes under a guard. The last line is printed when the last handle is
//! dropped. A test of this package runs the public suite on the pointer.
#![allow(clippy::std_instead_of_alloc, reason = "a program has std")]

use core::ops::Deref;
use std::sync::Arc;

use dbuf_core::{BufferPtr, DoubleBuffer, Strategy, split};
use dbuf_strategies::EpochStrategy;

/// The state that threads share. `B` is the buffer, of any value and strategy.
pub(crate) struct Service<B> {
    pub(crate) name: &'static str,
    pub(crate) limit: B,
}

impl<B> Drop for Service<B> {
    fn drop(&mut self) {
        println!("the {} is closed", self.name);
    }
}

/// Points to the buffer in a shared service.
pub(crate) struct LimitOf<B>(pub(crate) Arc<Service<B>>);

impl<B> Clone for LimitOf<B> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<B> Deref for LimitOf<B> {
    type Target = B;

    fn deref(&self) -> &B {
        &self.0.limit
    }
}

// SAFETY: P1 a field of an `Arc`'s contents has one address, also when the `Arc` moves. P2 a
// clone points to the same contents. P3 it keeps the service alive, and an `Arc` lets nothing
// be moved out while another clone lives. P4 it owns, so a pin never fails. P5 taking the
// service out, by `Arc::into_inner` or the last drop, acquires what other clones released. P6
// only `Arc::get_mut` makes a `&mut Service`, and it refuses while a handle has a clone.
unsafe impl<T, S: Strategy, X> BufferPtr for LimitOf<DoubleBuffer<T, S, X>> {
    type Value = T;
    type Strategy = S;
    type Extras = X;
}

fn main() -> Result<(), dbuf_core::ClaimError> {
    let mut service = Arc::new(Service {
        name: "shop",
        limit: DoubleBuffer::new(100, 100, EpochStrategy::new()),
    });
    let (mut writer, reader) = split(LimitOf(Arc::clone(&service)))?;
    println!("{} pointers to one allocation", Arc::strong_count(&service));
    assert!(Arc::get_mut(&mut service).is_none(), "P6");

    let guard = reader.read();
    writer.store(200);
    println!(
        "the limit of the {} was {}, and is {}",
        service.name,
        *guard,
        *reader.read()
    );
    assert_eq!((*guard, *reader.read()), (100, 200));
    assert!(
        core::ptr::eq(&raw const **reader.ptr(), &raw const service.limit),
        "P1, P2"
    );

    drop(guard);
    drop((service, writer));
    println!("only a reader is left, and reads {}", *reader.read());
    drop(reader);
    Ok(())
}
