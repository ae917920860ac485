//! Errands to introducers' registries: one task for each introducer, so that a dead one costs nothing but itself.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use kith_core::codec::Wire as _;
use kith_core::discovery::{Answer, REGISTRY_PROTOCOL, Record, Refusal, Request, Slot};
use kith_core::ids::{DeviceKey, Locator, PeerId};
use kith_core::introducer::Introducer;
use kith_core::protocol::ProtocolName;
use kith_core::routing::Target;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tracing::debug;

use super::actor::Input;
use super::node::{Node, WeakNode};
use super::stream::Stream;
use crate::clock;

/// Errands that wait for one introducer. A full address book's records, twice.
const ERRANDS_MAX: usize = 4096;

/// Requests sent ahead of their answers.
const REQUESTS_AHEAD_MAX: usize = 32;

/// How long one answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// How long to leave an introducer alone that did not answer: first, and at most.
const RETRY_AFTER: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(60));

/// Something to do at an introducer.
#[derive(Clone, Debug)]
pub(super) enum Errand {
    /// Leave this, as soon as it can be reached.
    Publish { record: Record, peer: Option<PeerId> },
    /// Ask for this, now or not at all.
    Lookup { locator: Locator },
}

/// The tasks, by introducer.
#[derive(Debug, Default)]
pub(super) struct Registrars {
    node: Arc<OnceLock<WeakNode>>,
    tasks: HashMap<DeviceKey, mpsc::Sender<Errand>>,
}

impl Registrars {
    /// Where the node will be put once it is built.
    pub(super) fn node(&self) -> Arc<OnceLock<WeakNode>> {
        self.node.clone()
    }

    /// Sends a task on an errand.
    pub(super) fn send(&mut self, introducer: &Introducer, errand: Errand) {
        let Some(node) = self.node.get().and_then(WeakNode::upgrade) else { return };
        let sender = self.tasks.entry(introducer.key).or_insert_with(|| {
            let (sender, errands) = mpsc::channel(ERRANDS_MAX);
            let task = Registrar { node: node.downgrade(), introducer: introducer.key, unpublished: BTreeMap::new() };
            node.spawn(task.run(errands));
            sender
        });
        if let Err(error) = sender.try_send(errand) {
            if let Errand::Lookup { locator } = error.into_inner() {
                node.tell(Input::Records { locator, records: Vec::new() });
            }
        }
    }
}

/// Runs the errands to one introducer.
struct Registrar {
    node: WeakNode,
    introducer: DeviceKey,
    /// What has not been taken yet: the newest record of each place.
    unpublished: BTreeMap<(Locator, Slot), (Record, Option<PeerId>)>,
}

impl Registrar {
    async fn run(mut self, mut errands: mpsc::Receiver<Errand>) {
        let mut pause = RETRY_AFTER.0;
        let mut stream = None;
        loop {
            let wait = if self.unpublished.is_empty() { Duration::MAX } else { pause };
            let first = tokio::select! {
                errand = errands.recv() => match errand {
                    Some(errand) => Some(errand),
                    None => return,
                },
                () = tokio::time::sleep(wait) => None,
            };
            let mut lookups = Vec::new();
            self.sort(first, &mut lookups);
            while lookups.len() < REQUESTS_AHEAD_MAX {
                match errands.try_recv() {
                    Ok(errand) => self.sort(Some(errand), &mut lookups),
                    Err(_) => break,
                }
            }
            if self.attempt(&mut stream, &mut lookups).await.is_ok() {
                pause = RETRY_AFTER.0;
                continue;
            }
            // Once more at once: the stream may have been an old one.
            if stream.take().is_some() && self.attempt(&mut stream, &mut lookups).await.is_ok() {
                continue;
            }
            stream = None;
            let Some(node) = self.node.upgrade() else { return };
            node.tell(Input::IntroducerDown(self.introducer));
            for locator in lookups {
                node.tell(Input::Records { locator, records: Vec::new() });
            }
            pause = (pause * 2).min(RETRY_AFTER.1);
        }
    }

    fn sort(&mut self, errand: Option<Errand>, lookups: &mut Vec<Locator>) {
        match errand {
            Some(Errand::Publish { record, peer }) => {
                self.unpublished.insert((record.locator(), record.slot()), (record, peer));
            }
            Some(Errand::Lookup { locator }) if !lookups.contains(&locator) => lookups.push(locator),
            Some(Errand::Lookup { .. }) | None => {}
        }
    }

    /// Asks everything, over one stream; what was answered is taken from the lists.
    async fn attempt(&mut self, stream: &mut Option<Stream>, lookups: &mut Vec<Locator>) -> std::io::Result<()> {
        let node = self.node.upgrade().ok_or(std::io::ErrorKind::NotConnected)?;
        if stream.is_none() {
            let name: ProtocolName = REGISTRY_PROTOCOL.parse().map_err(std::io::Error::other)?;
            let opened = node.open_to(Target::Device(self.introducer), &[name]).await;
            *stream = Some(opened.map_err(std::io::Error::other)?);
        }
        let Some(stream) = stream else { return Ok(()) };
        let now = clock::now();
        self.unpublished.retain(|_, (record, _)| record.expires() > now);
        for locator in std::mem::take(lookups) {
            let asked = ask(stream, &Request::Lookup(locator)).await;
            match asked {
                Ok(Answer::Records(records)) => node.tell(Input::Records { locator, records }),
                Ok(_) => node.tell(Input::Records { locator, records: Vec::new() }),
                Err(error) => {
                    lookups.push(locator);
                    return Err(error);
                }
            }
        }
        while let Some((place, (record, peer))) = self.unpublished.pop_first() {
            match ask(stream, &Request::Publish(record.clone())).await {
                Ok(Answer::Refused(Refusal::Stale { newest })) => {
                    if let Some(peer) = peer {
                        node.tell(Input::Stale { peer, newest });
                    }
                }
                Ok(Answer::Refused(Refusal::Busy { retry_ms })) => {
                    self.unpublished.insert(place, (record, peer));
                    tokio::time::sleep(Duration::from_millis(retry_ms).min(RETRY_AFTER.1)).await;
                }
                Ok(Answer::Refused(refusal)) => debug!(%refusal, "an introducer refused a record"),
                Ok(_) => {}
                Err(error) => {
                    self.unpublished.insert(place, (record, peer));
                    return Err(error);
                }
            }
        }
        Ok(())
    }
}

async fn ask(stream: &mut Stream, request: &Request) -> std::io::Result<Answer> {
    let exchange = async {
        stream.write_all(&kith_core::codec::frame(&request.to_bytes())).await?;
        let mut header = [0; kith_core::codec::FRAME_HEADER_BYTES];
        stream.read_exact(&mut header).await?;
        let length =
            kith_core::codec::frame_length(header, Answer::BYTES_MAX).map_err(std::io::Error::other)?;
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        Answer::from_bytes(&body).map_err(std::io::Error::other)
    };
    tokio::time::timeout(ANSWER_WITHIN, exchange).await.map_err(|_| std::io::ErrorKind::TimedOut)?
}
