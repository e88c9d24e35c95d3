//! A concurrent hash map that follows an engine: the data is in etcd, in NATS or in a source of
//! your own, and each machine reads a copy in its own memory.
//!
//! A lookup is a lookup of [`dbuf_hashmap`]: it never waits and makes no request. Each transaction
//! and each load becomes visible as a whole. A snapshot has a state *and* its revision. While the
//! engine cannot be reached, the last state is served, and the handle returns since when.
//!
//! # Examples
//!
//! ```
//! use dbuf_follow::{Builder, Event, Memory};
//!
//! # pollster::block_on(async {
//! let engine = Memory::new(); // instead of etcd
//! engine.commit([Event::Put("red", 1), Event::Put("blue", 1)]);
//!
//! let (follower, driver) = Builder::new(engine.clone()).start();
//! # let driver = std::thread::spawn(|| pollster::block_on(driver));
//! // Spawn the driver on an executor. Then:
//! let revision = engine.commit([Event::Put("red", 0), Event::Put("blue", 2)]);
//! follower.wait_for(revision).await?;
//! let map = follower.map().read();
//! assert_eq!(map.values().sum::<i32>(), 2); // never 1 or 3
//! assert_eq!(map.revision(), revision);
//! # drop(map);
//! # Ok::<(), dbuf_follow::Closed>(())
//! # }).unwrap();
//! ```
//!
//! # Guarantees
//!
//! * **A follower's readers never go back** to an earlier revision, unless the engine did (a
//!   restored backup), and never see a part of a transaction or of a load.
//! * **Staleness is bounded while the follower is [live](State::Live)**, by [`Follower::lag`] and
//!   the delivery time of an event.
//! * **[`Follower::wait_for`] is read-your-writes** across machines.
//!
//! Two followers may be at different revisions at the same moment; only `wait_for` relates them.
//! A follower cannot write; write to the engine.
//!
//! # Executors
//!
//! The driver is a future for any executor. The clients of `etcd` and `nats` need tokio.
//!
//! # Features
//!
//! * `etcd`: a key range of etcd, by `etcd-client`, which needs `protoc` to build.
//! * `nats`: a key-value bucket of NATS JetStream, by `async-nats`.
//!
//! Neither is on by default. [`Memory`] needs no feature, and a [`Source`] of your own is an
//! `async` block ([`events`]).
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;

mod builder;
mod decoder;
mod driver;
#[cfg(feature = "etcd")]
mod etcd;
mod events;
mod file;
mod follower;
mod memory;
#[cfg(feature = "nats")]
mod nats;
mod problem;
mod source;
mod status;

/// Compiles the README's examples.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

#[cfg(feature = "nats")]
pub use async_nats;
pub use builder::Builder;
pub use dbuf_hashmap::{self, Closed};
#[cfg(feature = "etcd")]
pub use etcd::Etcd;
#[cfg(feature = "etcd")]
pub use etcd_client;
pub use events::{Emit, Events, events};
pub use file::FileError;
pub use follower::{Follower, Map};
pub use memory::Memory;
#[cfg(feature = "nats")]
pub use nats::Nats;
pub use problem::{Problem, Stopped, Undecodable};
pub use source::{Error, Event, Revision, Source};
pub use status::State;
