//! Measures one contender at a time.

pub mod cells;
pub mod load;
pub mod maps;
pub mod window;
