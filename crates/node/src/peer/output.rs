//! What the machine asks for, done.

use kith_core::address::Route;
use kith_core::discovery::Advertisement;
use kith_core::identity;
use kith_core::ids::Face;
use kith_core::peer::{Event, Output};
use kith_core::routing::{ConnId, DialId, Session};
use tracing::{debug, info, trace};

use super::actor::{Actor, blocked};
use super::begun::Begun;
use super::input::Input;
use super::live::{Link, Standing};
use crate::discovery::{Announcement, Order};

impl Actor {
    /// Does one thing that the machine asks for.
    pub(super) fn perform(&mut self, output: Output) {
        trace!(?output, "the machine asks");
        match output {
            Output::Dial { dial, face, route } => self.dial(dial, face, route),
            Output::Refine { dial, route } => {
                // A second attempt beside the first: the engine learns the route, and whichever answers first counts.
                if let Some(face) = self.state.dials.face(dial) {
                    self.dial(dial, face, route);
                }
            }
            Output::CancelDial { dial } => self.state.dials.end(dial),
            Output::Send { conn, bytes } => {
                if let Some(link) = self.live.lock().links.get(&conn) {
                    link.say(bytes);
                }
            }
            Output::Close {
                conn,
                code,
                at_once,
            } => {
                if let Some(link) = self.forget(conn) {
                    link.end(code, at_once, &self.state.farewells);
                }
            }
            Output::StreamLimit { conn, streams_max } => {
                if let Some(link) = self.live.lock().links.get(&conn) {
                    // The control stream counts as one.
                    link.connection.set_stream_limit(streams_max + 1);
                }
            }
            Output::SeekPaths { face } => self.seek_paths(face),
            Output::KeepAlive { conns } => self.keep_alive(&conns),
            Output::Prefer { target, conn } => {
                let preferred = &mut self.live.lock().preferred;
                match conn {
                    Some(conn) => preferred.insert(target, conn),
                    None => preferred.remove(&target),
                };
            }
            Output::Relays { face, introducers } => self.faces.set_relays(face, introducers),
            Output::OfferRelay(offer) => {
                if let Some(relay) = &self.relay {
                    let port = self.faces.contact_ports().map_or(0, |(port, _)| port);
                    relay.offer(offer, port);
                }
            }
            Output::Visit(visit) => self.sources.order(&Order::Visit(visit)),
            Output::Learn { peer, routes } => self.sources.order(&Order::Learn { peer, routes }),
            Output::Advertise(advertisement) => self.announce(advertisement),
            Output::Rotate => self.faces.bind_anew(&self.inputs, &self.tasks),
            Output::Event(event) => self.tell(event),
            Output::Store(_) => {}
        }
    }

    fn dial(&mut self, dial: DialId, face: Face, route: Route) {
        let inputs = self.inputs.clone();
        let endpoint = self.faces.endpoint(face);
        let task = self.tasks.spawn(async move {
            let connection = match endpoint {
                Some(endpoint) => endpoint.connect(&route).await.map_err(|error| {
                    debug!(dial = dial.0, %error, "dial failed");
                }),
                None => Err(()),
            };
            let begun = match connection {
                Ok(connection) => Begun::on(connection).await,
                Err(()) => None,
            };
            let _ = inputs.send(Input::Dialled { dial, face, begun });
        });
        let attempt = task.abort_handle();
        self.state.dials.add(dial, face, attempt);
    }

    fn announce(&mut self, advertisement: Advertisement) {
        let Some((port, port_v6)) = self.faces.contact_ports() else {
            return;
        };
        let announcement = Announcement {
            advertisement,
            port,
            port_v6,
            addresses: Vec::new(),
        };
        self.sources.order(&Order::Announce(Some(announcement)));
    }

    fn tell(&mut self, event: Event) {
        match &event {
            Event::Up(session) | Event::Trusted(session) => self.stand(session),
            Event::Reached { target } => {
                let preferred = self.live.preferred(*target);
                let stands = preferred.is_some_and(|link| link.is_usable(true));
                self.state.waiting.wake(*target, stands, Ok(()));
            }
            Event::Unreachable { target, reason } => {
                self.state.waiting.wake(*target, true, Err(*reason))
            }
            Event::Down { reason, .. } => info!(?reason, "a session ended"),
            Event::Found { peer, source } => {
                self.live.lock().found.insert(*peer, *source);
            }
            Event::Book(identity::Event::Removed { peer }) => {
                self.live.lock().found.remove(peer);
            }
            _ => {}
        }
        if let Event::Book(
            identity::Event::Blocked { .. }
            | identity::Event::Changed { .. }
            | identity::Event::Removed { .. },
        ) = event
        {
            // Before whoever asked for the change is answered.
            self.shares.others().set_blocked(blocked(&self.machine));
        }
        // Nobody may be listening.
        let _ = self.events.send(event);
    }

    /// Who is at the other end of a connection is known from now on, and how far they are trusted.
    fn stand(&mut self, session: &Session) {
        let standing = Standing {
            peer: session.peer,
            level: session.level,
            remote: session.remote,
        };
        if let Some(link) = self.live.lock().links.get_mut(&session.conn) {
            link.session = Some(standing);
            link.stood.set();
        }
        if let Some(sender) = self.state.sessions.get(&session.conn) {
            sender.send_replace(Some(standing));
        }
        info!(level = ?session.level, face = ?session.face, "a session stands");
    }

    pub(super) fn forget(&mut self, conn: ConnId) -> Option<Link> {
        self.state.sessions.remove(&conn);
        self.live.lock().links.remove(&conn)
    }

    /// Gives a sign of life on each connection.
    fn keep_alive(&self, conns: &[ConnId]) {
        let table = self.live.lock();
        let links = conns.iter().filter_map(|conn| table.links.get(conn));
        let connections: Vec<_> = links.map(|link| link.connection.clone()).collect();
        drop(table);
        self.tasks.spawn(async move {
            for connection in connections {
                connection.give_sign_of_life();
                // It is sent before the next is told, by the thread that is awake. Told all at once, others would be woken to help, each second.
                tokio::task::yield_now().await;
            }
        });
    }

    /// Looks for direct paths of a face.
    fn seek_paths(&self, face: Face) {
        if let Some(endpoint) = self.faces.endpoint(face) {
            debug!(?face, "seeking direct paths");
            self.tasks
                .spawn(async move { endpoint.seek_direct_paths().await });
        }
    }
}
