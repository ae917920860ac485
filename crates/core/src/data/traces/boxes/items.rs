//! The items of a picture: its tiles, its EXIF, its XMP, and where they lie (ISO 14496-12, section 8.11; ISO 23008-12).
//!
//! Items that are pictures stay, smaller ones and maps of depth too, since others are made of them. What is told of them goes. A file with items of
//! other kinds is not known.

use std::collections::BTreeMap;
use std::ops::Range;

use super::super::cursor::take;
use super::super::exif::Traces;
use super::apart::Lying;
use super::part::{Part, number, only, parts};
use super::rules::{FREE, Rule, Rules, kept, tidy};
use super::telling::{told_by, told_by_exif};

/// The most items, and the most pieces of all of them.
const EXTENTS_MAX: usize = 65_536;

/// How much of the items that go is read, in bytes, to tell what they say.
const REMOVED_BYTES_MAX: u64 = 16 << 20;

/// Items that are pictures, or are made of some.
const PICTURES: [&[u8; 4]; 9] = [
    b"hvc1", b"hev1", b"lhv1", b"avc1", b"av01", b"grid", b"iovl", b"iden", b"tmap",
];

/// Items that tell something of them: EXIF, XMP, and references. What others are is not known.
const WORDS: [&[u8; 4]; 3] = [b"Exif", b"mime", b"uri "];

const META: Rules = &[
    (b"hdlr", Rule::Handler),
    (b"pitm", Rule::Keep),
    (b"iloc", Rule::Keep),
    (b"iinf", Rule::Keep),
    (b"iref", Rule::Keep),
    (b"idat", Rule::Keep),
    (b"grpl", Rule::Keep),
    (b"dinf", Rule::Inside(0, &[(b"dref", Rule::References)])),
    (
        b"iprp",
        Rule::Inside(
            0,
            &[
                (b"ipco", Rule::Inside(0, PROPERTIES)),
                (b"ipma", Rule::Keep),
            ],
        ),
    ),
    (b"ipro", Rule::Refuse),
];

/// What says how an item is shown. What is described in words, and when it was made, does not.
const PROPERTIES: Rules = &kept([
    b"hvcC", b"lhvC", b"avcC", b"av1C", b"ispe", b"pixi", b"colr", b"pasp", b"irot", b"imir",
    b"clap", b"rloc", b"iscl", b"auxC", b"lsel", b"tols", b"oinf", b"a1op", b"a1lx", b"clli",
    b"mdcv", b"cclv", b"amve",
]);

/// An item that goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Removed {
    is_exif: bool,
    /// Where its pieces lie.
    pub(super) pieces: Vec<Range<u64>>,
}

impl Removed {
    /// What its content says, and what stands in its place: for each piece where, and what.
    pub(super) fn replace(self, content: &[u8], traces: &mut Traces) -> Vec<(u64, Vec<u8>)> {
        let instead = match self.is_exif {
            true => {
                let (told, instead) = told_by_exif(content);
                traces.add(told);
                instead
            }
            false => {
                traces.add(told_by(content));
                vec![0; content.len()]
            }
        };
        let mut rest = &instead[..];
        let pieces = self.pieces.iter();
        pieces
            .map_while(|piece| {
                let bytes = usize::try_from(piece.end - piece.start).ok()?;
                Some((piece.start, take(&mut rest, bytes)?.to_vec()))
            })
            .collect()
    }
}

/// Whether the content of a `meta` is of pictures.
pub(super) fn are_in(meta: &[u8]) -> bool {
    let hdlr = parts(meta, 4..meta.len()).and_then(|boxes| only(&boxes, b"hdlr"));
    hdlr.is_some_and(|hdlr| meta[hdlr.content()].get(8..12) == Some(b"pict"))
}

/// Takes out of the content of `meta` what says something, and notes where items lie. Gives those of which the content goes and lies elsewhere.
pub(super) fn bare(
    meta: &mut [u8],
    lying: &mut Lying,
    traces: &mut Traces,
) -> Option<Vec<Removed>> {
    let boxes = parts(meta, 4..meta.len())?;
    let kinds = kinds(meta, only(&boxes, b"iinf")?)?;
    let located = located(&meta[only(&boxes, b"iloc")?.content()])?;
    let is_all_known = needed_are_known(meta, only(&boxes, b"iprp")?)?;
    if !is_all_known {
        return None;
    }
    let idat = match boxes.iter().any(|part| part.kind == *b"idat") {
        true => only(&boxes, b"idat")?.content(),
        false => 0..0,
    };
    let (mut here, mut removed_here, mut removed) = (Lying::default(), Vec::new(), Vec::new());
    for item in located {
        let kind = kinds.get(&item.id)?;
        let is_picture = PICTURES.contains(&kind);
        if !is_picture && !WORDS.contains(&kind) {
            return None;
        }
        let (lying, removed) = match item.is_inside {
            true => (&mut here, &mut removed_here),
            false => (&mut *lying, &mut removed),
        };
        if is_picture {
            lying.kept.extend(item.pieces);
        } else {
            lying.removed.extend(item.pieces.clone());
            removed.push(Removed {
                is_exif: kind == b"Exif",
                pieces: item.pieces,
            });
        }
    }
    let lengths = removed.iter().flat_map(|it| &it.pieces);
    let bytes: u64 = lengths
        .map(|piece| piece.end - piece.start)
        .fold(0, u64::saturating_add);
    if bytes > REMOVED_BYTES_MAX {
        return None;
    }
    empty_inside(meta.get_mut(idat)?, here, removed_here, traces)?;
    tidy(meta, 4..meta.len(), (META, false), traces)?;
    Some(removed)
}

