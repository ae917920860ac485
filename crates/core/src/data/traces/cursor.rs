//! What is left of the bytes of a picture, and where those go that stay.

/// Where the parts of a picture go that stay, in their order.
pub(super) type Keep<'a> = &'a mut dyn FnMut(&[u8]);

/// The first `count` bytes, which are taken off; `None` where there are fewer.
pub(super) fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(count)?;
    *rest = left;
    Some(taken)
}
