//! The tests, including those with real engines.
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests always have std"
)]

mod commits;
#[path = "../common/mod.rs"]
mod common;
#[cfg(any(feature = "etcd", feature = "nats"))]
mod engines;
#[cfg(feature = "etcd")]
mod etcd;
mod file;
#[cfg(feature = "nats")]
mod nats;
mod reconnect;
mod redis;
mod undecodable;
