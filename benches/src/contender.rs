//! What maps and cells share: their names, and reader-writer locks behind one trait.

use crossbeam_utils::sync::ShardedLock;

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

/// The words that begin a line of [`entries`].
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

pub trait Lock<T>: Send + Sync + 'static {
    fn new(value: T) -> Self;
    fn read<R>(&self, read: impl FnOnce(&T) -> R) -> R;
    fn write(&self, change: impl FnOnce(&mut T));
}

const POISONED: &str = "a thread that panics ends the program";

/// Implements [`Lock`] by the expressions that give a guard to a reader and to a writer.
macro_rules! lock {
    ($lock:ty, |$this:ident| $read:expr, $write:expr) => {
        impl<T: Send + Sync + 'static> Lock<T> for $lock {
            fn new(value: T) -> Self {
                Self::new(value)
            }

            #[inline]
            fn read<R>(&self, read: impl FnOnce(&T) -> R) -> R {
                let $this = self;
                read(&$read)
            }

            fn write(&self, change: impl FnOnce(&mut T)) {
                let $this = self;
                change(&mut $write);
            }
        }
    };
}

lock!(
    std::sync::RwLock<T>,
    |it| it.read().expect(POISONED),
    it.write().expect(POISONED)
);
lock!(
    ShardedLock<T>,
    |it| it.read().expect(POISONED),
    it.write().expect(POISONED)
);
lock!(parking_lot::RwLock<T>, |it| it.read(), it.write());
