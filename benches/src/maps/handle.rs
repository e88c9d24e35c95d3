//! What a map has to do.

use core::ops::Range;

use crate::Hash;
use crate::workload::ops::Workload;
use crate::workload::state::State;
use crate::workload::values::{Change, Key, Value};

/// One thread's handle of a map.
pub(crate) trait Handle<K: Key>: Another<K> + Send {
    /// An empty map with room for `capacity` entries, hashed by [`hasher`].
    fn build(capacity: usize) -> Self
    where
        Self: Sized;
    /// Looks up one key, with everything that this costs: entering, leaving, locking.
    fn get(&mut self, key: &K) -> Option<Value>;
    /// Makes all changes in their order, and empties the list. A read that starts after this
    /// call, on any thread, sees them.
    fn write(&mut self, changes: &mut Vec<Change<K>>);
    /// Calls `keep` while this handle has a guard, a reference or a pin, whichever the map's API
    /// gives to a reader.
    fn hold(&mut self, key: &K, keep: &mut dyn FnMut());
    /// Does what the last write left for the next.
    fn settle(&mut self) {}

    /// Runs operations of a workload, and writes whenever a batch is full. One call through the
    /// vtable is enough for all of them.
    fn run(&mut self, workload: &Workload<K>, ops: Range<usize>, state: &mut State<K>) {
        for op in &workload.ops[ops] {
            let key = workload.key(op);
            if op.is_read() {
                state.check(op, self.get(key));
            } else if state.change(op, key) {
                self.write(&mut state.pending);
            }
        }
    }
}

/// Makes the handle of another thread.
pub(crate) trait Another<K> {
    fn another(&self) -> Box<dyn Handle<K>>;
}

impl<K: Key, H: Handle<K> + Clone + 'static> Another<K> for H {
    fn another(&self) -> Box<dyn Handle<K>> {
        Box::new(self.clone())
    }
}

/// The hasher of every contender, with the same seed.
pub(super) fn hasher() -> Hash {
    Hash::with_seed(0)
}

/// Makes changes one by one, by two expressions: one to store a value, one to remove a key.
macro_rules! apply {
    ($changes:expr, |$key:ident, $value:ident| $put:expr, $remove:expr) => {
        for change in $changes.drain(..) {
            match change.into_entry() {
                ($key, Some($value)) => _ = $put,
                ($key, None) => _ = $remove,
            }
        }
    };
}
pub(super) use apply;
