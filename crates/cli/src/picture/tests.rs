//! Pictures of all kinds, and what only says that it is one.

use std::io::Cursor;

use image::codecs::gif::GifEncoder;
use image::{DynamicImage, Frame, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use jpeg_encoder::{ColorType, Encoder};
use kith::core::content::preview::{Size, jpeg};

use super::refused::Refused;
use super::worker::preview;

const SIDE: u16 = 320;

/// Somewhere that nobody is to read in a preview.
const PLACE: &[u8] = b"GPS 52.5N 13.4E";

/// A picture whose quarters are red, green, blue and black.
fn quarters(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        match (x < width / 2, y < height / 2) {
            (true, true) => Rgb([250, 0, 0]),
            (false, true) => Rgb([0, 250, 0]),
            (true, false) => Rgb([0, 0, 250]),
            (false, false) => Rgb([0, 0, 0]),
        }
    })
}

/// EXIF with an orientation (TIFF 6.0, tag 0x112), and a place behind it.
fn exif(orientation: u8) -> Vec<u8> {
    let mut exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
    exif.extend(PLACE);
    exif
}

fn as_jpeg(image: &RgbImage, orientation: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 90);
    encoder
        .add_app_segment(1, exif(orientation))
        .expect("a small segment");
    let (width, height) = (image.width() as u16, image.height() as u16);
    encoder
        .encode(image.as_raw(), width, height, ColorType::Rgb)
        .expect("encoded");
    bytes
}

fn as_format(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let image = image.into();
    image.write_to(&mut bytes, format).expect("encoded");
    bytes.into_inner()
}

/// A preview's pixels.
fn shown(jpeg: &[u8]) -> RgbImage {
    let mut decoder = jpeg_decoder::Decoder::new(jpeg);
    let pixels = decoder.decode().expect("a JPEG");
    let header = decoder.info().expect("a JPEG");
    RgbImage::from_raw(header.width.into(), header.height.into(), pixels).expect("three colours")
}

/// The colours of its corners, from the left to the right and down: r, g, b or a dot for black.
fn corners(image: &RgbImage) -> String {
    let (right, low) = (image.width() * 3 / 4, image.height() * 3 / 4);
    let (left, high) = (image.width() / 4, image.height() / 4);
    [(left, high), (right, high), (left, low), (right, low)]
        .iter()
        .map(|(x, y)| {
            let colors = image.get_pixel(*x, *y).0;
            let brightest = colors.iter().position(|color| *color > 128);
            brightest.map_or('.', |at| ['r', 'g', 'b'][at])
        })
        .collect()
}

/// The same PNG with another width and height in its header.
fn declaring(mut png: Vec<u8>, width: u32, height: u32) -> Vec<u8> {
    png[16..20].copy_from_slice(&width.to_be_bytes());
    png[20..24].copy_from_slice(&height.to_be_bytes());
    let sum = crc32(&png[12..29]);
    png[29..33].copy_from_slice(&sum.to_be_bytes());
    png
}

/// The checksum of a PNG's chunks (ISO 3309).
fn crc32(bytes: &[u8]) -> u32 {
    let sum = bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg())
        })
    });
    !sum
}

#[test]
fn a_picture_of_each_known_format_becomes_a_small_jpeg() {
    let image = quarters(900, 600);
    let files = [
        as_jpeg(&image, 1),
        as_format(image.clone(), ImageFormat::Png),
        as_format(image.clone(), ImageFormat::WebP),
        as_format(image.clone(), ImageFormat::Gif),
    ];
    for file in files {
        let small = preview(&file, SIDE).expect("a picture");
        let extent = jpeg::examine(&small, Size::Small).expect("a preview");
        assert_eq!((extent.width, extent.height), (320, 213));
        assert_eq!(corners(&shown(&small)), "rgb.");
    }
}

#[test]
fn all_eight_orientations_of_exif_are_turned_upright() {
    let image = quarters(800, 400);
    for (orientation, upright) in [
        (1, "rgb."),
        (2, "gr.b"),
        (3, ".bgr"),
        (4, "b.rg"),
        (5, "rbg."),
        (6, "br.g"),
        (7, ".gbr"),
        (8, "g.rb"),
    ] {
        let small = preview(&as_jpeg(&image, orientation), SIDE).expect("a picture");
        let small = shown(&small);
        assert_eq!(corners(&small), upright, "{orientation}");
        let is_tall = small.height() > small.width();
        assert_eq!(is_tall, orientation >= 5, "{orientation}");
    }
}

#[test]
fn where_a_picture_was_taken_is_not_in_its_preview() {
    let file = as_jpeg(&quarters(800, 400), 1);
    let has_place = |bytes: &[u8]| bytes.windows(PLACE.len()).any(|part| part == PLACE);
    assert!(has_place(&file));
    let small = preview(&file, SIDE).expect("a picture");
    assert!(!has_place(&small) && jpeg::examine(&small, Size::Small).is_some());
}

