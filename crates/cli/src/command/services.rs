//! Services: `offer`, `offers`, `forward`.

use std::net::SocketAddr;

use serde::Serialize;
use serde_json::Value;

use super::on::On;
use crate::api::node::NodeInfo;
use crate::api::services::{ForwardRequest, OfferInfo, ServiceEvent};
use crate::args::OfferArgs;
use crate::client::Lines;
use crate::failure::Failure;
use crate::path::{query, segment};
use crate::start::Purpose;

/// What is printed once a service can be used.
#[derive(Serialize)]
#[serde(tag = "event", rename = "ready")]
struct Ready {
    listen: SocketAddr,
}

/// Offers a service: for good where a node runs, else for as long as the command does.
pub(super) async fn offer(on: &On, args: OfferArgs) -> Result<(), Failure> {
    let Some(address) = args.address.filter(|_| !args.remove) else {
        return withdraw(on, &args.name, args.udp).await;
    };
    let request = OfferInfo {
        name: args.name,
        address,
        udp: args.udp,
        to: args.to,
    };
    on.until_stopped(Purpose::Serve, async |node| {
        let info: NodeInfo = node.client().get("/node").await?;
        if info.daemon {
            let kept: OfferInfo = node.client().post("/offers", &request).await?;
            return on.output.line(&kept, || describe(&kept));
        }
        let lines = node.client().lines("/offers/held", &request).await?;
        let shown = format!(
            "{}, until Ctrl-C; with 'kith up' it stays",
            describe(&request)
        );
        follow(on, lines, |_| shown).await
    })
    .await
}

/// Lists what is offered for good.
pub(super) async fn offers(on: &On) -> Result<(), Failure> {
    let offers: Vec<OfferInfo> = on
        .node(Purpose::Look, async |node| {
            node.client().get("/offers").await
        })
        .await?;
    for offer in &offers {
        on.output.line(offer, || describe(offer))?;
    }
    Ok(())
}

/// Makes a contact's service reachable here, until it is told to stop.
pub(super) async fn forward(
    on: &On,
    target: String,
    listen: SocketAddr,
    udp: bool,
) -> Result<(), Failure> {
    let Some((peer, name)) = target.rsplit_once(':') else {
        let reason = format!("{target:?} names no service: write PEER:NAME, such as alice:web");
        return Err(Failure::usage(reason));
    };
    let request = ForwardRequest {
        peer: peer.to_owned(),
        name: name.to_owned(),
        listen,
        udp,
    };
    on.until_stopped(Purpose::Serve, async |node| {
        let lines = node.client().lines("/forwards", &request).await?;
        let shown = |at: SocketAddr| format!("{at} leads to {target}, until Ctrl-C");
        follow(on, lines, shown).await
    })
    .await
}

async fn withdraw(on: &On, name: &str, udp: bool) -> Result<(), Failure> {
    let path = format!("/offers/{}", segment(name));
    let path = query(&path, &[("udp", udp.then_some("true"))]);
    let done: Value = on
        .node(Purpose::Look, async |node| {
            node.client().delete(&path).await
        })
        .await?;
    on.output
        .line(&done, || format!("{name} is offered no longer"))
}

/// Shows what becomes of a service.
async fn follow(
    on: &On,
    mut lines: Lines,
    shown: impl FnOnce(SocketAddr) -> String,
) -> Result<(), Failure> {
    let mut shown = Some(shown);
    while let Some(event) = lines.next::<ServiceEvent>().await? {
        match event {
            ServiceEvent::Ready { listen } => {
                if let Some(shown) = shown.take() {
                    on.output.line(&Ready { listen }, || shown(listen))?;
                }
            }
            ServiceEvent::Failed { why } => on.output.fail(&why),
        }
    }
    Err(Failure::failed("the node stopped"))
}

fn describe(offer: &OfferInfo) -> String {
    let transport = if offer.udp { "UDP" } else { "TCP" };
    let to = match offer.to.is_empty() {
        true => "all contacts".to_owned(),
        false => offer.to.join(", "),
    };
    format!("{}: {transport} {}, to {to}", offer.name, offer.address)
}
