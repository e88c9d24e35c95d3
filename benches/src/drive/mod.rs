//! Measures one contender at a time.

pub(crate) mod cells;
pub(crate) mod load;
pub(crate) mod maps;
pub(crate) mod stuck;
mod thread;
pub(crate) mod window;
