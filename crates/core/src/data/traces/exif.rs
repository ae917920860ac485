//! EXIF, as far as it says something of somebody (TIFF 6.0; CIPA DC-008).

use super::position::{Position, divided};

/// The most entries of a directory that are looked at: cameras write some dozens.
const ENTRIES_MAX: usize = 512;

/// What a picture says beside its pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traces {
    /// Where it was taken.
    pub place: bool,
    /// Which place that is, as far as it was read.
    pub at: Option<Position>,
    /// When.
    pub time: bool,
    /// By which camera or phone, and how it was set.
    pub camera: bool,
    /// Something else that programs wrote into it: descriptions, names, edits, other pictures.
    pub words: bool,
    /// How it is turned when it is shown: 2 to 8 as in EXIF, 0 for not at all.
    pub orientation: u8,
}

impl Traces {
    /// Whether it says anything that is not needed to show it.
    pub fn is_any(&self) -> bool {
        self.place || self.time || self.camera || self.words
    }

    /// Adds what another part of the same picture says.
    pub(super) fn add(&mut self, more: Self) {
        self.place |= more.place;
        self.at = self.at.or(more.at);
        self.time |= more.time;
        self.camera |= more.camera;
        self.words |= more.words;
        if more.orientation != 0 {
            self.orientation = more.orientation;
        }
    }
}

/// What EXIF says, from its TIFF header on. What makes no sense says nothing.
pub fn read(tiff: &[u8]) -> Traces {
    directory(tiff).unwrap_or_default()
}

/// EXIF with an orientation, a camera, and where the picture was taken.
#[cfg(test)]
pub(super) fn telling(place: &[u8]) -> Vec<u8> {
    let mut tiff = b"II\x2a\0\x08\0\0\0\x03\0".to_vec();
    tiff.extend(b"\x0f\x01\x02\0\x04\0\0\0abc\0");
    tiff.extend(b"\x12\x01\x03\0\x01\0\0\0\x06\0\0\0");
    tiff.extend(b"\x25\x88\x04\0\x01\0\0\0\x32\0\0\0");
    tiff.extend([0; 4]);
    tiff.extend(place);
    tiff
}

/// EXIF that says how a picture is turned, and nothing else.
pub fn turned(orientation: u8) -> Vec<u8> {
    let mut tiff = b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    tiff.extend([orientation, 0, 0, 0, 0, 0, 0]);
    tiff
}

fn directory(bytes: &[u8]) -> Option<Traces> {
    let tiff = Tiff::read(bytes)?;
    let mut traces = Traces::default();
    for (tag, at) in tiff.entries(tiff.offset(4)?)? {
        match tag {
            // Make, model, the directory of the camera's settings.
            0x010f | 0x0110 | 0x8769 => traces.camera = true,
            0x0112 => {
                let orientation = tiff.short(at + 8).and_then(|it| u8::try_from(it).ok());
                traces.orientation = orientation.filter(|it| (2..=8).contains(it)).unwrap_or(0);
            }
            0x0132 => traces.time = true,
            // The directory of the place.
            0x8825 => {
                traces.place = true;
                traces.at = tiff.offset(at + 8).and_then(|it| tiff.position(it));
            }
            // Description, program, artist, copyright.
            0x010e | 0x0131 | 0x013b | 0x8298 => traces.words = true,
            _ => {}
        }
    }
    Some(traces)
}

/// Numbers and directories of a TIFF, as far as they are there (TIFF 6.0, section 2).
#[derive(Clone, Copy)]
struct Tiff<'a> {
    bytes: &'a [u8],
    is_big: bool,
}

impl<'a> Tiff<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let is_big = match bytes.get(..4)? {
            b"MM\0\x2a" => true,
            b"II\x2a\0" => false,
            _ => return None,
        };
        Some(Self { bytes, is_big })
    }

    fn short(self, at: usize) -> Option<u16> {
        let bytes = *self.bytes.get(at..)?.first_chunk()?;
        Some(match self.is_big {
            true => u16::from_be_bytes(bytes),
            false => u16::from_le_bytes(bytes),
        })
    }

    fn long(self, at: usize) -> Option<u32> {
        let bytes = *self.bytes.get(at..)?.first_chunk()?;
        Some(match self.is_big {
            true => u32::from_be_bytes(bytes),
            false => u32::from_le_bytes(bytes),
        })
    }

    /// A place in it that is named at another.
    fn offset(self, at: usize) -> Option<usize> {
        usize::try_from(self.long(at)?).ok()
    }

    /// The entries of a directory, by their tags, and where each is; those that are cut off are none.
    fn entries(self, directory: usize) -> Option<impl Iterator<Item = (u16, usize)>> {
        let count = usize::from(self.short(directory)?).min(ENTRIES_MAX);
        let places = (0..count).map_while(move |number| directory.checked_add(2 + 12 * number));
        Some(places.map_while(move |at| Some((self.short(at)?, at))))
    }

    /// Which place the directory of a place says (CIPA DC-008, 4.6.6).
    fn position(self, directory: usize) -> Option<Position> {
        let entry = |wanted| {
            let mut entries = self.entries(directory)?;
            entries.find_map(|(tag, at)| (tag == wanted).then_some(at))
        };
        let angle = |side: u16, negative: u8| {
            let is_negative = *self.bytes.get(entry(side)? + 8)? == negative;
            let at = self.offset(entry(side + 1)? + 8)?;
            let part = |number: usize| {
                let at = at.checked_add(8 * number)?;
                Some((self.long(at)?, self.long(at.checked_add(4)?)?))
            };
            Some((is_negative, divided([part(0)?, part(1)?, part(2)?])?))
        };
        Position::of(angle(1, b'S')?, angle(3, b'W')?)
    }
}

