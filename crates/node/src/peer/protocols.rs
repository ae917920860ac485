//! What this node speaks, and with whom: the table incoming streams are matched against.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use kith_core::ids::PeerId;
use kith_core::protocol::ProtocolName;
use kith_core::routing::{Answer, Level, Offer, Standing, choose};
use thiserror::Error;
use tokio::sync::{mpsc, watch};

use super::stream::Stream;

/// Streams of one protocol that wait to be taken: a browser's burst of connections through a forward, twice over.
pub const WAITING_MAX: usize = 1024;

/// How long a stream waits to be taken before it is reset: whoever opened it has given up by then.
pub const WAITING_MAX_TIME: Duration = Duration::from_secs(30);

/// Who may open streams in a protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anyone at all.
    Anyone,
    /// Whoever has proven something: contacts, pending ones and holders of a link too.
    Guests,
    /// Confirmed contacts.
    Contacts,
    /// These confirmed contacts.
    Named(BTreeSet<PeerId>),
}

impl Access {
    /// Whether `peer`, trusted so far, may.
    pub fn allows(&self, peer: Option<PeerId>, level: Level) -> bool {
        match self {
            Self::Anyone => true,
            Self::Guests => level >= Level::Guest,
            Self::Contacts => level == Level::Contact,
            Self::Named(names) => level == Level::Contact && peer.is_some_and(|peer| names.contains(&peer)),
        }
    }
}

/// Why a protocol cannot be accepted.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AcceptError {
    /// Somebody in this node accepts it already.
    #[error("{0} is already accepted by this node; stop the other listener first")]
    Taken(ProtocolName),
}

/// The table. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Protocols(Arc<Table>);

#[derive(Debug)]
struct Table {
    entries: Mutex<BTreeMap<ProtocolName, Entry>>,
    changed: watch::Sender<u64>,
}

#[derive(Debug)]
struct Entry {
    access: Access,
    listed: bool,
    streams: mpsc::Sender<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    since: Instant,
    stream: Stream,
}

impl Default for Table {
    fn default() -> Self {
        Self { entries: Mutex::default(), changed: watch::Sender::new(0) }
    }
}

/// Takes the incoming streams of one protocol. Dropped, the protocol is spoken no longer.
#[derive(Debug)]
pub struct Acceptor {
    name: ProtocolName,
    table: Arc<Table>,
    streams: mpsc::Receiver<Waiting>,
}

impl Protocols {
    /// Begins to accept streams in `name`. Those that are `listed` are told to whoever may use them.
    pub(super) fn accept(&self, name: ProtocolName, access: Access, listed: bool) -> Result<Acceptor, AcceptError> {
        let (sender, streams) = mpsc::channel(WAITING_MAX);
        {
            let mut entries = self.entries();
            if entries.contains_key(&name) {
                return Err(AcceptError::Taken(name));
            }
            entries.insert(name.clone(), Entry { access, listed, streams: sender });
        }
        self.0.changed.send_modify(|version| *version += 1);
        Ok(Acceptor { name, table: self.0.clone(), streams })
    }

    /// What to say to `peer` that we speak.
    pub(super) fn listed_for(&self, peer: Option<PeerId>, level: Level) -> Vec<ProtocolName> {
        let entries = self.entries();
        let listed = entries.iter().filter(|(_, entry)| entry.listed && entry.access.allows(peer, level));
        listed.map(|(name, _)| name.clone()).collect()
    }

    /// Which of the offered names is spoken with `peer`.
    pub(super) fn choose(&self, peer: Option<PeerId>, level: Level, offer: &Offer) -> Answer {
        let entries = self.entries();
        choose(level, offer, |name| match entries.get(name) {
            None => Standing::Unknown,
            Some(entry) if !entry.access.allows(peer, level) => Standing::Closed,
            Some(entry) if entry.streams.capacity() == 0 => Standing::Full,
            Some(_) => Standing::Open,
        })
    }

    /// Hands a stream to who accepts its protocol. Between answer and here the acceptor may have gone: the stream is then
    /// reset, as it is when an acceptor goes later.
    pub(super) fn deliver(&self, stream: Stream) {
        let sender = self.entries().get(stream.protocol()).map(|entry| entry.streams.clone());
        if let Some(sender) = sender {
            // A full queue drops, and so resets, the stream.
            let _ = sender.try_send(Waiting { since: Instant::now(), stream });
        }
    }

    /// Follows changes of what is spoken.
    pub(super) fn watch(&self) -> watch::Receiver<u64> {
        self.0.changed.subscribe()
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<ProtocolName, Entry>> {
        self.0.entries.lock().expect("no code panics while it holds the table")
    }
}

impl Acceptor {
    /// The protocol.
    pub fn protocol(&self) -> &ProtocolName {
        &self.name
    }

    /// The next stream; `None` once the node is shut down.
    pub async fn next(&mut self) -> Option<Stream> {
        loop {
            let Waiting { since, stream } = self.streams.recv().await?;
            if since.elapsed() < WAITING_MAX_TIME {
                return Some(stream);
            }
        }
    }
}

impl Drop for Acceptor {
    fn drop(&mut self) {
        self.table.entries.lock().expect("no code panics while it holds the table").remove(&self.name);
        self.table.changed.send_modify(|version| *version += 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> ProtocolName {
        text.parse().expect("a valid name")
    }

    #[tokio::test]
    async fn a_name_is_accepted_once_and_freed_with_its_acceptor() {
        let protocols = Protocols::default();
        let acceptor = protocols.accept(name("/a/1"), Access::Contacts, true).expect("free");
        assert!(protocols.accept(name("/a/1"), Access::Anyone, true).is_err());
        drop(acceptor);
        assert!(protocols.accept(name("/a/1"), Access::Anyone, true).is_ok());
    }

    #[tokio::test]
    async fn everyone_is_told_only_what_they_may_use() {
        let protocols = Protocols::default();
        let friend = PeerId([1; 32]);
        let access = [
            ("/any/1", Access::Anyone),
            ("/contacts/1", Access::Contacts),
            ("/friend/1", Access::Named([friend].into())),
        ];
        let _acceptors: Vec<_> = access
            .into_iter()
            .map(|(text, access)| protocols.accept(name(text), access, true).expect("free"))
            .collect();
        let _hidden = protocols.accept(name("/hidden/1"), Access::Anyone, false).expect("free");
        assert_eq!(protocols.listed_for(None, Level::Stranger), [name("/any/1")]);
        let other = protocols.listed_for(Some(PeerId([2; 32])), Level::Contact);
        assert_eq!(other, [name("/any/1"), name("/contacts/1")]);
        let friends = protocols.listed_for(Some(friend), Level::Contact);
        assert_eq!(friends, [name("/any/1"), name("/contacts/1"), name("/friend/1")]);
        let offer = Offer::new(vec![name("/friend/1")]).expect("one");
        let pending = protocols.choose(Some(friend), Level::Guest, &offer);
        assert!(matches!(pending, Answer::Refused(_)), "a pending contact is not in the audience");
    }
}
