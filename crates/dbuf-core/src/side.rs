use core::fmt;

/// One of the two buffers.
///
/// A side is only a name. Which of the two is the front changes with every
/// swap; ask [`Strategy::front`](crate::Strategy::front).
///
/// # Examples
///
/// ```
/// use dbuf_core::Side;
///
/// assert_eq!(Side::A.other(), Side::B);
/// assert_eq!(Side::B.other().other(), Side::B);
/// ```
///
/// It is a word wide: guards hold one, and a byte that is stored and then moved as
/// part of a word stalls the processor.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(usize)]
pub enum Side {
    /// The first buffer. It is the front of every fresh strategy.
    A,
    /// The second buffer.
    B,
}

impl Side {
    /// The side that is not this one.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_core::Side;
    ///
    /// assert_eq!(Side::A.other(), Side::B);
    /// ```
    #[inline]
    pub const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

impl fmt::Debug for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::A => "A",
            Self::B => "B",
        })
    }
}