/// What XMP says: words, and a place where it names one.
pub(super) fn read_xmp(packet: &[u8]) -> Traces {
    Traces {
        place: packet
            .windows(4)
            .any(|name| name.starts_with(b"GPS") || name == b"GpsL"),
        at: Position::named_in(packet),
        words: true,
        ..Traces::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// EXIF of a place and nothing else: sides, and degrees, minutes and seconds.
    fn placed(is_big: bool, sides: [u8; 2], angles: [[(u32, u32); 3]; 2]) -> Vec<u8> {
        let number = |value: u32, bytes: usize| match is_big {
            true => value.to_be_bytes()[4 - bytes..].to_vec(),
            false => value.to_le_bytes()[..bytes].to_vec(),
        };
        let mut tiff = if is_big { b"MM\0\x2a" } else { b"II\x2a\0" }.to_vec();
        let mut put = |parts: &[(u32, usize)]| {
            let parts = parts
                .iter()
                .flat_map(|(value, bytes)| number(*value, *bytes));
            tiff.extend(parts);
        };
        // The first directory is 18 bytes long, that of the place behind it 54, and the angles come then.
        put(&[(8, 4), (1, 2), (0x8825, 2), (4, 2), (1, 4), (26, 4), (0, 4)]);
        put(&[(4, 2)]);
        for (tag, (side, at)) in [1, 3].into_iter().zip(sides.into_iter().zip([80, 104])) {
            let zeros = [(0, 1); 3];
            put(&[(tag, 2), (2, 2), (2, 4), (side.into(), 1)]);
            put(&zeros);
            put(&[(tag + 1, 2), (5, 2), (3, 4), (at, 4)]);
        }
        put(&[(0, 4)]);
        for (value, by) in angles.into_iter().flatten() {
            put(&[(value, 4), (by, 4)]);
        }
        tiff
    }

    #[test]
    fn xmp_says_a_place_where_it_names_one() {
        let told = read_xmp(br#"exif:GPSLatitude="22,54.6S" exif:GPSLongitude="43,12W""#);
        let at = told.at.map(|it| (it.latitude, it.longitude));
        assert_eq!((told.place, at), (true, Some((-22_910_000, -43_200_000))));
        assert!(read_xmp(b"GpsLatitude").place && read_xmp(b"exif:GPSMapDatum").place);
        let told = read_xmp(b"dc:title=\"GP\"");
        assert!(told.words && !told.place);
    }

    #[test]
    fn a_place_is_read_in_either_order_of_bytes_and_what_is_none_is_a_place_all_the_same() {
        let sydney = [
            [(33, 1), (52, 1), (4_260, 100)],
            [(151, 1), (12, 1), (26, 1)],
        ];
        let at = |tiff: &[u8]| read(tiff).at.map(|it| (it.latitude, it.longitude));
        for is_big in [true, false] {
            let tiff = placed(is_big, *b"SE", sydney);
            assert_eq!(at(&tiff), Some((-33_878_500, 151_207_222)));
            assert_eq!(
                at(&placed(is_big, *b"NW", sydney)),
                Some((33_878_500, -151_207_222))
            );
            for end in 0..tiff.len() {
                assert_eq!(at(&tiff[..end]), None, "cut after {end}");
            }
            let mut nowhere = sydney;
            nowhere[0][0] = (91, 1);
            let told = read(&placed(is_big, *b"NE", nowhere));
            assert!(told.place && told.at.is_none());
            nowhere[0][0] = (0, 0);
            let told = read(&placed(is_big, *b"NE", nowhere));
            assert!(told.place && told.at.is_none());
        }
    }
}
