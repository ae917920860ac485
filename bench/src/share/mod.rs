//! The program `kith` as its users run it. Reaching each other; idle; and sharing beside other people's programs: both ends up, one provides, one gets.
//!
//! - `ping`, `file`, `small`, `hash`, `swarm`, [`mod@line`], [`idle`], `previews`: one file for each benchmark. [`command`]: the command line of all of them; `lab`: what all are told.
//! - `contender`: what somebody who takes part can do; [`contenders`]: who they are. `race` lets them take turns.
//! - `fence`: a network of its own around all of it. `site`: where a side is. `ground`: the folder it takes place in; `memory`: what of the machine's it takes.
//! - `program`: a program that stays up. `watch`: what both sides use.
//! - `content`: what is transferred; `photograph`: what previews are made of. `torrent`: the same as a torrent, and a tracker. `tap`: a slow line between two networks.

pub(crate) mod command;
mod contender;
pub(crate) mod contenders;
mod content;
mod fence;
mod file;
mod ground;
mod hash;
pub(crate) mod idle;
mod lab;
pub(crate) mod line;
mod memory;
mod photograph;
mod ping;
mod previews;
mod program;
mod race;
mod site;
mod small;
mod swarm;
mod tap;
mod torrent;
mod watch;
