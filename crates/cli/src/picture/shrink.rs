//! A preview of pixels: made small, turned upright, in sRGB, on white, as a JPEG with nothing else in it.

use fast_image_resize::images::Image;
use fast_image_resize::{PixelType, Resizer};
use image::{DynamicImage, RgbImage, RgbaImage};
use jpeg_encoder::{ColorType, Encoder};
use kith::core::content::preview::Size;
use moxcms::{ColorProfile, Layout, TransformOptions};

use super::decode::Decoded;
use super::refused::Refused;

/// How good the JPEG is, from the best that is tried (of 100) to what fits even noise into the bound.
const QUALITIES: [u8; 5] = [82, 65, 45, 25, 8];

/// Makes the preview, with no side longer than `side`, in pixels.
pub(super) fn preview(picture: Decoded, side: u16) -> Result<Vec<u8>, Refused> {
    let small = shrink(picture.pixels, side)?;
    let small = match picture.profile {
        Some(profile) => in_srgb(small, &profile),
        None => small,
    };
    let mut upright = DynamicImage::from(small);
    upright.apply_orientation(picture.orientation);
    let upright = upright.into_rgb8();
    let sizes = Size::ALL.iter();
    let bytes_max = sizes
        .filter(|size| size.side_max() <= side)
        .map(|size| size.bytes_max())
        .max();
    let bytes_max = bytes_max.unwrap_or(Size::Small.bytes_max());
    for quality in QUALITIES {
        let jpeg = encode(&upright, quality)?;
        if jpeg.len() <= bytes_max {
            return Ok(jpeg);
        }
    }
    Err(Refused::TooLarge)
}

/// How large what has this size is made: never larger than it is.
fn extent(width: u32, height: u32, side: u16) -> (u32, u32) {
    let (side, longer) = (u64::from(side), u64::from(width.max(height)));
    if longer <= side {
        return (width, height);
    }
    let scaled = |length: u32| {
        let scaled = (u64::from(length) * side + longer / 2) / longer;
        u32::try_from(scaled).unwrap_or(u32::MAX).max(1)
    };
    (scaled(width), scaled(height))
}

fn shrink(pixels: DynamicImage, side: u16) -> Result<RgbImage, Refused> {
    let (width, height) = (pixels.width(), pixels.height());
    if width == 0 || height == 0 {
        return Err(Refused::Broken);
    }
    let (to_width, to_height) = extent(width, height, side);
    let has_alpha = pixels.color().has_alpha();
    let (bytes, kind) = match has_alpha {
        true => (pixels.into_rgba8().into_raw(), PixelType::U8x4),
        false => (pixels.into_rgb8().into_raw(), PixelType::U8x3),
    };
    let broken = |_| Refused::Broken;
    let from = Image::from_vec_u8(width, height, bytes, kind).map_err(broken)?;
    let mut to = Image::new(to_width, to_height, kind);
    let resized = Resizer::new().resize(&from, &mut to, None);
    resized.map_err(|_| Refused::Broken)?;
    let bytes = to.into_vec();
    let small = match has_alpha {
        true => RgbaImage::from_raw(to_width, to_height, bytes).map(|image| on_white(&image)),
        false => RgbImage::from_raw(to_width, to_height, bytes),
    };
    small.ok_or(Refused::Broken)
}

/// What is not there is white.
fn on_white(image: &RgbaImage) -> RgbImage {
    RgbImage::from_fn(image.width(), image.height(), |x, y| {
        let [red, green, blue, alpha] = image.get_pixel(x, y).0;
        let alpha = u16::from(alpha);
        let mixed = |color: u8| {
            let mixed = (u16::from(color) * alpha + 255 * (255 - alpha)) / 255;
            u8::try_from(mixed).unwrap_or(u8::MAX)
        };
        image::Rgb([red, green, blue].map(mixed))
    })
}

/// The same colours in sRGB; as they are where the profile makes no sense.
fn in_srgb(image: RgbImage, profile: &[u8]) -> RgbImage {
    let (width, height) = image.dimensions();
    let to = ColorProfile::new_srgb();
    let transform = ColorProfile::new_from_slice(profile).and_then(|from| {
        let options = TransformOptions::default();
        from.create_transform_8bit(Layout::Rgb, &to, Layout::Rgb, options)
    });
    let mut converted = vec![0; image.as_raw().len()];
    match transform.and_then(|transform| transform.transform(image.as_raw(), &mut converted)) {
        Ok(()) => RgbImage::from_raw(width, height, converted).unwrap_or(image),
        Err(_) => image,
    }
}

fn encode(image: &RgbImage, quality: u8) -> Result<Vec<u8>, Refused> {
    let side = |length| u16::try_from(length).map_err(|_| Refused::TooLarge);
    let (width, height) = (side(image.width())?, side(image.height())?);
    let mut jpeg = Vec::new();
    Encoder::new(&mut jpeg, quality)
        .encode(image.as_raw(), width, height, ColorType::Rgb)
        .map_err(|_| Refused::Broken)?;
    Ok(jpeg)
}
