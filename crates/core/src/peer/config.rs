//! What a node may set about itself, and the bounds of what the rooms do together.

use std::net::IpAddr;
use std::time::Duration;

use crate::identity::config::CONTACTS_MAX;
use crate::time::DAY;

/// What one node goes by.
#[derive(Clone, Debug)]
pub struct Config {
    /// What the node's owner would like to be called by others; empty for nothing.
    pub name: String,
    /// This program and its version.
    pub agent: String,
    /// How many strangers' sessions are kept.
    pub strangers_max: usize,
    /// Whether whoever knows the PeerId may look up the public face.
    pub findable: bool,
    /// Whether sessions with contacts are kept up while nobody uses them.
    pub keeps_sessions: bool,
    /// Whether the node relays for its contacts where it can be reached, and at which addresses they reach it; without any,
    /// at those of its interfaces. `None`: it does not relay.
    pub relay: Option<Vec<IpAddr>>,
    /// Whether contacts' relays are used where no introducer answers.
    pub uses_contact_relays: bool,
}

impl Config {
    /// The usual settings of a node.
    pub fn new(agent: String) -> Self {
        Self {
            name: String::new(),
            agent,
            strangers_max: crate::routing::config::STRANGERS_MAX,
            findable: false,
            keeps_sessions: true,
            relay: None,
            uses_contact_relays: true,
        }
    }
}

/// How long a binding is valid. A contact that was away for less recognises the device without being told anew.
pub const BINDING_LIFE: Duration = Duration::from_secs(14 * DAY.as_secs());

/// When a binding is renewed before its end: a day for the new one to reach everybody.
pub const BINDING_RENEWAL: Duration = Duration::from_secs(2 * DAY.as_secs());

/// How long the contact face keeps one key.
pub const CONTACT_FACE_LIFE: Duration = DAY;

/// Contacts with whom a session is kept up while nobody uses it: a circle of people, at some 100 KiB and a keep-alive each.
pub const SESSIONS_KEPT_MAX: usize = 128;

/// How often a listing is renewed, at the latest; it lives three hours, as every record of an address.
pub const LISTING_RENEWAL: Duration = Duration::from_secs(30 * 60);

/// How long a contact is left alone whose answer says that it wants no session with us. Should it change its mind, it comes to
/// us by itself; four dials a day are for those whose way to us is lost.
pub const LEFT_ALONE_FOR: Duration = Duration::from_secs(6 * 3600);

/// Between two looks into the mailbox of an invite. People who exchange invites wait for each other.
pub const MAILBOX_POLL: Duration = Duration::from_secs(20);

/// How long a sealed reply waits at an introducer, at most as long as its invite, up to the full minute after.
pub const REPLY_LIFE: Duration = Duration::from_secs(30 * DAY.as_secs());

/// Devices seen on the local network and remembered: a large office.
pub const SIGHTINGS_MAX: usize = 256;

/// The longest pause between two looks into a mailbox: an invite that nobody has used for hours is used some day.
pub const MAILBOX_POLL_MAX: Duration = Duration::from_secs(15 * 60);

/// Introducers remembered as away, beside our own: as many as are ever asked.
pub const AWAY_MAX: usize = 64;

/// How long answers to a look-up are waited for: a shell tries twice, 18 s each, and waits three times for a busy introducer,
/// 30 s each.
pub const LOOKUP_LIFE: Duration = Duration::from_secs(150);

/// How long one of our introducers that does not answer keeps the places of our faces: as long as a restart takes.
pub const HOME_LEFT_AFTER: Duration = Duration::from_secs(10);

/// How long it has to answer again until it has them back: one that comes and goes must not move them each time.
pub const HOME_BACK_AFTER: Duration = Duration::from_secs(60);

/// When one of our introducers is back after none answered, how long the others may take to answer too: a shell leaves them
/// alone for 90 s at most, and a try takes 16 s.
pub const HOME_TRIED_WITHIN: Duration = Duration::from_secs(120);

/// Devices named by links whose places are remembered: more than anybody fetches from at once.
pub const LINKED_MAX: usize = 64;

/// Contacts' relays that a node keeps to when it has no introducer: its engine probes each of them now and then, and the
/// second and third serve when the first is switched off.
pub const CONTACT_RELAYS_MAX: usize = 3;

/// Devices of contacts that may use our relay: those of a full address book.
pub const RELAYED_DEVICES_MAX: usize = DEVICES_PER_CONTACT_MAX * CONTACTS_MAX;

/// Devices of one contact that may use our relay: the present one, and the one before, which carries sessions for a while yet.
pub const DEVICES_PER_CONTACT_MAX: usize = 2;
