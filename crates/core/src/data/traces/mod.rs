//! What a picture says beside its pixels: where and when it was taken, by which camera, in whose words; and the same picture without it.
//!
//! Nothing is decoded. A file's segments are looked through, and those that say more than how its pixels are shown are left out; of EXIF its
//! orientation stays. So the pixels are the very same.
//!
//! - [`exif`]: EXIF's directory (TIFF 6.0, CIPA DC-008).
//! - `jpeg` (ITU-T T.81), `png` (W3C PNG), `webp` (RFC 9649): the containers.
//! - [`find`]: what a file says. [`strip`]: the file without it.

mod cursor;
pub mod exif;
mod jpeg;
mod png;
mod webp;
mod whole;

pub use exif::Traces;
pub use whole::{find, strip};
