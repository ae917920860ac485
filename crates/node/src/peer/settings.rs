//! What a node is told before it starts. Every setting has a default that offers nothing to strangers.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use kith_core::content::limits::Plan;
use kith_core::introducer::Introducer;

use super::unread::UNREAD_MAX_TIME;
use crate::clock::Clock;
use crate::config::RelayForContacts;
use crate::content::Worker;
use crate::content::quota::COPIES_BYTES_MAX;
use crate::discovery::Interfaces;

/// What a node says of the program it runs in.
const AGENT: &str = concat!("kith/", env!("CARGO_PKG_VERSION"));

/// What a node is to be; [`NodeBuilder`](crate::NodeBuilder) says what each means.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) data: Option<PathBuf>,
    pub(crate) name: String,
    pub(crate) agent: String,
    pub(crate) introducers: Vec<Introducer>,
    pub(crate) lan: Option<Interfaces>,
    pub(crate) lan_later: Option<Interfaces>,
    pub(crate) bind: Vec<SocketAddr>,
    pub(crate) public: Option<Vec<SocketAddr>>,
    pub(crate) port_mapping: bool,
    pub(crate) relay_roots: Option<PathBuf>,
    pub(crate) findable: bool,
    pub(crate) keeps_sessions: bool,
    pub(crate) follows_shares: bool,
    pub(crate) resumes_transfers: bool,
    pub(crate) limits: Plan,
    pub(crate) unread_max_time: Duration,
    pub(crate) express: bool,
    pub(crate) further_lane_rate: Option<u64>,
    pub(crate) strangers_max: Option<usize>,
    pub(crate) public_face_only: bool,
    pub(crate) provides: bool,
    pub(crate) copies_bytes_max: u64,
    pub(crate) relay: Option<RelayForContacts>,
    pub(crate) uses_contact_relays: bool,
    pub(crate) previews: Option<Worker>,
    pub(crate) clock: Clock,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            data: None,
            name: String::new(),
            agent: AGENT.to_owned(),
            introducers: Vec::new(),
            lan: Some(Interfaces::Network),
            lan_later: None,
            bind: Vec::new(),
            public: None,
            port_mapping: true,
            relay_roots: None,
            findable: false,
            keeps_sessions: true,
            follows_shares: true,
            resumes_transfers: true,
            limits: Plan::default(),
            unread_max_time: UNREAD_MAX_TIME,
            express: true,
            further_lane_rate: None,
            strangers_max: None,
            public_face_only: false,
            provides: true,
            copies_bytes_max: COPIES_BYTES_MAX,
            relay: None,
            uses_contact_relays: true,
            previews: None,
            clock: Clock::default(),
        }
    }
}
