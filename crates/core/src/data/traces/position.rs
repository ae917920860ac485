//! Where on earth something was taken, as its owner is told before it is shared: as EXIF has it, as films write it (ISO 6709), and as XMP names it.

/// Millionths of a degree: a tenth of a metre, and no rounding that differs between machines.
const MICRO: u64 = 1_000_000;

/// How many a degree has.
const SECONDS: u64 = 3600;

/// The most degrees to either side of the equator, and of Greenwich.
const LATITUDE_MAX: u64 = 90;
const LONGITUDE_MAX: u64 = 180;

/// The most digits that are read before a point: 180 has three, and no sum of such numbers is near the end of its type.
const DIGITS_MAX: usize = 3;

/// A place on earth, in millionths of a degree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// To the north; below zero to the south.
    pub latitude: i32,
    /// To the east; below zero to the west.
    pub longitude: i32,
}

impl Position {
    /// Of angles in millionths of a degree, each with whether it is to the south or the west; `None` for what is not on earth.
    pub(super) fn of(latitude: (bool, u64), longitude: (bool, u64)) -> Option<Self> {
        Some(Self {
            latitude: signed(latitude, LATITUDE_MAX)?,
            longitude: signed(longitude, LONGITUDE_MAX)?,
        })
    }

    /// The first that is written somewhere in `bytes`, as degrees and parts of them (ISO 6709, annex H): `+52.5200+013.4050/`.
    pub(super) fn written_in(bytes: &[u8]) -> Option<Self> {
        let signs = bytes.iter().enumerate();
        let mut signs = signs.filter(|(_, byte)| matches!(byte, b'+' | b'-'));
        signs.find_map(|(at, _)| {
            let mut rest = &bytes[at..];
            let (latitude, longitude) = (angle(&mut rest, 2)?, angle(&mut rest, 3)?);
            let is_ended = matches!(rest.first(), Some(b'+' | b'-' | b'/'));
            is_ended.then_some(())?;
            Self::of(latitude, longitude)
        })
    }

    /// The one that XMP names somewhere in `bytes` (ISO 16684-1, `GPSCoordinate` of CIPA DC-010): `GPSLatitude="52,31.2N"`, and a longitude like it. Drones
    /// write degrees alone, `GpsLatitude="+52.52"`.
    pub(super) fn named_in(bytes: &[u8]) -> Option<Self> {
        let named = |name: &[u8], negative| {
            let mut places = bytes.windows(name.len()).enumerate();
            places.find_map(|(at, it)| {
                it.eq_ignore_ascii_case(name).then_some(())?;
                coordinate(&bytes[at + name.len()..], negative)
            })
        };
        Self::of(named(b"GPSLatitude", b'S')?, named(b"GPSLongitude", b'W')?)
    }
}

/// Degrees, minutes and seconds, each as a number by which another is divided (CIPA DC-008, 4.6.6), in millionths of a degree. What is divided by nothing
/// is no angle.
pub(super) fn divided(parts: [(u32, u32); 3]) -> Option<u64> {
    // In millionths of a second, so that what is left of each division is too little to be seen; each is at most 2^32 × 10^6 × 3,600.
    let mut sum = 0;
    for ((number, by), seconds) in parts.into_iter().zip([SECONDS, 60, 1]) {
        sum += (u128::from(number) * u128::from(MICRO * seconds)).checked_div(by.into())?;
    }
    u64::try_from((sum + u128::from(SECONDS / 2)) / u128::from(SECONDS)).ok()
}

fn signed((is_negative, angle): (bool, u64), most: u64) -> Option<i32> {
    let angle = i32::try_from(angle).ok();
    let angle = angle.filter(|it| u64::from(it.unsigned_abs()) <= most * MICRO)?;
    Some(if is_negative { -angle } else { angle })
}

/// A sign, so many digits, and perhaps a point and more digits.
fn angle(rest: &mut &[u8], digits: usize) -> Option<(bool, u64)> {
    let (sign, behind) = rest.split_first()?;
    let is_negative = match sign {
        b'+' => false,
        b'-' => true,
        _ => return None,
    };
    *rest = behind;
    Some((is_negative, number(rest, digits)?))
}

/// The value of an attribute or element of XMP whose name was just before: degrees, and after commas minutes and seconds, each of three digits at most, with
/// parts or without; and on which side.
fn coordinate(text: &[u8], negative: u8) -> Option<(bool, u64)> {
    let is_between = |byte: &u8| {
        matches!(
            byte,
            b'=' | b'"' | b'\'' | b'>' | b' ' | b'\t' | b'\r' | b'\n'
        )
    };
    let begin = text.iter().take_while(|byte| is_between(byte)).count();
    let mut rest = &text[begin..];
    let is_below = rest.first() == Some(&b'-');
    if matches!(rest.first(), Some(b'+' | b'-')) {
        rest = &rest[1..];
    }
    let (mut sum, mut seconds) = (0, SECONDS);
    loop {
        let digits = rest.iter().take_while(|it| it.is_ascii_digit()).count();
        if !(1..=DIGITS_MAX).contains(&digits) {
            return None;
        }
        sum += number(&mut rest, digits)? * seconds;
        match rest.split_first() {
            Some((b',', behind)) if seconds > 1 => (rest, seconds) = (behind, seconds / 60),
            _ => break,
        }
    }
    let is_negative = is_below || rest.first() == Some(&negative);
    Some((is_negative, (sum + SECONDS / 2) / SECONDS))
}

