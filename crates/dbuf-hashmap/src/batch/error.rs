use core::error::Error;
use core::fmt;

/// The key is there, but the closure of [`Batch::remove_if`](crate::Batch::remove_if) returned
/// `false`.
///
/// # Examples
///
/// ```
/// use dbuf_hashmap::{ConcurrentHashMap, Refused};
///
/// let map = ConcurrentHashMap::from([("a", 1)]);
/// let removed: Result<Option<i32>, Refused> = map.remove_if("a", |_, n| *n > 1);
/// assert_eq!(removed, Err(Refused));
/// assert_eq!(removed.ok().flatten(), None); // treats absent and refused alike
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the entry is there, but the closure refused to remove it")
    }
}

impl Error for Refused {}

/// There is no memory for as many entries as [`Batch::try_reserve`](crate::Batch::try_reserve)
/// requested, or their number overflows.
///
/// # Examples
///
/// ```
/// use dbuf_hashmap::{ConcurrentHashMap, TryReserveError};
///
/// let map = ConcurrentHashMap::<u32, u32>::new();
/// let refused: TryReserveError = map.try_reserve(usize::MAX).unwrap_err();
/// assert_eq!(refused.to_string(), "the capacity overflows");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TryReserveError(pub(super) hashbrown::TryReserveError);

impl fmt::Display for TryReserveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            hashbrown::TryReserveError::CapacityOverflow => f.write_str("the capacity overflows"),
            hashbrown::TryReserveError::AllocError { layout } => {
                write!(f, "no memory for {} bytes", layout.size())
            }
        }
    }
}

impl Error for TryReserveError {}
