//! The offering side: streams of a service's protocol are joined to what listens on this machine.

use std::net::SocketAddr;

use kith_core::routing::Access;
use tracing::{debug, warn};

use super::ending::Ending;
use super::kept::{self, NAMED_MAX, ServiceOffer};
use super::name::{Local, ServiceName, Transport};
use super::services::{KeptService, Services};
use super::work::Work;
use super::{tcp, udp};
use crate::error::Error;
use crate::peer::{Acceptor, Node, Stream};

/// The most services kept: a hello has room for 64 protocols, and a node speaks others too.
pub const SERVICES_KEPT_MAX: usize = 32;

/// A service being offered. Dropped, it is withdrawn, and what goes over it ends.
#[derive(Debug)]
pub struct Offered {
    offer: ServiceOffer,
    _serving: Ending,
}

impl Offered {
    /// What is offered, and to whom.
    pub fn offer(&self) -> &ServiceOffer {
        &self.offer
    }
}

impl Node {
    /// Offers what listens at `local` to those who have `access`, for as long as the result is held. Nothing needs to
    /// listen there yet.
    ///
    /// # Errors
    /// [`Error::Accept`] when this node offers a service of that name and transport already, [`Error::Usage`] for port 0.
    pub fn offer(&self, name: ServiceName, local: Local, access: Access) -> Result<Offered, Error> {
        check(local)?;
        let offer = ServiceOffer {
            name,
            local,
            access,
        };
        Ok(Offered {
            _serving: serve(self, &offer)?,
            offer,
        })
    }

    /// What this node offers for good, by name.
    pub async fn offers(&self) -> Vec<ServiceOffer> {
        let table = Services::of(self);
        let services = table.0.lock().await;
        services.values().map(|kept| kept.offer.clone()).collect()
    }

    /// Offers a service from now on, also after a restart. It takes the place of what was kept under that name and
    /// transport; connections over that end.
    ///
    /// # Errors
    /// [`Error::Accept`] when somebody in this process offers it without keeping it, [`Error::Usage`] for more than
    /// [`SERVICES_KEPT_MAX`] services or 256 names and for port 0, [`Error::Io`] when it cannot be saved; all stays as it was.
    pub async fn keep_offer(&self, offer: ServiceOffer) -> Result<(), Error> {
        check(offer.local)?;
        let table = Services::of(self);
        let mut services = table.0.lock().await;
        let key = offer.key();
        if matches!(&offer.access, Access::Named(names) if names.len() > NAMED_MAX) {
            let advice =
                format!("an offer names at most {NAMED_MAX} people; offer it to all contacts");
            return Err(Error::Usage(advice));
        }
        if !services.contains_key(&key) && services.len() >= SERVICES_KEPT_MAX {
            let advice =
                format!("at most {SERVICES_KEPT_MAX} services are kept; withdraw one first");
            return Err(Error::Usage(advice));
        }
        let replaced = services.get_mut(&key).and_then(|kept| kept.serving.take());
        if let Some(serving) = replaced {
            serving.finish().await;
        }
        let served = serve(self, &offer);
        let saved = match served {
            Ok(serving) => save(self, offer.row()).await.map(|()| serving),
            Err(error) => Err(error),
        };
        match saved {
            Ok(serving) => {
                let serving = Some(serving);
                services.insert(key, KeptService { offer, serving });
                Ok(())
            }
            Err(error) => {
                if let Some(kept) = services.get_mut(&key) {
                    kept.serving = serve(self, &kept.offer).ok();
                }
                Err(error)
            }
        }
    }

    /// Ends an offer that was kept; connections over it end. Whether there was one.
    ///
    /// # Errors
    /// [`Error::Io`] when that cannot be saved; the service is offered still.
    pub async fn withdraw_offer(
        &self,
        name: &ServiceName,
        transport: Transport,
    ) -> Result<bool, Error> {
        let table = Services::of(self);
        let mut services = table.0.lock().await;
        let key = (name.clone(), transport);
        if !services.contains_key(&key) {
            return Ok(false);
        }
        save(self, kept::no_row(name, transport)).await?;
        if let Some(serving) = services.remove(&key).and_then(|kept| kept.serving) {
            serving.finish().await;
        }
        Ok(true)
    }
}

/// Nothing listens at port 0: to bind it means any free port, and to connect to it nothing.
fn check(local: Local) -> Result<(), Error> {
    match local.address().port() {
        0 => Err(Error::Usage(
            "port 0 is nobody's; name the one that the service listens at".to_owned(),
        )),
        _ => Ok(()),
    }
}

/// Begins to serve what was kept. An offer that cannot be read is passed over: it was written by a later kith.
pub(crate) fn restore(node: &Node) {
    let rows = match node.store().load(&[kept::KIND]) {
        Ok(rows) => rows,
        Err(error) => return warn!(%error, "cannot read which services are offered"),
    };
    let table = Services::of(node);
    let mut services = table
        .0
        .try_lock()
        .expect("nobody else holds a node that is being started");
    for (_, _, value) in rows {
        let offer = match ServiceOffer::read(&value) {
            Ok(offer) => offer,
            Err(error) => {
                warn!(%error, "an offered service cannot be read");
                continue;
            }
        };
        let serving = serve(node, &offer);
        let serving = serving.map_err(|error| warn!(%error, "a service is not offered"));
        let kept = KeptService {
            offer: offer.clone(),
            serving: serving.ok(),
        };
        services.insert(offer.key(), kept);
    }
}

async fn save(node: &Node, row: kith_core::row::Row) -> Result<(), Error> {
    let written = node.store().call(move |store| store.write(&[row])).await;
    written.map_err(|error| Error::io("the offer is not saved", std::io::Error::other(error)))
}

fn serve(node: &Node, offer: &ServiceOffer) -> Result<Ending, Error> {
    let protocol = offer.name.protocol(offer.local.transport());
    let acceptor = node.accept(protocol, offer.access.clone())?;
    let ending = Ending::default();
    let work = Work::new(node, &ending);
    work.spawn(accept(work.clone(), acceptor, offer.local));
    Ok(ending)
}

async fn accept(work: Work, mut acceptor: Acceptor, local: Local) {
    while let Some(stream) = acceptor.next().await {
        match local {
            Local::Tcp(address) => work.spawn(connect(stream, address)),
            Local::Udp(address) => work.spawn(udp::serve(stream, address)),
        }
    }
}

/// Joins a stream to a new connection to the service. When there is none the stream is dropped, and so reset.
async fn connect(stream: Stream, address: SocketAddr) {
    let socket = match tcp::connect(address).await {
        Ok(socket) => socket,
        Err(error) => return debug!(%error, "an offered service does not answer"),
    };
    if let Err(error) = tcp::carry(socket, stream).await {
        debug!(%error, "a connection to an offered service broke");
    }
}
