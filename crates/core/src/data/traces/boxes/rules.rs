//! Which boxes of a box stay as they are, which say something in some of their bytes, and which become free.

use std::ops::Range;

use super::super::exif::Traces;
use super::part::parts;
use super::telling::told_by;

/// What becomes of a box.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rule {
    /// It shows something, and says nothing.
    Keep,
    /// It begins with when it was made and changed.
    Times,
    /// It ends with the name of a program.
    Handler,
    /// It says where data lies: in this file, else nothing is known of it.
    References,
    /// It has others, after so many bytes. Those that are not named here become free.
    Inside(usize, Rules),
    /// Nothing is known of a file that has it.
    Refuse,
}

/// The boxes of a box that do not become free.
pub(super) type Rules = &'static [(&'static [u8; 4], Rule)];

/// These all stay as they are.
pub(super) const fn kept<const COUNT: usize>(
    kinds: [&'static [u8; 4]; COUNT],
) -> [(&'static [u8; 4], Rule); COUNT] {
    let mut rules = [(b"    ", Rule::Keep); COUNT];
    let mut at = 0;
    while at < COUNT {
        rules[at].0 = kinds[at];
        at += 1;
    }
    rules
}

/// Boxes that are free: programs leave in them what was there before.
pub(super) const FREE: [&[u8; 4]; 3] = [b"free", b"skip", b"wide"];

/// Does with the boxes in `inside` of `bytes` what `rules` say, and adds what those say that go. `None` where they are not whole, or not known; where that is
/// strict also where there are others than these, since they may be needed to show it.
pub(super) fn tidy(
    bytes: &mut [u8],
    inside: Range<usize>,
    (rules, is_strict): (Rules, bool),
    traces: &mut Traces,
) -> Option<()> {
    for part in parts(bytes, inside)? {
        let content = part.content();
        match rules.iter().find(|(kind, _)| **kind == part.kind) {
            Some((_, Rule::Keep)) => {}
            Some((_, Rule::Times)) => times(bytes.get_mut(content)?, traces)?,
            Some((_, Rule::Handler)) => bytes[content].get_mut(24..)?.fill(0),
            Some((_, Rule::References)) => references(bytes, content)?,
            Some((_, Rule::Inside(skip, rules))) => {
                tidy(
                    bytes,
                    content.start + skip..content.end,
                    (rules, false),
                    traces,
                )?;
            }
            Some((_, Rule::Refuse)) => return None,
            None if is_strict && !FREE.contains(&&part.kind) => return None,
            None => free(&mut bytes[part.start..part.end], content.len(), traces),
        }
    }
    Some(())
}

/// Makes a box free whose content is the last so many bytes, and adds what it says.
pub(super) fn free(whole: &mut [u8], content_bytes: usize, traces: &mut Traces) {
    let (head, content) = whole.split_at_mut(whole.len() - content_bytes);
    if let Some(kind) = head.get_mut(4..8)
        && !FREE.iter().any(|free| **free == *kind)
    {
        // Its kind may be all that names a place.
        traces.add(told_by(kind));
        traces.add(told_by(content));
        kind.copy_from_slice(b"free");
    }
    content.fill(0);
}

/// When it was made, and when it was changed; in four bytes each, or eight.
fn times(content: &mut [u8], traces: &mut Traces) -> Option<()> {
    let bytes = match content.first()? {
        0 => 8,
        1 => 16,
        _ => return None,
    };
    let times = content.get_mut(4..4 + bytes)?;
    traces.time |= times.iter().any(|byte| *byte != 0);
    times.fill(0);
    Some(())
}

/// References to data (ISO 14496-12, section 8.7.2): each says that it is in this very file, and what else stands in it is a name.
fn references(bytes: &mut [u8], content: Range<usize>) -> Option<()> {
    for part in parts(bytes, content.start + 8..content.end)? {
        let (flags, name) = bytes[part.content()].split_at_mut_checked(4)?;
        if flags[3] & 1 == 0 {
            return None;
        }
        name.fill(0);
    }
    Some(())
}