/// So many digits, and perhaps a point and more digits, in millionths.
fn number(rest: &mut &[u8], digits: usize) -> Option<u64> {
    let (whole, mut behind) = rest.split_at_checked(digits)?;
    let mut number = 0;
    for byte in whole {
        number = 10 * number + digit(*byte)? * MICRO;
    }
    if let Some((b'.', parts)) = behind.split_first() {
        let count = parts.iter().take_while(|it| it.is_ascii_digit()).count();
        let mut unit = MICRO;
        for byte in &parts[..count] {
            unit /= 10;
            number += digit(*byte)? * unit;
        }
        behind = &parts[count..];
    }
    *rest = behind;
    Some(number)
}

fn digit(byte: u8) -> Option<u64> {
    byte.is_ascii_digit().then(|| u64::from(byte - b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_films_write_it() {
        let read = |text: &str| {
            let found = Position::written_in(text.as_bytes());
            found.map(|it| (it.latitude, it.longitude))
        };
        let berlin = Some((52_520_000, 13_405_000));
        assert_eq!(read("+52.5200+013.4050/"), berlin);
        assert_eq!(read("\0\x12\x15\u{7}+52.5200+013.4050+034.000/"), berlin);
        assert_eq!(
            read("1-2 +52+5 -33.86785-151.20732/"),
            Some((-33_867_850, -151_207_320))
        );
        assert_eq!(read("+90+180/"), Some((90_000_000, 180_000_000)));
        assert_eq!(read("-00.123456789+000.-"), Some((-123_456, 0)));
        for none in [
            "",
            "+",
            "+52.5200",
            "+52.5200+013.4050",
            "+52.5200+13.4050/",
            "+90.000001+000/",
            "+00-180.1/",
            "+5a+013/",
        ] {
            assert_eq!(read(none), None, "{none}");
        }
    }

    #[test]
    fn a_place_is_read_as_xmp_names_it() {
        let read = |text: &str| {
            let found = Position::named_in(text.as_bytes());
            found.map(|it| (it.latitude, it.longitude))
        };
        let berlin = Some((52_520_000, 13_405_000));
        for text in [
            r#"exif:GPSLatitude="52,31.2N" exif:GPSLongitude="13,24.3E""#,
            "exif:GPSLongitude='013,24,18E' exif:GPSLatitude = '52,31,12N'",
            "<exif:GPSLatitudeRef>North</exif:GPSLatitudeRef><exif:GPSLatitude>\n52,31,12N</exif:GPSLatitude><exif:GPSLongitude>13,24.3E<",
            r#"drone-dji:GpsLatitude="+52.52" drone-dji:GpsLongitude="13.405""#,
        ] {
            assert_eq!(read(text), berlin, "{text}");
        }
        let rio = r#"GPSLatitude="22,54.6S" GPSLongitude="43,12,0W""#;
        assert_eq!(read(rio), Some((-22_910_000, -43_200_000)));
        let rio = r#"GpsLatitude="-22.91" GpsLongitude="-43.2""#;
        assert_eq!(read(rio), Some((-22_910_000, -43_200_000)));
        for none in [
            "",
            "GPSLatitude",
            "GPSLatitude=",
            r#"GPSLatitude="52,31.2N""#,
            r#"GPSLatitude="52,31.2N" GPSLongitude="E""#,
            r#"GPSLatitude="91,0N" GPSLongitude="13,24.3E""#,
            r#"GPSLatitude="0052,0N" GPSLongitude="13,24.3E""#,
            r#"GPSLatitude="52,,2N" GPSLongitude="13,24.3E""#,
        ] {
            assert_eq!(read(none), None, "{none}");
        }
    }

    #[test]
    fn angles_are_divided_and_stay_within_their_bounds() {
        assert_eq!(divided([(52, 1), (31, 1), (12, 1)]), Some(52_520_000));
        assert_eq!(
            divided([(525_200, 10_000), (0, 1), (0, 1)]),
            Some(52_520_000)
        );
        assert_eq!(divided([(52, 1), (0, 0), (0, 1)]), None);
        let most = divided([(u32::MAX, 1); 3]).expect("room");
        assert_eq!(Position::of((false, most), (false, 0)), None);
        assert_eq!(Position::of((false, 0), (false, 180_000_001)), None);
    }
}
