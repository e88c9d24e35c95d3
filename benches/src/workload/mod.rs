//! What each contender is asked to do, the same for all.

pub mod input;
pub mod keyspace;
pub mod ops;
pub mod state;
pub mod values;
