//! What a preview is: a JPEG (ITU-T T.81) of bounded size that says nothing but its pixels.
//!
//! Both sides look at the segments before the first scan. A preview with EXIF, comments or profiles in it is none: who made it has not
//! taken out what was to stay behind.

use super::size::Size;

/// The longest header of segments, in bytes: tables of four quantisers and eight Huffman codes with room to spare.
const HEADER_BYTES_MAX: usize = 8 << 10;

/// Width and height, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// From left to right.
    pub width: u16,
    /// From top to bottom.
    pub height: u16,
}

/// How large a preview is; `None` for what is no JPEG, is larger than `size` allows in pixels or bytes, or carries more than a picture.
pub fn examine(bytes: &[u8], size: Size) -> Option<Extent> {
    let is_whole = bytes.len() <= size.bytes_max() && bytes.ends_with(&[0xff, 0xd9]);
    let mut rest = bytes.strip_prefix(&[0xff, 0xd8]).filter(|_| is_whole)?;
    let mut extent = None;
    while bytes.len() - rest.len() <= HEADER_BYTES_MAX {
        let [0xff, marker, high, low, ..] = *rest else {
            return None;
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let segment = rest.get(4..length.checked_add(2)?)?;
        rest = &rest[length + 2..];
        match marker {
            // A frame: baseline, extended or progressive.
            0xc0..=0xc2 => extent = Some(frame(segment, size)?),
            // JFIF, quantisers, Huffman codes, restart interval.
            0xe0 | 0xdb | 0xc4 | 0xdd => {}
            // The first scan.
            0xda => return extent,
            _ => return None,
        }
    }
    None
}

fn frame(segment: &[u8], size: Size) -> Option<Extent> {
    let [_precision, y_high, y_low, x_high, x_low, ..] = *segment else {
        return None;
    };
    let extent = Extent {
        width: u16::from_be_bytes([x_high, x_low]),
        height: u16::from_be_bytes([y_high, y_low]),
    };
    let is_within = |side| (1..=size.side_max()).contains(&side);
    (is_within(extent.width) && is_within(extent.height)).then_some(extent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A JPEG's segments around no pixels.
    fn picture(width: u16, height: u16, more: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0xff, 0xd8, 0xff, 0xe0, 0, 4, b'J', b'F'];
        bytes.extend(more);
        bytes.extend([0xff, 0xc0, 0, 8, 8]);
        bytes.extend(height.to_be_bytes());
        bytes.extend(width.to_be_bytes());
        bytes.extend([3, 0xff, 0xda, 0, 2, 1, 2, 3, 0xff, 0xd9]);
        bytes
    }

    #[test]
    fn a_jpeg_within_the_size_is_a_preview() {
        let extent = Extent {
            width: 320,
            height: 7,
        };
        assert_eq!(examine(&picture(320, 7, &[]), Size::Small), Some(extent));
        assert_eq!(examine(&picture(321, 7, &[]), Size::Small), None);
        assert!(examine(&picture(321, 7, &[]), Size::Large).is_some());
        assert_eq!(examine(&picture(0, 7, &[]), Size::Small), None);
    }

    #[test]
    fn what_carries_exif_or_a_comment_or_has_no_end_is_none() {
        let exif = [0xff, 0xe1, 0, 4, b'E', b'x'];
        let comment = [0xff, 0xfe, 0, 4, b'h', b'i'];
        for more in [exif, comment] {
            assert_eq!(examine(&picture(10, 10, &more), Size::Small), None);
        }
        let mut cut = picture(10, 10, &[]);
        cut.pop();
        assert_eq!(examine(&cut, Size::Small), None);
        assert_eq!(examine(b"\x89PNG\r\n\x1a\n", Size::Small), None);
        let mut long = picture(10, 10, &[]);
        long.splice(2..2, vec![0; Size::Small.bytes_max()]);
        assert_eq!(examine(&long, Size::Small), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_looked_at_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut sound = picture(10, 10, &bytes);
            examine(&sound, Size::Large);
            sound.truncate(bytes.len());
            examine(&sound, Size::Large);
            examine(&bytes, Size::Small);
        }
    }
}
