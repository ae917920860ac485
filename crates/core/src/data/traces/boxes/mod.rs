//! Pictures and films that are made of boxes (ISO 14496-12): HEIC, HEIF and AVIF (ISO 23008-12), MP4 and 3GP, and Apple's MOV.
//!
//! A film may be larger than any memory, so it is not handed over: [`Walk`] says which bytes it wants to see, which are never those of sound and pictures, and
//! ends with a [`Plan`]. Without what it says a file is as long as before, since the places of its parts are written within: what says something is
//! filled with zeros, and boxes that say something become boxes that are free. All that lies among the pictures and is no part of them goes, too: the
//! tracks and items of other kinds, and what belongs to none.
//!
//! - [`Walk`]: what is read, and in which order. [`Plan`]: what is written over.
//! - `part`: boxes in boxes. `rules`: which of them stay. `film`: the tracks of a film, `samples`: where their parts lie. `items`: those of a picture.
//!   `telling`: what is told by what goes. `apart`: what lies among those that stay.

mod apart;
mod film;
mod items;
mod part;
mod plan;
mod rules;
mod samples;
mod telling;
mod walk;

pub use plan::Plan;
pub(super) use walk::without;
pub use walk::{HELD_BYTES_MAX, Walk, begins};

#[cfg(test)]
pub(super) mod tests;
