//! What a cell has to do.

/// The value of a cell, which shows if it is half old and half new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payload {
    number: u64,
    inverse: u64,
}

impl Payload {
    pub const fn new(number: u64) -> Self {
        let inverse = !number;
        Self { number, inverse }
    }

    /// Panics if no call stored it.
    #[inline]
    pub(super) fn check(self, contender: &str) {
        let Self { number, inverse } = self;
        assert!(
            number == !inverse,
            "{contender} is broken: it gave half of one value and half of another"
        );
    }
}

/// Reads a cell.
pub trait Load {
    /// Enters, copies the value, and leaves.
    fn load(&mut self) -> Payload;
    /// Calls `keep` while this reader has what the cell's API gives to a reader.
    fn hold(&mut self, keep: &mut dyn FnMut());

    /// Loads `count` times, and panics if no call stored what it loads.
    fn run(&mut self, count: usize, contender: &str) {
        for _ in 0..count {
            self.load().check(contender);
        }
    }
}

/// Writes a cell.
pub trait Store {
    /// A load that starts after this call sees the value.
    fn store(&mut self, payload: Payload);
}

/// The handles of a cell.
pub enum Parts {
    Shared {
        readers: Vec<Box<dyn Load + Send>>,
        writer: Box<dyn Store + Send>,
    },
    /// For one thread only.
    Alone(Box<dyn Load>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "it is broken")]
    fn a_torn_value_is_noticed() {
        let (number, inverse) = (1, !2);
        Payload { number, inverse }.check("it");
    }
}
