//! What a picture says beside its pixels: where and when it was taken, by which camera, in whose words; and the same picture without it.
//!
//! Nothing is decoded. A file's segments are looked through: those stay that are known to show its pixels, and of EXIF its orientation does.
//! Whatever else programs wrote is left out and told, also where nobody knows what it is. So the pixels are the very same. A file that needs a
//! part which is not known to be shown is no picture that is known. Films and pictures of boxes keep their length: what goes is written over.
//!
//! - [`exif`]: EXIF's directory (TIFF 6.0, CIPA DC-008).
//! - [`boxes`]: HEIC, HEIF, AVIF, MP4 and MOV, which may be larger than memory.
//! - [`Position`]: which place.
//! - `jpeg` (ITU-T T.81), `png` (W3C PNG), `webp` (RFC 9649): the containers.
//! - [`find`]: what a file says. [`strip`]: the file without it. [`strip_to`]: the same, handed on piece by piece.

pub mod boxes;
mod cursor;
pub mod exif;
mod jpeg;
mod png;
mod position;
mod webp;
mod whole;

pub use exif::Traces;
pub use position::Position;
pub use whole::{find, strip, strip_to};
