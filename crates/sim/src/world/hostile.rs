//! Strangers who recorded what others said, and say it again: whole, to somebody else, or with a bit flipped.
//!
//! They need no node of their own. What they send arrives from a key that is nobody's, and the answers are not read.

use std::time::Duration;

use kith_core::crypto::SecretKey;
use kith_core::ids::Face;

use super::state::World;
use crate::event::{Event, NodeId, Parcel, Side};
use crate::network::{End, Link, Path};

/// Connections recorded in one run.
const RECORDINGS_MAX: usize = 64;

/// What is kept of each: the introduction, and the first that follows.
const PARCELS_MAX: usize = 4;

impl World {
    /// From now on, what diallers say is recorded by a stranger.
    pub fn record(&mut self) {
        self.is_recording = true;
    }

    /// How many connections were recorded.
    pub fn recordings(&self) -> usize {
        self.recordings.len()
    }

    /// Takes note of what a dialler says.
    pub(super) fn overhear(&mut self, link: crate::event::LinkId, parcel: &Parcel) {
        let is_known = self.recordings.contains_key(&link);
        if !self.is_recording || (!is_known && self.recordings.len() >= RECORDINGS_MAX) {
            return;
        }
        let parcels = self.recordings.entry(link).or_default();
        let is_kept = matches!(parcel, Parcel::Control(_) | Parcel::Request(..));
        if is_kept && parcels.len() < PARCELS_MAX {
            parcels.push(parcel.clone());
        }
    }

    /// A stranger near `from` says again what was recorded, to a face of `target`; with a bit flipped somewhere when
    /// `is_damaged`.
    pub fn replay(
        &mut self,
        recording: usize,
        (from, target): (NodeId, NodeId),
        face: Face,
        is_damaged: bool,
    ) {
        let mut parcels = match self.recordings.values().nth(recording) {
            Some(parcels) => parcels.clone(),
            None => return,
        };
        if is_damaged {
            self.damage(&mut parcels);
        }
        let (a, b) = (&self.nodes[from.0], &self.nodes[target.0]);
        let (Some(device), true) = (b.current.get(&face).copied(), b.is_up()) else {
            return;
        };
        let stranger = SecretKey::from_bytes(self.random.bytes());
        let end = |node, life, device, face| End {
            node,
            life,
            device,
            face,
            open: false,
        };
        let accepted = self.now + Duration::from_millis(30);
        let link = Link {
            dialler: end(from, a.life, stranger.device_key(), Face::Visitor),
            dialled: end(target, b.life, device, face),
            path: Path::Direct { lan: false },
            accepted: false,
            last: [accepted; 2],
            held: Vec::new(),
            cut_since: None,
        };
        let number = self.network.next_link();
        self.network.links.insert(number, link);
        self.note(format_args!(
            "a stranger repeats {recording} to {}",
            target.0
        ));
        self.schedule(accepted, Event::Accepted(number));
        for parcel in parcels {
            self.schedule(accepted, Event::Arrive(number, Side::Dialled, parcel));
        }
    }

    fn damage(&mut self, parcels: &mut [Parcel]) {
        let which = self.random.below(parcels.len() as u64);
        let bits = self.random.number();
        for (_, parcel) in (0..).zip(parcels).filter(|(place, _)| *place == which) {
            if let Parcel::Control(bytes) | Parcel::Request(_, bytes) = parcel {
                let place = bits % (bytes.len() as u64 * 8).max(1);
                let byte = usize::try_from(place / 8).unwrap_or(0);
                if let Some(byte) = bytes.get_mut(byte) {
                    *byte ^= 1 << (place % 8);
                }
            }
        }
    }
}
