//! What each contender is asked to do, the same for all.

pub(crate) mod input;
pub(crate) mod keyspace;
pub(crate) mod ops;
pub(crate) mod state;
pub mod values;
