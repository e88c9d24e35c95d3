//! Memory and its addresses, the stores that it has not seen, and the words that are stored.

pub(super) const READERS: usize = 2;
pub(super) const WRITER: usize = READERS;

/// Bits of the front word.
pub(super) const SIDE: u8 = 3;
pub(super) const FENCED: u8 = 4;
pub(super) const STRAGGLERS: u8 = 8;

/// Addresses: the front word, then four words of each reader, then whether readers registered.
pub(super) const WORD: u8 = 0;
pub(super) const EPOCH: u8 = 1;
pub(super) const NOTE: u8 = 2;
pub(super) const ASKED: u8 = 3;
pub(super) const ASKED_SIDES: u8 = 4;
pub(super) const CHANGED: u8 = 1 + 4 * READERS as u8;
pub(super) const ADDRESSES: usize = CHANGED as usize + 1;

pub(super) const fn of(reader: usize, word: u8) -> u8 {
    reader as u8 * 4 + word
}

/// A side as a bit.
pub(super) const fn bit(side: u8) -> u8 {
    1 << side
}
/// A reader with this many stores in its buffer drains it. One read makes fewer.
pub(super) const BUFFERED: u8 = 6;

/// The stores of a thread that memory has not seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Buffer {
    pub(super) stores: [(u8, u8); 8],
    pub(super) len: u8,
}

impl Buffer {
    pub(super) fn push(&mut self, address: u8, value: u8) {
        self.stores[self.len as usize] = (address, value);
        self.len += 1;
    }

    pub(super) fn pop(&mut self) -> (u8, u8) {
        let first = self.stores[0];
        self.stores.rotate_left(1);
        self.len -= 1;
        // Equal buffers must be equal states.
        self.stores[self.len as usize..].fill((0, 0));
        first
    }
}

/// A note: an epoch, and the sides on which there are guards in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Note {
    pub(super) epoch: u8,
    pub(super) sides: u8,
}

impl Note {
    pub(super) fn encode(self) -> u8 {
        self.epoch << 3 | self.sides
    }

    pub(super) fn decode(word: u8) -> Self {
        Self {
            epoch: word >> 3,
            sides: word & 7,
        }
    }

    pub(super) fn holds(self, side: u8) -> bool {
        self.sides & bit(side) != 0
    }

    pub(super) fn with(self, side: u8) -> Self {
        let sides = self.sides | bit(side);
        Self { sides, ..self }
    }

    pub(super) fn without(self, side: u8) -> Self {
        let sides = self.sides & !bit(side);
        Self { sides, ..self }
    }
}
