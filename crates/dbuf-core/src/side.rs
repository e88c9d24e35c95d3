use core::fmt;

/// One of the buffers.
///
/// A side is only a name. Which of them is the front changes with every swap; ask
/// [`Strategy::front`](crate::Strategy::front). Two sides take turns. The third is *spare*:
/// it holds nothing until readers keep the writer from both of the others.
///
/// # Examples
///
/// ```
/// use dbuf_core::Side;
///
/// assert_eq!(Side::A.third(Side::B), Side::C);
/// assert_eq!(Side::C.third(Side::A), Side::B);
/// ```
///
/// It is a word wide: guards hold one, and a byte that is stored and then moved as
/// part of a word stalls the processor.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(usize)]
pub enum Side {
    /// The first buffer. It is the front of every fresh strategy.
    A,
    /// The second buffer. It is the back of every fresh strategy.
    B,
    /// The third buffer. It is the spare side of every fresh strategy.
    C,
}

impl Side {
    /// Returns the side that is neither this one nor `other`, which has to differ.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_core::Side;
    ///
    /// assert_eq!(Side::B.third(Side::A), Side::C);
    /// ```
    #[inline]
    pub const fn third(self, other: Self) -> Self {
        match (self as usize).wrapping_add(other as usize) {
            1 => Self::C,
            2 => Self::B,
            _ => Self::A,
        }
    }
}

impl fmt::Debug for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
        })
    }
}
