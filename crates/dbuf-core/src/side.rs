use core::fmt;

/// One of the buffers.
///
/// A side is only a name. Every swap changes which side is the front; see
/// [`Strategy::front`](crate::Strategy::front). Two sides take turns. The third is *spare*: it
/// holds nothing until readers keep the writer from both of the others.
///
/// # Examples
///
/// ```
/// use dbuf_core::Side;
///
/// assert_eq!(Side::A.third(Side::B), Side::C);
/// assert_eq!(Side::C.third(Side::A), Side::B);
/// ```
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
    /// Returns the side that is neither this one nor `other`, which must differ from it.
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
