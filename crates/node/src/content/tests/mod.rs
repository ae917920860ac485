//! Sharing and fetching from end to end, over streams in memory and folders on the disk.

mod access;
mod faults;
mod fetches;
mod follow;
mod fresh;
mod here;
mod versions;
mod whole;
mod world;
