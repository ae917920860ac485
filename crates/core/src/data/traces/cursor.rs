//! What is left of some bytes.

/// The first `count` bytes, which are taken off; `None` where there are fewer.
pub(super) fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(count)?;
    *rest = left;
    Some(taken)
}
