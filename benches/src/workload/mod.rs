//! What each contender is asked to do, the same for all.

pub mod input;
pub mod keys;
pub mod ops;
