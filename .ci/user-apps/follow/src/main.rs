//! `dbuf-follow` with its default features: the engine in memory, polled by hand, without an executor.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use dbuf_follow::{Builder, Memory, State};

fn main() {
    let engine = Memory::new();
    let (follower, driver) = Builder::new(engine.clone()).start();
    let mut driver = pin!(driver);
    let revision = engine.put("colour", "red");
    // One poll applies all that the engine has.
    assert!(matches!(
        driver.as_mut().poll(&mut Context::from_waker(Waker::noop())),
        Poll::Pending
    ));
    assert_eq!(follower.state(), State::Live);
    assert_eq!(follower.revision(), revision);
    assert_eq!(follower.map().get_cloned("colour"), Some("red"));
}
