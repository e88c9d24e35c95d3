//! Strategies for [`dbuf_core`]: how the writer of a double buffer learns that no guard is on
//! its side.
//!
//! | type | readers do | writer does | for |
//! |---|---|---|---|
//! | [`EpochStrategy`] | two stores to a line of their own, and no fence where the kernel helps | loads every reader's epoch | read-mostly data; the fastest reads |
//! | [`FlashStrategy`] | two read-modify-writes of a line of their own | flips every reader's word | frequent, small publishes |
//! | [`CountStrategy`] | two read-modify-writes of a shared line | checks one count | `no_std`, a `static`, no allocation |
//! | [`LocalStrategy`] | count in a cell | is refused, or awaits | one thread |
//! | [`LockStrategy`] | count under a mutex | takes the mutex | tests; the only concurrent one that can refuse a swap |
//! | [`Watched<S>`] | as `S` | as `S`, and wakes the waiters | readers that await the next publish |
//!
//! [`DefaultStrategy`] is the first of `epoch`, `flash`, `count`, `lock` that is enabled.
//! [`ConcurrentCell`] is a value that any thread reads and replaces, by default with it.
//!
//! # Examples
//!
//! ```
//! use dbuf_strategies::{EpochStrategy, core};
//!
//! let (mut writer, reader) = core::arc(1, 1, EpochStrategy::new());
//! writer.store(2);
//! assert_eq!(*reader.read(), 2);
//! ```
//!
//! # Features
//!
//! `epoch` (default), `flash`, `count` and `lock` each add their strategy. `count` needs no
//! `std`. `LocalStrategy` needs no feature. `watch` adds [`Watched`], whose word is
//! behind a mutex on targets without 64-bit atomics.
//!
//! Without `std`, see `docs/no-std.md` in the repository for an interrupt handler and a main
//! loop. `count` needs a target with compare-and-swap; thumbv6m, for
//! example, has none.
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(all(feature = "count", not(target_has_atomic = "ptr")))]
compile_error!(
    "`CountStrategy` needs compare-and-swap and `fetch_add`, which this target does not have: \
     turn the feature `count` off. `LocalStrategy` works here, on one thread; \
     see docs/no-std.md for an interrupt handler"
);

#[cfg(any(feature = "epoch", feature = "flash", feature = "watch"))]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

#[cfg(any(feature = "count", feature = "epoch", feature = "flash"))]
mod claim;
#[cfg(feature = "count")]
mod count;
#[cfg(any(
    feature = "count",
    feature = "epoch",
    feature = "flash",
    feature = "lock"
))]
mod default;
#[cfg(feature = "epoch")]
mod epoch;
#[cfg(feature = "flash")]
mod flash;
mod local;
#[cfg(feature = "lock")]
mod lock;
#[cfg(all(test, feature = "std"))]
mod overflow;
#[cfg(any(feature = "epoch", feature = "flash"))]
mod registry;
#[cfg(any(feature = "count", feature = "epoch", feature = "flash"))]
mod side_word;
mod sync;
#[cfg(any(feature = "count", feature = "epoch", feature = "flash"))]
mod waker;
#[cfg(feature = "watch")]
mod watched;

/// Compiles the README's examples.
#[cfg(all(doctest, feature = "epoch"))]
#[doc = include_str!("../README.md")]
mod readme {}

#[cfg(feature = "count")]
pub use count::{CountReader, CountStrategy, CountWriter};
pub use dbuf_core as core;
#[cfg(all(
    feature = "std",
    any(
        feature = "count",
        feature = "epoch",
        feature = "flash",
        feature = "lock"
    )
))]
pub use default::{CellGuard, ConcurrentCell};
#[cfg(any(
    feature = "count",
    feature = "epoch",
    feature = "flash",
    feature = "lock"
))]
pub use default::{DefaultGuard, DefaultReader, DefaultStrategy, DefaultWriter};
#[cfg(feature = "epoch")]
pub use epoch::{EpochGuard, EpochReader, EpochStrategy, EpochWriter, Fence};
#[cfg(feature = "flash")]
pub use flash::{FlashReader, FlashStrategy, FlashWriter};
pub use local::{LocalReader, LocalStrategy, LocalWriter};
#[cfg(feature = "lock")]
pub use lock::{LockReader, LockStrategy, LockWriter};
#[cfg(feature = "watch")]
pub use watched::{Waiter, Watched};
