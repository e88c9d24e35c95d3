//! What readers do, in which order.

/// An operation of a reader on one of its guards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Op {
    Register,
    Enter(usize),
    Leave(usize),
    /// At the end of a script it is repeated.
    Refresh(usize),
}
use Op::{Enter, Leave, Refresh, Register};

/// A guard that is kept, and one beside it that is refreshed.
pub(crate) const KEPT_BESIDE: &[Op] = &[Enter(1), Enter(0), Refresh(0)];
/// Three guards, two of which leave.
pub(crate) const TWO_OF_THREE: &[Op] = &[Enter(0), Enter(1), Enter(2), Leave(0), Leave(1)];
/// No read.
pub(crate) const IDLE: &[Op] = &[];
/// One read.
pub(crate) const READ: &[Op] = &[Enter(0), Leave(0)];
/// The first read of a reader.
pub(crate) const FRESH: &[Op] = &[Register, Enter(0), Leave(0)];
/// Two reads.
pub(crate) const PLAIN: &[Op] = &[Enter(0), Leave(0), Enter(0), Leave(0)];
/// A guard that is kept.
pub(crate) const KEEPS: &[Op] = &[Enter(0)];
/// Three guards, each of which overlaps the next.
pub(crate) const NESTED: &[Op] = &[Enter(0), Enter(1), Leave(0), Enter(0), Leave(1), Leave(0)];
/// Two guards, one in the other.
pub(crate) const INNER: &[Op] = &[Enter(0), Enter(1), Leave(1), Leave(0)];
/// Two guards, the second of which is kept.
pub(crate) const HOLD: &[Op] = &[Enter(0), Enter(1), Leave(0)];
/// Two guards, the first of which is kept.
pub(crate) const HOLD_OUTER: &[Op] = &[Enter(0), Enter(1), Leave(1)];

/// One guard, which is refreshed as long as the reader lives.
pub(crate) const KEPT: &[Op] = &[Enter(0), Refresh(0)];
/// A guard that is refreshed forever, after one that overlaps it, and beside one for a while.
pub(crate) const KEPT_AMONG: [&[Op]; 2] = [
    &[Enter(1), Enter(0), Leave(1), Refresh(0)],
    &[Enter(0), Enter(1), Refresh(0), Leave(1), Refresh(0)],
];
/// A guard that is refreshed once.
pub(crate) const REFRESHED: &[Op] = &[Enter(0), Refresh(0), Leave(0)];

/// Three guards at once, which may be on three sides and leave in every order.
pub(crate) const DEEP: [&[Op]; 6] = [
    &[Enter(0), Enter(1), Enter(2), Leave(1), Leave(0), Leave(2)],
    &[Enter(0), Enter(1), Enter(2), Leave(0), Leave(2), Leave(1)],
    &[Enter(0), Enter(1), Enter(2), Leave(0), Leave(1), Leave(2)],
    &[Enter(0), Enter(1), Enter(2), Leave(1), Leave(2), Leave(0)],
    &[Enter(0), Enter(1), Enter(2), Leave(2), Leave(0), Leave(1)],
    &[Enter(0), Enter(1), Enter(2), Leave(2), Leave(1), Leave(0)],
];
/// Three guards, any two of which are kept.
pub(crate) const DEEP_HOLD: [&[Op]; 3] = [
    &[Enter(0), Enter(1), Enter(2), Leave(1)],
    &[Enter(0), Enter(1), Enter(2), Leave(0)],
    &[Enter(0), Enter(1), Enter(2), Leave(2)],
];
