//! EXIF, as far as it says something of somebody (TIFF 6.0; CIPA DC-008).

/// The most entries of a directory that are looked at: cameras write some dozens.
const ENTRIES_MAX: usize = 512;

/// What a picture says beside its pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traces {
    /// Where it was taken.
    pub place: bool,
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

/// EXIF that says how a picture is turned, and nothing else.
pub fn turned(orientation: u8) -> Vec<u8> {
    let mut tiff = b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    tiff.extend([orientation, 0, 0, 0, 0, 0, 0]);
    tiff
}

fn directory(tiff: &[u8]) -> Option<Traces> {
    let is_big = match tiff.get(..4)? {
        b"MM\0\x2a" => true,
        b"II\x2a\0" => false,
        _ => return None,
    };
    let short = |at: usize| {
        let bytes = *tiff.get(at..)?.first_chunk()?;
        Some(match is_big {
            true => u16::from_be_bytes(bytes),
            false => u16::from_le_bytes(bytes),
        })
    };
    let bytes = *tiff.get(4..)?.first_chunk()?;
    let first = match is_big {
        true => u32::from_be_bytes(bytes),
        false => u32::from_le_bytes(bytes),
    };
    let first = usize::try_from(first).ok()?;
    let count = usize::from(short(first)?).min(ENTRIES_MAX);
    let mut traces = Traces::default();
    for number in 0..count {
        let at = first.checked_add(2 + 12 * number)?;
        let Some(tag) = short(at) else { break };
        match tag {
            // Make, model, the directory of the camera's settings.
            0x010f | 0x0110 | 0x8769 => traces.camera = true,
            0x0112 => {
                let orientation = short(at + 8).and_then(|it| u8::try_from(it).ok());
                traces.orientation = orientation.filter(|it| (2..=8).contains(it)).unwrap_or(0);
            }
            0x0132 => traces.time = true,
            // The directory of the place.
            0x8825 => traces.place = true,
            // Description, program, artist, copyright.
            0x010e | 0x0131 | 0x013b | 0x8298 => traces.words = true,
            _ => {}
        }
    }
    Some(traces)
}

/// What XMP says: words, and a place where it names one.
pub(super) fn read_xmp(packet: &[u8]) -> Traces {
    Traces {
        place: packet.windows(3).any(|name| name == b"GPS"),
        words: true,
        ..Traces::default()
    }
}
