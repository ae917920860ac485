//! Sharing and fetching from end to end, over streams in memory and folders on the disk.

mod access;
mod fake;
mod faults;
mod fresh;
mod reading;
mod several;
mod whole;
mod world;

pub(super) use world::{NOW, World};
