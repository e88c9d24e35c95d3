//! A pointer of one's own: to a buffer that is a field of something larger.
//!
//! ```sh
//! cargo run -p dbuf-docs --example custom_pointer
//! ```
//!
//! All that the threads of a service share stands in one `Arc`, and one field of it is a
//! buffer. `LimitOf` is that `Arc`, seen as a pointer to the field: its handles need no
//! second `Arc`, and keep the whole service alive. The output counts who points to the
//! service, and shows a limit that changes under a guard; the last line comes when the
//! last handle is dropped. A test of this package runs the pointer through the public
//! suite.
#![allow(clippy::std_instead_of_alloc, reason = "a program has std")]

use core::ops::Deref;
use std::sync::Arc;

use dbuf_core::{BufferPtr, DoubleBuffer, Strategy, split};
use dbuf_strategies::EpochStrategy;

/// What the threads share. `B` is the buffer, of whatever value and strategy.
pub(crate) struct Service<B> {
    pub(crate) name: &'static str,
    pub(crate) limit: B,
}

impl<B> Drop for Service<B> {
    fn drop(&mut self) {
        println!("the {} is closed", self.name);
    }
}

/// The buffer in a shared service.
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

// SAFETY: P1 a field of what an `Arc` holds has one address, wherever the `Arc` is.
// P2 a clone is of the same `Arc`. P3 it keeps the service, which nobody can move out of
// it while two live. P4 it owns, so a pin never fails. P5 whoever takes the service out,
// by `Arc::into_inner` or its drop, acquires what the other clones released. P6 there is
// a `&mut Service` by `Arc::get_mut` only, which refuses while a handle has a clone.
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
