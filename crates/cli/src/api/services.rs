//! Services of this machine offered to contacts, and theirs reached at local addresses.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use kith::core::identity::Contact;
use kith::core::routing::Access;
use kith::protocol::service::{Local, ServiceName, ServiceOffer, Transport};
use kith::{Error, ErrorKind};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use super::answer::{Answer, Asked, lines};
use super::door::Door;
use crate::failure::Failure;

/// How long a forward waits for the word of whoever has the service: most who are there are reached within a second, and the forward is of use
/// without it.
const ASKED_WITHIN: Duration = Duration::from_secs(3);

/// A service and who may use it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct OfferInfo {
    /// What contacts call it.
    pub(crate) name: String,
    /// Where it listens.
    #[schema(value_type = String)]
    pub(crate) address: SocketAddr,
    /// Whether it is UDP instead of TCP.
    pub(crate) udp: bool,
    /// For these contacts, petnames or PeerIds; for all confirmed ones when empty.
    pub(crate) to: Vec<String>,
}

/// Which transport's service.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct TransportFilter {
    /// UDP instead of TCP.
    #[serde(default)]
    pub(crate) udp: bool,
}

/// Whose service to reach, and where from.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct ForwardRequest {
    /// Petname or PeerId.
    pub(crate) peer: String,
    /// The service, as they offer it.
    pub(crate) name: String,
    /// The local address to listen on; port 0 takes a free one.
    #[schema(value_type = String)]
    pub(crate) listen: SocketAddr,
    /// UDP instead of TCP.
    pub(crate) udp: bool,
}

/// What happens with a service that goes on as long as the call.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum ServiceEvent {
    /// It can be used.
    Ready {
        /// Where: what is offered, or what leads to it.
        #[schema(value_type = String)]
        listen: SocketAddr,
    },
    /// A connection did not reach the service, or whoever has it could not be asked for it at the start.
    Failed {
        /// Why.
        #[serde(flatten)]
        why: Failure,
    },
}

/// What is offered for good.
#[utoipa::path(get, path = "/api/v1/offers", responses((status = 200, body = Vec<OfferInfo>)))]
pub(super) async fn list(State(door): State<Door>) -> Answer<Vec<OfferInfo>> {
    let mut offers = Vec::new();
    for offer in door.node().offers().await {
        offers.push(describe(&door, &offer).await);
    }
    Ok(Json(offers))
}

/// Offers a service for good; it takes the place of one of the same name and transport.
#[utoipa::path(post, path = "/api/v1/offers", request_body = OfferInfo,
    responses((status = 200, body = OfferInfo)))]
pub(super) async fn keep(
    State(door): State<Door>,
    Asked(asked): Asked<OfferInfo>,
) -> Answer<OfferInfo> {
    let offer = read(&door, &asked).await?;
    door.node().keep_offer(offer.clone()).await?;
    Ok(Json(describe(&door, &offer).await))
}

/// Offers a service for as long as the call lasts.
#[utoipa::path(post, path = "/api/v1/offers/held", request_body = OfferInfo,
    responses((status = 200, body = ServiceEvent, content_type = "application/x-ndjson")))]
pub(super) async fn hold(
    State(door): State<Door>,
    Asked(asked): Asked<OfferInfo>,
) -> Result<Response, Failure> {
    let ServiceOffer {
        name,
        local,
        access,
    } = read(&door, &asked).await?;
    let offered = door.node().offer(name, local, access)?;
    Ok(lines(async move |out| {
        out.send(&ServiceEvent::Ready {
            listen: offered.offer().local.address(),
        })
        .await;
        std::future::pending().await
    }))
}

/// Ends an offer.
#[utoipa::path(delete, path = "/api/v1/offers/{name}", params(("name", description = "of the service"), TransportFilter),
    responses((status = 200, description = "an empty object")))]
pub(super) async fn withdraw(
    State(door): State<Door>,
    Path(name): Path<String>,
    Query(filter): Query<TransportFilter>,
) -> Answer<Value> {
    let transport = if filter.udp {
        Transport::Udp
    } else {
        Transport::Tcp
    };
    if door
        .node()
        .withdraw_offer(&service(&name)?, transport)
        .await?
    {
        return Ok(Json(json!({})));
    }
    let message = format!("no service {name:?} is offered");
    let failure = Failure::new(ErrorKind::NotFound, message);
    Err(failure.typing(Some("'kith offers' lists those that are")))
}

/// Makes a contact's service reachable at a local address, for as long as the call lasts. It is not begun where they say that they offer none of
/// that name; where they are away it is, and leads to the service once they are there.
#[utoipa::path(post, path = "/api/v1/forwards", request_body = ForwardRequest,
    responses((status = 200, body = ServiceEvent, content_type = "application/x-ndjson")))]