/// Empties what lies in `idat` itself and is no part of a picture.
fn empty_inside(
    idat: &mut [u8],
    here: Lying,
    removed: Vec<Removed>,
    traces: &mut Traces,
) -> Option<()> {
    let place = |range: &Range<u64>| {
        let start = usize::try_from(range.start).ok()?;
        Some(start..usize::try_from(range.end).ok()?)
    };
    let gaps = here.gaps(std::slice::from_ref(&(0..idat.len() as u64)))?;
    let mut written = Vec::new();
    let mut left = REMOVED_BYTES_MAX;
    for item in removed {
        let mut content = Vec::new();
        for piece in &item.pieces {
            left = left.checked_sub(piece.end - piece.start)?;
            content.extend(idat.get(place(piece)?)?);
        }
        written.extend(item.replace(&content, traces));
    }
    for gap in gaps {
        idat.get_mut(place(&gap)?)?.fill(0);
    }
    for (start, bytes) in written {
        let range = place(&(start..start + bytes.len() as u64))?;
        idat.get_mut(range)?.copy_from_slice(&bytes);
    }
    Some(())
}

/// What kind each item is of, by its number. Their names become blank.
fn kinds(meta: &mut [u8], iinf: Part) -> Option<BTreeMap<u64, [u8; 4]>> {
    let count_bytes = match meta[iinf.content()].first()? {
        0 => 2,
        _ => 4,
    };
    let mut kinds = BTreeMap::new();
    for part in parts(meta, iinf.content + 4 + count_bytes..iinf.end)? {
        let content = &mut meta[part.content()];
        let mut rest = &content[..];
        let version = number(&mut rest, 1)?;
        number(&mut rest, 3)?;
        let id = match version {
            2 => number(&mut rest, 2)?,
            3 => number(&mut rest, 4)?,
            _ => return None,
        };
        let protection = number(&mut rest, 2)?;
        let kind = *take(&mut rest, 4)?.first_chunk()?;
        if part.kind != *b"infe" || protection != 0 || kinds.insert(id, kind).is_some() {
            return None;
        }
        let name = content.len() - rest.len();
        let name = content[name..].iter_mut().take_while(|byte| **byte != 0);
        name.for_each(|byte| *byte = b' ');
    }
    Some(kinds)
}

/// Where an item lies.
struct Located {
    id: u64,
    /// Whether that is in `idat`, and not in the file.
    is_inside: bool,
    pieces: Vec<Range<u64>>,
}

/// Where all items lie (ISO 14496-12, section 8.11.3).
fn located(mut iloc: &[u8]) -> Option<Vec<Located>> {
    let rest = &mut iloc;
    let version = number(rest, 1)?;
    number(rest, 3)?;
    let bytes = number(rest, 2)?;
    let nibble = |at: u64| Some((bytes >> at & 15) as usize).filter(|it| [0, 4, 8].contains(it));
    let (offset, length, base) = (nibble(12)?, nibble(8)?, nibble(4)?);
    let index = match version {
        0 => 0,
        1 | 2 => nibble(0)?,
        _ => return None,
    };
    let id_bytes = if version < 2 { 2 } else { 4 };
    let count = number(rest, id_bytes)?;
    if count > EXTENTS_MAX as u64 {
        return None;
    }
    let (mut items, mut left) = (Vec::new(), EXTENTS_MAX);
    for _ in 0..count {
        let id = number(rest, id_bytes)?;
        let method = if version == 0 {
            0
        } else {
            number(rest, 2)? & 15
        };
        let reference = number(rest, 2)?;
        let base = number(rest, base)?;
        let extents = number(rest, 2)?;
        if method > 1 || reference != 0 {
            return None;
        }
        let mut pieces = Vec::new();
        for _ in 0..extents {
            left = left.checked_sub(1)?;
            number(rest, index)?;
            let start = base.checked_add(number(rest, offset)?)?;
            // None is all that there is, wherever that ends.
            let length = Some(number(rest, length)?).filter(|length| *length > 0)?;
            pieces.push(start..start.checked_add(length)?);
        }
        items.push(Located {
            id,
            is_inside: method == 1,
            pieces,
        });
    }
    Some(items)
}

/// Whether all properties are known that some item cannot be shown without (ISO 23008-12, section 9.3).
fn needed_are_known(meta: &[u8], iprp: Part) -> Option<bool> {
    let boxes = parts(meta, iprp.content())?;
    let properties = parts(meta, only(&boxes, b"ipco")?.content())?;
    let is_known = |number: u64| {
        let property = usize::try_from(number)
            .ok()
            .and_then(|it| it.checked_sub(1));
        let property = property.and_then(|it| properties.get(it));
        property.is_some_and(|it| {
            PROPERTIES.iter().any(|(kind, _)| **kind == it.kind) || FREE.contains(&&it.kind)
        })
    };
    for part in boxes.iter().filter(|part| part.kind == *b"ipma") {
        let mut rest = &meta[part.content()];
        let version = number(&mut rest, 1)?;
        let is_wide = number(&mut rest, 3)? & 1 == 1;
        for _ in 0..number(&mut rest, 4)? {
            number(&mut rest, if version < 1 { 2 } else { 4 })?;
            for _ in 0..number(&mut rest, 1)? {
                let (bytes, bit) = if is_wide { (2, 15) } else { (1, 7) };
                let property = number(&mut rest, bytes)?;
                let is_needed = property >> bit == 1;
                if is_needed && !is_known(property & !(1 << bit)) {
                    return Some(false);
                }
            }
        }
    }
    Some(true)
}
