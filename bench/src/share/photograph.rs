//! Photographs as a camera makes them, made up: what a JPEG decoder spends its time on is in them (detail at every scale, the noise of a sensor,
//! halved colours, an orientation to be applied), they have a camera's size in pixels and bytes, and they are the same on every machine.

use std::fs;
use std::path::Path;
use std::thread;

use anyhow::{Context as _, Result};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

/// Pixels from left to right, as the sensor has them: 12 megapixels.
const WIDTH: u16 = 4000;

/// Pixels from top to bottom.
const HEIGHT: u16 = 3000;

/// How many bytes a camera makes of so many pixels.
const BYTES_WANTED: usize = 3_000_000;

/// How the camera was held, as EXIF numbers it: upright, turned to the right, upside down, turned to the left.
const ORIENTATIONS: [u8; 4] = [1, 6, 3, 8];

/// Structure of one size: how far apart its corners are, in pixels, and how much it is seen, of 255.
type Octave = (usize, f32);

/// What is seen of light at each scale: half as much at half the size, as in scenes at large, and a sensor's noise.
const LIGHT: [Octave; 9] = [
    (1024, 60.0),
    (512, 34.0),
    (256, 20.0),
    (128, 12.0),
    (64, 8.0),
    (32, 6.0),
    (16, 5.0),
    (8, 4.0),
    (1, 5.0),
];

/// The same of colour.
const COLOUR: [Octave; 4] = [(700, 30.0), (90, 8.0), (12, 4.0), (1, 4.0)];

/// Takes `count` photographs into `folder`, under these names; their mean size, in bytes.
pub(crate) fn take(folder: &Path, names: &[String]) -> Result<u64> {
    // All of them with one setting, as a camera has one; so they differ in size.
    let quality = quality();
    let cores = thread::available_parallelism()?.get();
    let mut total = 0;
    thread::scope(|scope| {
        let takers: Vec<_> = (0..cores)
            .map(|first| {
                scope.spawn(move || {
                    let mine = names.iter().enumerate().skip(first).step_by(cores);
                    mine.map(|(number, name)| {
                        let photograph = photograph(number, quality)?;
                        fs::write(folder.join(name), &photograph)?;
                        Ok(photograph.len() as u64)
                    })
                    .sum::<Result<u64>>()
                })
            })
            .collect();
        for taker in takers {
            total += taker.join().expect("it does not panic")?;
        }
        anyhow::Ok(())
    })?;
    Ok(total / names.len().max(1) as u64)
}

/// The setting with which the first photograph has nearly the size that is wanted.
fn quality() -> u8 {
    let scene = scene(0);
    let (mut low, mut high) = (40, 98);
    while low + 1 < high {
        let middle = u8::midpoint(low, high);
        let is_small = encode(&scene, 1, middle).is_ok_and(|jpeg| jpeg.len() <= BYTES_WANTED);
        *(if is_small { &mut low } else { &mut high }) = middle;
    }
    low
}

fn photograph(number: usize, quality: u8) -> Result<Vec<u8>> {
    let orientation = ORIENTATIONS[number % ORIENTATIONS.len()];
    encode(&scene(number as u64), orientation, quality)
}

/// The pixels of a photograph: light and two differences of colour, each in a byte.
fn scene(number: u64) -> Vec<u8> {
    let width = usize::from(WIDTH);
    let mut pixels = vec![0; width * usize::from(HEIGHT) * 3];
    let mut row = vec![0.0; width];
    for (y, line) in pixels.chunks_exact_mut(width * 3).enumerate() {
        for (place, octaves) in [&LIGHT[..], &COLOUR, &COLOUR].into_iter().enumerate() {
            structure(number * 3 + place as u64, octaves, y, &mut row);
            for (pixel, value) in line.chunks_exact_mut(3).zip(&row) {
                // What is too bright is white, as in any photograph.
                pixel[place] = (128.0 + value) as u8;
            }
        }
    }
    pixels
}

/// One row of random structure: values at the corners of a grid for each octave, and straight lines between them ("value noise").
fn structure(seed: u64, octaves: &[Octave], y: usize, row: &mut [f32]) {
    row.fill(0.0);
    for (apart, height) in octaves {
        let seed = seed << 32 | *apart as u64;
        let (above, below) = (y / apart, (y % apart) as f32 / *apart as f32);
        let corner = |x| {
            let (upper, lower) = (value(seed, x, above), value(seed, x, above + 1));
            (upper + (lower - upper) * below) * height
        };
        let mut left = corner(0);
        for (x, pixels) in row.chunks_mut(*apart).enumerate() {
            let right = corner(x + 1);
            for (along, pixel) in pixels.iter_mut().enumerate() {
                *pixel += left + (right - left) * along as f32 / *apart as f32;
            }
            left = right;
        }
    }
}

/// A number from -1 to 1 for a corner: the last steps of SplitMix64 (Steele, Lea and Flood, 2014).
fn value(seed: u64, x: usize, y: usize) -> f32 {
    let mut mixed = (seed ^ (x as u64) << 20 ^ (y as u64) << 44)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .wrapping_add(seed);
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((mixed ^ mixed >> 31) >> 40) as f32 / (1 << 23) as f32 - 1.0
}

fn encode(scene: &[u8], orientation: u8, quality: u8) -> Result<Vec<u8>> {
    let mut jpeg = Vec::with_capacity(2 * BYTES_WANTED);
    let mut encoder = Encoder::new(&mut jpeg, quality);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    encoder.add_exif_metadata(&exif(orientation))?;
    let encoded = encoder.encode(scene, WIDTH, HEIGHT, ColorType::Ycbcr);
    encoded.context("a photograph cannot be encoded")?;
    Ok(jpeg)
}

/// One field: which way up (TIFF 6.0, section 2; tag 274).
fn exif(orientation: u8) -> Vec<u8> {
    let mut bytes = b"II*\0".to_vec();
    bytes.extend(8_u32.to_le_bytes());
    bytes.extend(1_u16.to_le_bytes());
    bytes.extend([0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0]);
    bytes.extend([0; 4]);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structure_is_the_same_each_time_and_another_for_each_photograph() {
        let row = |seed, y| {
            let mut row = vec![0.0; 3000];
            structure(seed, &LIGHT, y, &mut row);
            row
        };
        assert_eq!(row(1, 7), row(1, 7));
        assert_ne!(row(1, 7), row(2, 7));
        assert_ne!(row(1, 7), row(1, 8));
    }

    #[test]
    fn corners_are_met_by_both_of_their_neighbours() {
        let mut row = vec![0.0; 96];
        structure(5, &[(32, 100.0)], 0, &mut row);
        let steps = row.windows(2).map(|pair| (pair[1] - pair[0]).abs());
        assert!(steps.fold(0.0, f32::max) <= 200.0 / 32.0 + 0.01);
    }
}
