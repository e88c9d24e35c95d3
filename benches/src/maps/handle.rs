//! What a map has to do.

use core::ops::Range;

use crate::Hash;
use crate::workload::ops::Workload;
use crate::workload::state::State;
use crate::workload::values::{Change, Key, Stored};

/// One thread's handle of a map. A clone is another thread's.
pub trait Map: Clone + Send + 'static {
    type Key: Key;
    type Value: Stored;

    /// An empty map with room for `capacity` entries, hashed by [`hasher`].
    fn with_capacity(capacity: usize) -> Self;
    /// Looks up one key, with everything that this costs: entering, leaving, locking.
    fn get(&mut self, key: &Self::Key) -> Option<u64>;
    /// Stores values, and removes keys that have none, in order. A read that starts after this
    /// call, on any thread, sees all of it.
    fn write(&mut self, changes: impl ExactSizeIterator<Item = (Self::Key, Option<Self::Value>)>);
    /// Calls `keep` while this handle has a guard, a reference or a pin, whichever the map's API
    /// gives to a reader.
    fn hold(&mut self, key: &Self::Key, keep: &mut dyn FnMut());
    /// Does the work that the last write deferred to the next.
    fn settle(&mut self) {}
}

/// Calls `keep` while `_held` is alive.
pub fn holding<T>(_held: T, keep: &mut dyn FnMut()) {
    keep();
}

/// The hasher of every contender, with the same seed.
#[inline]
pub fn hasher() -> Hash {
    Hash::with_seed(0)
}

/// A [`Map`] of any type.
pub trait Handle<K>: Send {
    fn get(&mut self, key: &K) -> Option<u64>;
    /// Makes all changes, and empties the list.
    fn write(&mut self, changes: &mut Vec<Change<K>>);
    fn hold(&mut self, key: &K, keep: &mut dyn FnMut());
    fn settle(&mut self);
    fn another(&self) -> Box<dyn Handle<K>>;
    /// Runs operations of a workload, and writes whenever a batch is full. One call through the
    /// vtable is enough for all of them.
    fn run(&mut self, workload: &Workload<K>, ops: Range<usize>, state: &mut State<K>);
}

impl<M: Map> Handle<M::Key> for M {
    fn get(&mut self, key: &M::Key) -> Option<u64> {
        Map::get(self, key)
    }

    fn write(&mut self, changes: &mut Vec<Change<M::Key>>) {
        Map::write(self, changes.drain(..).map(Change::into_entry));
    }

    fn hold(&mut self, key: &M::Key, keep: &mut dyn FnMut()) {
        Map::hold(self, key, keep);
    }

    fn settle(&mut self) {
        Map::settle(self);
    }

    fn another(&self) -> Box<dyn Handle<M::Key>> {
        Box::new(self.clone())
    }

    fn run(&mut self, workload: &Workload<M::Key>, ops: Range<usize>, state: &mut State<M::Key>) {
        for op in &workload.ops[ops] {
            let key = workload.key(op);
            if op.is_read() {
                state.check(op, Map::get(self, key));
            } else if state.change(op, key) {
                Handle::write(self, &mut state.pending);
            }
        }
    }
}

/// Implements [`Map`] for a handle by an expression for each method.
macro_rules! map {
    ([$($bounds:tt)*] $handle:ty, $this:ident:
        new($capacity:ident) => $new:expr;
        get($key:ident) => $get:expr;
        write($changes:ident) => $write:expr;
        hold($held:pat, $keep:ident) => $hold:expr;
        $(settle() => $settle:expr;)?
    ) => {
        impl<$($bounds)*> Map for $handle {
            type Key = K;
            type Value = V;

            fn with_capacity($capacity: usize) -> Self {
                $new
            }

            #[inline]
            fn get(&mut self, $key: &K) -> Option<u64> {
                let $this = self;
                $get
            }

            #[inline]
            fn write(&mut self, $changes: impl ExactSizeIterator<Item = (K, Option<V>)>) {
                let $this = self;
                $write;
            }

            fn hold(&mut self, $held: &K, $keep: &mut dyn FnMut()) {
                let $this = self;
                $hold;
            }

            $(fn settle(&mut self) {
                let $this = self;
                $settle;
            })?
        }
    };
}
pub(crate) use map;

/// Makes changes one by one, by an expression that stores a value and one that removes a key.
macro_rules! apply {
    ($changes:expr, |$key:ident, $value:ident| $put:expr, $remove:expr) => {
        for change in $changes {
            match change {
                ($key, Some($value)) => _ = $put,
                ($key, None) => _ = $remove,
            }
        }
    };
}
pub(super) use apply;
