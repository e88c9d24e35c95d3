//! `dbuf-follow` with its default features: the engine in memory, and an executor of nobody's.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use dbuf_follow::{Builder, Memory, State};

fn main() {
    let engine = Memory::new();
    let (follower, driver) = Builder::new(engine.clone()).start();
    let mut driver = pin!(driver);
    let revision = engine.put("colour", "red");
    // What is there is applied by one poll: no engine is waited for.
    assert!(matches!(
        driver.as_mut().poll(&mut Context::from_waker(Waker::noop())),
        Poll::Pending
    ));
    assert_eq!(follower.state(), State::Live);
    assert_eq!(follower.revision(), revision);
    assert_eq!(follower.map().get_cloned("colour"), Some("red"));
}
