//! The addresses that invites carry, as a source: who was handed an invite needs nobody else to find its maker.
//!
//! They are as old as the invite, and told at once; whatever another source finds later is fresher. Kept in memory only:
//! whoever keeps the invite tells them again after a restart.

use std::collections::BTreeMap;

use kith_core::address::Route;
use kith_core::ids::{Face, PeerId};
use tokio::sync::mpsc;

use super::source::{About, Finding, Order, Source};

/// The most invites remembered: as many as an address book holds that wait for their maker.
pub const INVITES_MAX: usize = 1_000;

/// The most addresses of one invite: the two faces of the device that made it.
const ROUTES_MAX: usize = 2;

/// What invites said.
#[derive(Debug, Default)]
pub struct Invites {
    routes: BTreeMap<PeerId, Vec<(Face, Route)>>,
}

impl Invites {
    /// No invites yet; [`Order::Learn`] tells of them.
    pub fn new() -> Self {
        Self::default()
    }

    /// Carries out an order; whose routes it asks for, if anybody's.
    fn handle(&mut self, order: Order) -> Option<PeerId> {
        match order {
            Order::Learn { peer, mut routes } => {
                routes.truncate(ROUTES_MAX);
                routes.retain(|(_, route)| route.is_bounded() && !route.is_empty());
                let has_room = self.routes.len() < INVITES_MAX;
                if has_room || self.routes.contains_key(&peer) {
                    self.routes.insert(peer, routes);
                }
                // It was handed over to be used.
                Some(peer)
            }
            Order::Forget(peer) => {
                self.routes.remove(&peer);
                None
            }
            Order::Lookup {
                about: About::Peer(peer),
                ..
            } => Some(peer),
            _ => None,
        }
    }
}

impl Source for Invites {
    fn name(&self) -> &'static str {
        "invites"
    }

    async fn run(mut self, mut orders: mpsc::Receiver<Order>, findings: mpsc::Sender<Finding>) {
        while let Some(order) = orders.recv().await {
            let Some(peer) = self.handle(order) else {
                continue;
            };
            for (face, route) in self.routes.get(&peer).into_iter().flatten() {
                let finding = Finding::Route {
                    peer,
                    face: *face,
                    route: route.clone(),
                };
                if findings.send(finding).await.is_err() {
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::source::{FINDINGS_MAX, start};
    use super::*;
    use kith_core::address::ADDRESSES_MAX;
    use kith_core::ids::{DeviceKey, Locator};

    const PEER: PeerId = PeerId([1; 32]);
    const OTHER: PeerId = PeerId([2; 32]);

    fn route(device: u8, addresses: usize) -> Route {
        Route {
            addresses: vec![([127, 0, 0, 1], 7).into(); addresses],
            ..Route::new(DeviceKey([device; 32]))
        }
    }

    fn learn(peer: PeerId, routes: Vec<(Face, Route)>) -> Order {
        Order::Learn { peer, routes }
    }

    fn lookup(peer: PeerId) -> Order {
        Order::Lookup {
            about: About::Peer(peer),
            locator: Locator([0; 32]),
        }
    }

    /// What `orders` lead to, in their order.
    async fn found(orders: Vec<Order>) -> Vec<Finding> {
        let (findings, mut receiver) = mpsc::channel(FINDINGS_MAX);
        let running = start(Invites::new(), findings);
        for order in orders {
            running.order(order);
        }
        running.stop().await;
        let mut found = Vec::new();
        while let Some(finding) = receiver.recv().await {
            found.push(finding);
        }
        found
    }

    #[tokio::test]
    async fn an_invites_addresses_are_told_at_once_and_whenever_asked_for() {
        let routes = vec![(Face::Public, route(1, 1)), (Face::Contact, route(2, 1))];
        let told = |(face, route): &(Face, Route)| Finding::Route {
            peer: PEER,
            face: *face,
            route: route.clone(),
        };
        let expected: Vec<Finding> = routes.iter().map(told).collect();
        let orders = vec![learn(PEER, routes), lookup(OTHER), lookup(PEER)];
        assert_eq!(found(orders).await, [&expected[..], &expected[..]].concat());
    }

    #[tokio::test]
    async fn what_is_forgotten_is_told_no_more() {
        let routes = vec![(Face::Public, route(1, 1))];
        let orders = vec![learn(PEER, routes), Order::Forget(PEER), lookup(PEER)];
        assert_eq!(found(orders).await.len(), 1);
    }

    #[tokio::test]
    async fn empty_and_oversized_routes_are_passed_over() {
        let routes = vec![
            (Face::Public, route(1, 0)),
            (Face::Contact, route(2, ADDRESSES_MAX + 1)),
        ];
        assert_eq!(found(vec![learn(PEER, routes)]).await, []);
    }

    #[test]
    fn no_more_invites_are_remembered_than_the_bound() {
        let mut invites = Invites::new();
        for number in 0..=INVITES_MAX {
            let mut peer = [0; 32];
            peer[..8].copy_from_slice(&number.to_be_bytes());
            invites.handle(learn(PeerId(peer), vec![(Face::Public, route(1, 1))]));
        }
        assert_eq!(invites.routes.len(), INVITES_MAX);
    }
}
