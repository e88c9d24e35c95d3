//! What maps and cells share.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contender {
    pub name: &'static str,
    pub about: &'static str,
    pub is_ours: bool,
}

/// The types that a user gets without choosing: `ConcurrentHashMap::new`, `ConcurrentCell::new`,
/// and a `Writer` and `Reader`s with the default strategy.
pub const DEFAULTS: [&str; 2] = ["concurrent", "epoch"];

/// A contender's line in a list, and the function that makes one.
#[derive(Clone, Copy)]
pub struct Entry<B> {
    pub contender: Contender,
    pub build: B,
}

/// The words that begin a line of `entries`.
pub const OURS: bool = true;
pub const THEIRS: bool = false;

/// A list of entries: `OURS` or `THEIRS`, name, description, and a function of type `$build`.
macro_rules! entries {
    ($build:ty; $($whose:ident $name:literal, $about:literal, $make:expr;)*) => {
        vec![$(Entry {
            contender: Contender {
                name: $name,
                about: $about,
                is_ours: $crate::contender::$whose,
            },
            build: $make as $build,
        }),*]
    };
}
pub(crate) use entries;

/// Why a lock of std is never poisoned.
pub const POISONED: &str = "a thread that panics ends the program";
