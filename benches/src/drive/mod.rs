//! Measures one contender at a time.

pub(crate) mod cells;
pub(crate) mod maps;
pub(crate) mod size;
pub(crate) mod stuck;
pub(crate) mod thread;
pub(crate) mod window;