#[test]
fn a_small_picture_keeps_its_size_and_a_thin_one_its_short_side() {
    let small = preview(&as_jpeg(&quarters(30, 20), 1), SIDE).expect("a picture");
    assert_eq!(shown(&small).dimensions(), (30, 20));
    let thin = preview(&as_jpeg(&quarters(9000, 8), 1), SIDE).expect("a picture");
    assert_eq!(shown(&thin).dimensions(), (320, 1));
}

#[test]
fn what_is_transparent_is_white() {
    let clear = RgbaImage::from_pixel(400, 400, Rgba([9, 9, 9, 0]));
    let small = preview(&as_format(clear, ImageFormat::Png), SIDE).expect("a picture");
    let pixel = shown(&small).get_pixel(100, 100).0;
    assert!(pixel.iter().all(|color| *color > 250), "{pixel:?}");
}

#[test]
fn noise_fits_the_bound_by_being_made_coarser() {
    let noise = RgbImage::from_fn(800, 800, |x, y| {
        let bytes = blake3::hash(&[x.to_le_bytes(), y.to_le_bytes()].concat());
        Rgb([
            bytes.as_bytes()[0],
            bytes.as_bytes()[1],
            bytes.as_bytes()[2],
        ])
    });
    let file = as_format(noise, ImageFormat::Png);
    for size in Size::ALL {
        let small = preview(&file, size.side_max()).expect("a picture");
        assert!(jpeg::examine(&small, size).is_some(), "{}", small.len());
    }
}

#[test]
fn what_is_cut_short_or_damaged_is_broken() {
    let image = quarters(900, 600);
    for format in [ImageFormat::Png, ImageFormat::WebP] {
        let mut file = as_format(image.clone(), format);
        file.truncate(file.len() / 2);
        assert_eq!(preview(&file, SIDE), Err(Refused::Broken), "{format:?}");
    }
    let file = as_jpeg(&image, 1);
    for cut in [file.len() / 2, 400, 20, 3] {
        assert_eq!(preview(&file[..cut], SIDE), Err(Refused::Broken), "{cut}");
    }
}

#[test]
fn what_a_file_is_its_bytes_say() {
    let mut other = b"\xff\xd8\xff".to_vec();
    other.extend(b"%PDF-1.7 and so on");
    assert_eq!(preview(&other, SIDE), Err(Refused::Broken));
    for none in [
        &b""[..],
        b"<svg/>",
        b"%PDF-1.7",
        b"\0\0\0\x20ftypheic",
        b"BM",
    ] {
        assert_eq!(preview(none, SIDE), Err(Refused::NoPicture), "{none:?}");
    }
}

#[test]
fn what_declares_too_many_pixels_is_not_decoded() {
    let png = declaring(
        as_format(quarters(10, 10), ImageFormat::Png),
        50_000,
        50_000,
    );
    assert_eq!(preview(&png, SIDE), Err(Refused::TooLarge));
    let mut huge = as_jpeg(&quarters(64, 64), 1);
    let frame = huge.windows(2).position(|marker| marker == [0xff, 0xc0]);
    let at = frame.expect("a frame") + 5;
    huge[at..at + 4].copy_from_slice(&[0xff, 0xdc, 0xff, 0xdc]);
    assert_eq!(preview(&huge, SIDE), Err(Refused::TooLarge));
    let mut gif = as_format(quarters(10, 10), ImageFormat::Gif);
    gif[6..10].copy_from_slice(&[0xff; 4]);
    assert_eq!(preview(&gif, SIDE), Err(Refused::TooLarge));
}

#[test]
fn of_many_frames_the_first_is_shown() {
    let mut file = Vec::new();
    let frames = (0..2_000).map(|number| {
        let color = match number {
            0 => [250, 0, 0, 255],
            _ => [0, 0, 250, 255],
        };
        Frame::new(RgbaImage::from_pixel(16, 16, Rgba(color)))
    });
    let encoded = GifEncoder::new_with_speed(&mut file, 30).encode_frames(frames);
    encoded.expect("encoded");
    let small = preview(&file, SIDE).expect("a picture");
    assert_eq!(corners(&shown(&small)), "rrrr");
}

proptest::proptest! {
    #[test]
    fn no_damage_to_a_picture_makes_more_of_it_than_an_error(
        at in 0..4_000_usize, byte in proptest::prelude::any::<u8>(), format in 0..4_usize,
    ) {
        let image = quarters(40, 30);
        let mut file = match format {
            0 => as_jpeg(&image, 1),
            1 => as_format(image, ImageFormat::Png),
            2 => as_format(image, ImageFormat::WebP),
            _ => as_format(image, ImageFormat::Gif),
        };
        let at = at % file.len();
        file[at] = byte;
        if let Ok(small) = preview(&file, SIDE) {
            proptest::prop_assert!(jpeg::examine(&small, Size::Small).is_some());
        }
    }
}
