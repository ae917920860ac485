//! Pixels of a picture, of whatever format: JPEG, PNG, WebP, GIF (its first frame).
//!
//! What a file is, its first bytes say, and never its name. Its header says how many pixels it has before any is decoded. A JPEG is decoded at
//! an eighth, a quarter or half of its size where that is enough, which its transform makes cheap.

use std::io::Cursor;

use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbImage};
use jpeg_decoder::PixelFormat;

use super::refused::Refused;

/// The most pixels of a picture: those of the largest cameras' (100 megapixels).
const PIXELS_MAX: u64 = 100_000_000;

/// The most memory that a decoder is let have, in bytes: four for each of so many pixels, and its own.
const DECODER_BYTES_MAX: u64 = 512 << 20;

/// What of a picture is made small.
pub(super) struct Decoded {
    /// Its pixels, as they lie in the file.
    pub(super) pixels: DynamicImage,
    /// How they are to be turned.
    pub(super) orientation: Orientation,
    /// What their numbers mean, where that is not sRGB: an ICC profile.
    pub(super) profile: Option<Vec<u8>>,
}

/// Decodes a picture of which no more is needed than a longer side of `side` pixels.
pub(super) fn decode(picture: &[u8], side: u16) -> Result<Decoded, Refused> {
    match image::guess_format(picture) {
        Ok(ImageFormat::Jpeg) => jpeg(picture, side),
        Ok(format @ (ImageFormat::Png | ImageFormat::WebP | ImageFormat::Gif)) => {
            other(picture, format)
        }
        _ => Err(Refused::NoPicture),
    }
}

fn within(width: u32, height: u32) -> Result<(), Refused> {
    match u64::from(width) * u64::from(height) <= PIXELS_MAX {
        true => Ok(()),
        false => Err(Refused::TooLarge),
    }
}

fn jpeg(picture: &[u8], side: u16) -> Result<Decoded, Refused> {
    let mut decoder = jpeg_decoder::Decoder::new(picture);
    decoder.set_max_decoding_buffer_size(usize::try_from(DECODER_BYTES_MAX).unwrap_or(usize::MAX));
    decoder.read_info().map_err(broken)?;
    let header = decoder.info().ok_or(Refused::Broken)?;
    within(header.width.into(), header.height.into())?;
    // Both sides, so that what is long and thin keeps its short side.
    let (width, height) = decoder.scale(side, side).map_err(broken)?;
    let format = header.pixel_format;
    let bytes = decoder.decode().map_err(broken)?;
    let (width, height) = (u32::from(width), u32::from(height));
    let pixels = match format {
        PixelFormat::L8 => GrayImage::from_raw(width, height, bytes).map(DynamicImage::from),
        PixelFormat::L16 => {
            let high = bytes.chunks_exact(2).map(|pair| pair[1]).collect();
            GrayImage::from_raw(width, height, high).map(DynamicImage::from)
        }
        PixelFormat::RGB24 => RgbImage::from_raw(width, height, bytes).map(DynamicImage::from),
        PixelFormat::CMYK32 => {
            RgbImage::from_raw(width, height, of_ink(&bytes)).map(DynamicImage::from)
        }
    };
    let turned = decoder.exif_data().and_then(Orientation::from_exif_chunk);
    Ok(Decoded {
        pixels: pixels.ok_or(Refused::Broken)?,
        orientation: turned.unwrap_or(Orientation::NoTransforms),
        // One for four inks says nothing of three colours.
        profile: decoder
            .icc_profile()
            .filter(|_| format == PixelFormat::RGB24),
    })
}

/// Red, green and blue of cyan, magenta, yellow and black.
fn of_ink(bytes: &[u8]) -> Vec<u8> {
    let light = |ink: u8, black: u8| {
        let light = u16::from(255 - ink) * u16::from(255 - black) / 255;
        u8::try_from(light).unwrap_or(u8::MAX)
    };
    bytes
        .chunks_exact(4)
        .flat_map(|ink| [0, 1, 2].map(|color| light(ink[color], ink[3])))
        .collect()
}

fn broken(error: jpeg_decoder::Error) -> Refused {
    match error {
        jpeg_decoder::Error::Unsupported(_) => Refused::NoPicture,
        _ => Refused::Broken,
    }
}

fn other(picture: &[u8], format: ImageFormat) -> Result<Decoded, Refused> {
    let mut reader = ImageReader::with_format(Cursor::new(picture), format);
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(DECODER_BYTES_MAX);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|error| refused(&error))?;
    let (width, height) = decoder.dimensions();
    within(width, height)?;
    if decoder.total_bytes() > DECODER_BYTES_MAX {
        return Err(Refused::TooLarge);
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let is_colored = decoder.color_type().has_color();
    let profile = decoder.icc_profile().ok().flatten();
    let pixels = DynamicImage::from_decoder(decoder).map_err(|error| refused(&error))?;
    Ok(Decoded {
        pixels,
        orientation,
        profile: profile.filter(|_| is_colored),
    })
}

fn refused(error: &image::ImageError) -> Refused {
    match error {
        image::ImageError::Limits(_) => Refused::TooLarge,
        image::ImageError::Unsupported(_) => Refused::NoPicture,
        _ => Refused::Broken,
    }
}
