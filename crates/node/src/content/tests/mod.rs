//! Sharing and fetching from end to end, over streams in memory and folders on the disk.

mod access;
mod adding;
mod audience;
mod bare;
mod between;
#[cfg(target_os = "linux")]
mod brought;
mod copies;
mod fake;
mod faults;
mod fetches;
mod follow;
mod fresh;
#[cfg(target_os = "linux")]
mod full;
mod got;
mod half;
#[cfg(target_os = "linux")]
mod held;
mod here;
mod lanes;
mod meanwhile;
mod news;
mod older;
mod part;
mod placed;
mod previews;
mod priorities;
mod quota;
mod reading;
#[cfg(target_os = "linux")]
mod reflinks;
mod remembered;
mod selecting;
mod several;
mod trees;
mod unowned;
mod unwritten;
mod updating;
mod versions;
mod whole;
mod world;

pub(super) use world::{NOW, World};
