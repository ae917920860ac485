//! Sharing and fetching from end to end, over streams in memory and folders on the disk.

mod access;
mod faults;
mod follow;
mod fresh;
mod whole;
mod world;
