//! How a node is described, and started with what every node speaks.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use kith_core::content::limits::Plan;
use kith_core::introducer::Introducer;

use crate::clock::Clock;
use crate::config::RelayForContacts;
use crate::content::Worker;
use crate::discovery::Interfaces;
use crate::peer::{Node, Settings, SpawnError, start};
use crate::protocol;

/// A node to be. Every setting has a default that offers nothing to strangers.
#[derive(Clone, Debug, Default)]
pub struct NodeBuilder(Settings);

impl Node {
    /// Begins to describe a node.
    pub fn builder() -> NodeBuilder {
        NodeBuilder::default()
    }
}

impl NodeBuilder {
    /// Keeps identity, address book and downloads in this directory. Without one, the node is a new one each time.
    #[must_use]
    pub fn data_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.0.data = Some(directory.into());
        self
    }

    /// What the owner would like to be called: suggested in invites.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.0.name = name.into();
        self
    }

    /// What the node says of the program it runs in, such as `chess/2.1`.
    #[must_use]
    pub fn agent(mut self, agent: impl Into<String>) -> Self {
        self.0.agent = agent.into();
        self
    }

    /// The introducers to use: several are better than one, and none is needed on a local network.
    #[must_use]
    pub fn introducers(mut self, introducers: impl IntoIterator<Item = Introducer>) -> Self {
        self.0.introducers = introducers.into_iter().collect();
        self
    }

    /// Where to announce itself on the local network; `None` for nowhere.
    #[must_use]
    pub fn lan(mut self, interfaces: Option<Interfaces>) -> Self {
        self.0.lan = interfaces;
        self
    }

    /// Where the contact face listens (UDP), one address per family; everywhere when left out.
    #[must_use]
    pub fn bind(mut self, addresses: impl IntoIterator<Item = SocketAddr>) -> Self {
        self.0.bind = addresses.into_iter().collect();
        self
    }

    /// Runs a public server: its public face listens here, and strangers learn its addresses.
    #[must_use]
    pub fn public_server(mut self, addresses: impl IntoIterator<Item = SocketAddr>) -> Self {
        self.0.public = Some(addresses.into_iter().collect());
        self
    }

    /// Whether the router may be asked for a port (UPnP, PCP, NAT-PMP).
    #[must_use]
    pub fn port_mapping(mut self, allowed: bool) -> Self {
        self.0.port_mapping = allowed;
        self
    }

    /// The root certificates (a PEM file) of a private authority, by which introducers with a domain name are known beside
    /// those of the web.
    #[must_use]
    pub fn relay_roots(mut self, file: impl Into<PathBuf>) -> Self {
        self.0.relay_roots = Some(file.into());
        self
    }

    /// Whether whoever knows the PeerId may look up the public face at the introducers, and reach it as a stranger: for
    /// protocols that are open to [`Anyone`](kith_core::routing::Access::Anyone).
    #[must_use]
    pub fn findable(mut self, findable: bool) -> Self {
        self.0.findable = findable;
        self
    }

    /// Whether sessions with contacts are kept up while nobody uses them, so that everybody sees who is online.
    #[must_use]
    pub fn keep_sessions(mut self, kept: bool) -> Self {
        self.0.keeps_sessions = kept;
        self
    }

    /// Whether what was fetched is provided to others who may have it.
    #[must_use]
    pub fn provide(mut self, provides: bool) -> Self {
        self.0.provides = provides;
        self
    }

    /// How much is kept for the sake of copies, in bytes ([`COPIES_BYTES_MAX`](crate::content::quota::COPIES_BYTES_MAX) when left out); those that nobody asked for longest make room.
    #[must_use]
    pub fn copies_bytes_max(mut self, bytes: u64) -> Self {
        self.0.copies_bytes_max = bytes;
        self
    }

    /// Makes previews of the pictures that are shared, by this program; none when left out. See
    /// [`worker`](crate::content::previews::worker) for what the program does.
    #[must_use]
    pub fn previews(mut self, worker: Worker) -> Self {
        self.0.previews = Some(worker);
        self
    }

    /// Whether shared folders are watched, so that what changes in them becomes a new head by itself. Without, they are looked at
    /// when somebody asks for them.
    #[must_use]
    pub fn follow_shares(mut self, followed: bool) -> Self {
        self.0.follows_shares = followed;
        self
    }

    /// Whether transfers that an earlier run of the node was to go on with are gone on with; they are listed in any case.
    #[must_use]
    pub fn resume_transfers(mut self, resumed: bool) -> Self {
        self.0.resumes_transfers = resumed;
        self
    }

    /// How fast content may move; without a word, uploads to distant peers are held to [`UPLOAD_DEFAULT`](kith_core::content::limits::UPLOAD_DEFAULT).
    #[must_use]
    pub fn limits(mut self, plan: Plan) -> Self {
        self.0.limits = plan;
        self
    }

    /// Where to announce itself on the local network once that is switched on while it runs
    /// ([`Node::change_preferences`]), where it is not from the start; nowhere when left out.
    #[must_use]
    pub fn lan_when_switched_on(mut self, interfaces: Interfaces) -> Self {
        self.0.lan_later = Some(interfaces);
        self
    }

    /// Relays for contacts in this way, where they can reach this machine; not at all when left out. For nodes that stay: a
    /// relay that comes and goes helps nobody. One that is not `enabled` is when that is switched on while the node runs.
    #[must_use]
    pub fn relay_for_contacts(mut self, how: RelayForContacts) -> Self {
        // With nothing to give there is nothing to offer.
        let gives = how.mebibytes_per_day > 0 && how.kibibytes_per_second > 0;
        self.0.relay = gives.then_some(how);
        self
    }

    /// Whether contacts' relays are used where no introducer answers.
    #[must_use]
    pub fn use_contact_relays(mut self, uses: bool) -> Self {
        self.0.uses_contact_relays = uses;
        self
    }

    /// How long a stream may be left unread while the other side cannot open another because all its places are taken
    /// ([`UNREAD_MAX_TIME`](crate::peer::unread::UNREAD_MAX_TIME) when left out); then it is reset. Where there is room, a stream may be left unread for ever.
    #[must_use]
    pub fn unread_max_time(mut self, time: Duration) -> Self {
        self.0.unread_max_time = time;
        self
    }

    /// Whether bulk data may travel over TCP, given and taken, where a session's path is direct.
    #[must_use]
    pub fn express(mut self, allowed: bool) -> Self {
        self.0.express = allowed;
        self
    }

    /// From how many bytes a second on something is fetched over a second express lane on the local network, where much of it is missing
    /// ([`FURTHER_LANE_RATE`](kith_core::content::swarm::config::FURTHER_LANE_RATE) when left out): lines that carry less are full with one. With `u64::MAX` there is
    /// never a second.
    #[must_use]
    pub fn further_lane_rate(mut self, bytes_per_second: u64) -> Self {
        self.0.further_lane_rate = Some(bytes_per_second);
        self
    }

    /// Another clock than the system's, for tests: sessions, the address book and records go by it. What is shared keeps the
    /// system's.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.0.clock = clock;
        self
    }

    /// How many strangers' sessions are kept.
    #[must_use]
    pub fn strangers_max(mut self, sessions: usize) -> Self {
        self.0.strangers_max = Some(sessions);
        self
    }

    /// Binds the public face alone: an introducer has nobody to reach and no contacts to reach it.
    #[must_use]
    pub(crate) fn public_face_only(mut self) -> Self {
        self.0.public_face_only = true;
        self
    }

    /// Starts the node. On return it is bound; introducers and contacts are being reached.
    ///
    /// # Errors
    /// [`SpawnError`]; nothing is left running.
    pub async fn spawn(self) -> Result<Node, SpawnError> {
        let node = start(self.0).await?;
        protocol::serve(&node);
        Ok(node)
    }
}
