//! What goes wrong in chapter 13.
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests always have std"
)]

use std::ptr;

use dbuf_core::{ReadGuard, arc};
use dbuf_strategies::EpochStrategy;

/// Copies the value when the key that `refresh` gets has changed.
struct Cache<T> {
    last: Option<T>,
    value: &'static str,
}

impl<T: PartialEq> Cache<T> {
    fn refresh(&mut self, now: T, value: &'static str) {
        if self.last.as_ref() != Some(&now) {
            self.last = Some(now);
            self.value = value;
        }
    }
}

#[test]
fn an_address_is_not_a_version() {
    let (mut writer, reader) = arc("first", "", EpochStrategy::new());
    let mut by_address = Cache {
        last: None,
        value: "",
    };
    let mut by_version = Cache {
        last: None,
        value: "",
    };
    let mut refresh = || {
        let guard = reader.read();
        by_address.refresh(ptr::from_ref(&*guard), *guard);
        by_version.refresh(ReadGuard::version(&guard), *guard);
        (by_address.value, by_version.value)
    };
    assert_eq!(refresh(), ("first", "first"));
    writer.store("second");
    assert_eq!(refresh(), ("second", "second"));
    // Between two reads the front leaves the side and comes back to it.
    writer.store("third");
    writer.store("fourth");
    assert_eq!(refresh(), ("second", "fourth"));
}