pub(super) async fn forward(
    State(door): State<Door>,
    Asked(asked): Asked<ForwardRequest>,
) -> Result<Response, Failure> {
    let contact = door.node().find(&asked.peer).await?;
    let (name, listen) = (service(&asked.name)?, local(asked.listen, asked.udp));
    let mut forward = door.node().forward(contact.peer, &name, listen).await?;
    let unasked = ask(&door, &contact, &name, listen.transport()).await?;
    Ok(lines(async move |out| {
        out.send(&ServiceEvent::Ready {
            listen: forward.local_addr(),
        })
        .await;
        if let Some(why) = unasked {
            out.send(&ServiceEvent::Failed { why }).await;
        }
        while let Some(error) = forward.next_failure().await {
            out.send(&ServiceEvent::Failed {
                why: Failure::about(contact.peer, contact.petname.as_str(), error),
            })
            .await;
        }
        Ok(())
    }))
}

/// Asks whether a contact offers a service. Why they could not be asked, where they could not.
async fn ask(
    door: &Door,
    contact: &Contact,
    name: &ServiceName,
    transport: Transport,
) -> Result<Option<Failure>, Failure> {
    let petname = contact.petname.as_str();
    let asked = door.node().ask_service(contact.peer, name, transport);
    match tokio::time::timeout(ASKED_WITHIN, asked).await {
        Ok(Ok(())) => Ok(None),
        // Who is busy says nothing of what they offer.
        Ok(Err(refused @ Error::Refused { .. })) if refused.kind() != ErrorKind::Failed => {
            let spoken = door.node().find(&contact.peer.to_string()).await?.speaks;
            let offered: Vec<_> = spoken.iter().filter_map(ServiceName::of_protocol).collect();
            if offered.is_empty() && !door.node().is_confirmed_by(contact.peer).await? {
                let message = format!(
                    "{petname} has not confirmed you yet, and offers you nothing before; ask them to"
                );
                return Err(Failure::new(ErrorKind::NotAllowed, message));
            }
            let kind = refused.kind();
            let message = not_offered(kind, petname, (name, transport), &offered);
            Err(Failure::new(kind, message))
        }
        Ok(Err(error)) => Ok(Some(Failure::about(contact.peer, petname, error))),
        Err(_) => {
            let message =
                format!("{petname} has not answered yet, and is looked for at each connection");
            Ok(Some(Failure::new(ErrorKind::NotFound, message)))
        }
    }
}

/// Says that somebody does not offer a service, or not to us, and what they do.
fn not_offered(
    kind: ErrorKind,
    petname: &str,
    (name, transport): (&ServiceName, Transport),
    offered: &[(ServiceName, Transport)],
) -> String {
    let called = |transport| match transport {
        Transport::Tcp => "TCP",
        Transport::Udp => "UDP",
    };
    let offered = offered
        .iter()
        .map(|(name, transport)| format!("{name} ({})", called(*transport)));
    let offered: Vec<String> = offered.collect();
    let instead = match offered.is_empty() {
        true => "nothing else is for you either".to_owned(),
        false => format!("for you is {}", offered.join(", ")),
    };
    let transport = called(transport);
    match kind {
        ErrorKind::NotAllowed => {
            format!("the service {name} of {petname} over {transport} is for others; {instead}")
        }
        _ => format!("{petname} offers no service {name} over {transport}; {instead}"),
    }
}

async fn read(door: &Door, asked: &OfferInfo) -> Result<ServiceOffer, Failure> {
    Ok(ServiceOffer {
        name: service(&asked.name)?,
        local: local(asked.address, asked.udp),
        access: door.node().audience(&asked.to).await?,
    })
}

async fn describe(door: &Door, offer: &ServiceOffer) -> OfferInfo {
    let mut to = Vec::new();
    if let Access::Named(peers) = &offer.access {
        for peer in peers {
            let id = peer.to_string();
            to.push(
                door.node()
                    .find(&id)
                    .await
                    .map_or(id, |contact| contact.petname.to_string()),
            );
        }
    }
    OfferInfo {
        name: offer.name.to_string(),
        address: offer.local.address(),
        udp: offer.local.transport() == Transport::Udp,
        to,
    }
}

fn service(name: &str) -> Result<ServiceName, Failure> {
    name.parse()
        .map_err(|error| Failure::usage(format!("{name:?}: {error}")))
}

fn local(address: SocketAddr, udp: bool) -> Local {
    if udp {
        Local::Udp(address)
    } else {
        Local::Tcp(address)
    }
}
