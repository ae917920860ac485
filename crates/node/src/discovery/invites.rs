//! The addresses that invites carry, as a source: who was handed an invite needs nobody else to find its maker.
//!
//! They are as old as the invite, and told at once; whatever another source finds later is fresher. Nothing is remembered
//! here: the address book keeps the invite, and has its addresses told whenever its maker is looked for.

use kith_core::address::Route;
use kith_core::ids::Face;
use tokio::sync::mpsc;

use super::source::{Finding, Order, Source};

/// The most addresses of one invite: the two faces of the device that made it.
const ROUTES_MAX: usize = 2;

/// What invites said.
#[derive(Debug, Default)]
pub struct Invites;

impl Source for Invites {
    fn name(&self) -> &'static str {
        "invites"
    }

    async fn run(self, mut orders: mpsc::Receiver<Order>, findings: mpsc::Sender<Finding>) {
        while let Some(order) = orders.recv().await {
            let Order::Learn { peer, routes } = order else {
                continue;
            };
            for (face, route) in routes.into_iter().filter(is_usable).take(ROUTES_MAX) {
                if findings
                    .send(Finding::Route { peer, face, route })
                    .await
                    .is_err()
                {
                    return;
                }
            }
        }
    }
}

/// Whether there is anything to dial.
fn is_usable((_, route): &(Face, Route)) -> bool {
    route.is_bounded() && !route.is_empty()
}

#[cfg(test)]
mod tests {
    use super::super::source::{FINDINGS_MAX, start};
    use super::*;
    use kith_core::address::ADDRESSES_MAX;
    use kith_core::ids::{DeviceKey, PeerId};

    const PEER: PeerId = PeerId([1; 32]);

    fn route(device: u8, addresses: usize) -> Route {
        Route {
            addresses: vec![([127, 0, 0, 1], 7).into(); addresses],
            ..Route::new(DeviceKey([device; 32]))
        }
    }

    /// What one order leads to.
    async fn found(routes: Vec<(Face, Route)>) -> Vec<Finding> {
        let (findings, mut receiver) = mpsc::channel(FINDINGS_MAX);
        let running = start(Invites, findings);
        running.order(Order::Learn { peer: PEER, routes });
        running.stop().await;
        let mut found = Vec::new();
        while let Some(finding) = receiver.recv().await {
            found.push(finding);
        }
        found
    }

    #[tokio::test]
    async fn an_invites_addresses_are_told_at_once() {
        let routes = vec![(Face::Public, route(1, 1)), (Face::Contact, route(2, 1))];
        let told = |(face, route): (Face, Route)| Finding::Route {
            peer: PEER,
            face,
            route,
        };
        let expected: Vec<Finding> = routes.clone().into_iter().map(told).collect();
        assert_eq!(found(routes).await, expected);
    }

    #[tokio::test]
    async fn empty_and_oversized_routes_are_passed_over() {
        let routes = vec![
            (Face::Public, route(1, 0)),
            (Face::Contact, route(2, ADDRESSES_MAX + 1)),
        ];
        assert_eq!(found(routes).await, []);
    }
}
