//! What this node speaks, and with whom: the table incoming streams are matched against.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use kith_core::ids::PeerId;
use kith_core::protocol::ProtocolName;
use kith_core::routing::{Access, Answer, Level, Offer, Standing, choose};
use tokio::sync::{mpsc, watch};

use super::stream::Stream;
use crate::routing::AcceptError;

/// Streams of one protocol that wait to be taken: a browser's burst of connections through a forward, twice over.
pub const WAITING_MAX: usize = 1024;

/// How long a stream waits to be taken before it is reset: whoever opened it has given up by then.
pub const WAITING_MAX_TIME: Duration = Duration::from_secs(30);

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
    /// Who is told that it is spoken.
    listed: Access,
    streams: mpsc::Sender<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    since: Instant,
    stream: Stream,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            entries: Mutex::default(),
            changed: watch::Sender::new(0),
        }
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
    /// Begins to accept streams in `name` from those who have `access`; those in `listed` are told that it is spoken.
    pub(super) fn accept(
        &self,
        name: ProtocolName,
        access: Access,
        listed: Access,
    ) -> Result<Acceptor, AcceptError> {
        let (sender, streams) = mpsc::channel(WAITING_MAX);
        {
            let mut entries = self.entries();
            if entries.contains_key(&name) {
                return Err(AcceptError::Taken(name));
            }
            entries.insert(
                name.clone(),
                Entry {
                    access,
                    listed,
                    streams: sender,
                },
            );
        }
        self.0.changed.send_modify(|version| *version += 1);
        Ok(Acceptor {
            name,
            table: self.0.clone(),
            streams,
        })
    }

    /// What is spoken, and who is told.
    pub(super) fn listed(&self) -> Vec<(ProtocolName, Access)> {
        let entries = self.entries();
        let told = entries
            .iter()
            .map(|(name, entry)| (name.clone(), entry.listed.clone()));
        told.collect()
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
        let sender = self
            .entries()
            .get(stream.protocol())
            .map(|entry| entry.streams.clone());
        if let Some(sender) = sender {
            // A full queue drops, and so resets, the stream.
            let _ = sender.try_send(Waiting {
                since: Instant::now(),
                stream,
            });
        }
    }

    /// Follows changes of what is spoken.
    pub(super) fn watch(&self) -> watch::Receiver<u64> {
        self.0.changed.subscribe()
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<ProtocolName, Entry>> {
        self.0
            .entries
            .lock()
            .expect("no code panics while it holds the table")
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
        self.table
            .entries
            .lock()
            .expect("no code panics while it holds the table")
            .remove(&self.name);
        self.table.changed.send_modify(|version| *version += 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kith_core::routing::Refusal;

    fn name(text: &str) -> ProtocolName {
        text.parse().expect("a valid name")
    }

    #[tokio::test]
    async fn a_name_is_accepted_once_and_freed_with_its_acceptor() {
        let protocols = Protocols::default();
        let acceptor = protocols
            .accept(name("/a/1"), Access::Contacts, Access::Contacts)
            .expect("free");
        assert!(
            protocols
                .accept(name("/a/1"), Access::Anyone, Access::Anyone)
                .is_err()
        );
        drop(acceptor);
        assert!(
            protocols
                .accept(name("/a/1"), Access::Anyone, Access::Anyone)
                .is_ok()
        );
    }

    #[tokio::test]
    async fn who_may_not_use_a_protocol_is_refused_it() {
        let protocols = Protocols::default();
        let friend = PeerId([1; 32]);
        let _acceptor = protocols
            .accept(
                name("/friend/1"),
                Access::Named([friend].into()),
                Access::Contacts,
            )
            .expect("free");
        let _untold = protocols
            .accept(name("/untold/1"), Access::Anyone, Access::Contacts)
            .expect("free");
        let told = protocols.listed();
        assert!(told.iter().all(|(_, to)| !to.allows(None, Level::Stranger)));
        let offer = Offer::new(vec![name("/friend/1")]).expect("one");
        assert_eq!(
            protocols.choose(Some(friend), Level::Contact, &offer),
            Answer::Picked(0)
        );
        let other = protocols.choose(Some(PeerId([2; 32])), Level::Contact, &offer);
        assert_eq!(other, Answer::Refused(Refusal::NotAllowed));
        let stranger = protocols.choose(None, Level::Stranger, &offer);
        assert_eq!(stranger, Answer::Refused(Refusal::Unsupported));
    }
}
