//! What a contender is called.

/// A name in the tables and on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    /// Whether it is one of dbuf's.
    pub(crate) is_ours: bool,
}

impl Contender {
    pub(crate) const fn ours(name: &'static str, about: &'static str) -> Self {
        let is_ours = true;
        Self {
            name,
            about,
            is_ours,
        }
    }

    pub(crate) const fn theirs(name: &'static str, about: &'static str) -> Self {
        let is_ours = false;
        Self {
            name,
            about,
            is_ours,
        }
    }
}

/// The types that a user gets without choosing: `ConcurrentHashMap::new`, `ConcurrentCell::new`,
/// and a `Writer` and `Reader`s with the default strategy.
pub(crate) const DEFAULTS: [&str; 2] = ["concurrent", "epoch"];
