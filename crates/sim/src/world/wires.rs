//! Dials, connections and cuts.

use std::net::SocketAddr;
use std::time::Duration;

use kith_core::routing::{CloseCode, ConnId, Connected};
use kith_core::time::Time;

use super::state::World;
use crate::event::{Dial, Event, LinkId, NodeId, Parcel, Side};
use crate::network::{CONNECTION_IDLE, End, Link, Path};

/// How long an engine tries before it says that nobody answers.
const NO_ANSWER: Duration = Duration::from_secs(10);

/// How long both sides of a relayed connection take to try a direct path.
const PUNCH_AFTER: Duration = Duration::from_millis(400);

/// One parcel in so many arrives in two pieces: often enough that each kind of message is cut in each run.
const PIECES_IN: u64 = 4;

impl World {
    /// Begins a dial.
    pub(super) fn dial(&mut self, dial: Dial) {
        let way = self
            .network
            .way(&self.nodes, (dial.node, dial.face), &dial.route);
        let wait = match way {
            Some((target, _, path)) => {
                let mut passage = || {
                    let random = &mut self.random;
                    self.network.passage_ms(random, dial.node, target, path)
                };
                Duration::from_millis(passage() + passage())
            }
            None => NO_ANSWER,
        };
        self.schedule(self.now + wait, Event::Dialled(dial));
    }

    /// A dial comes to its end.
    pub(super) fn dialled(&mut self, dial: Dial) {
        let now = self.now;
        let id = dial.node;
        if !self.lives(id, dial.life) {
            return;
        }
        let Some(under_way) = self.nodes[id.0].dials.get_mut(&dial.dial) else {
            return;
        };
        under_way.attempts -= 1;
        let is_last = under_way.attempts == 0;
        let way = self.network.way(&self.nodes, (id, dial.face), &dial.route);
        let local = self.nodes[id.0].current.get(&dial.face).copied();
        let (Some((target, face, path)), Some(device)) = (way, local) else {
            if !is_last {
                return;
            }
            self.nodes[id.0].dials.remove(&dial.dial);
            let local = self.nodes[id.0].local(now);
            if let Some(machine) = &mut self.nodes[id.0].machine {
                machine.handle_dial_failed(local, dial.dial);
            }
            return self.settle(id);
        };
        self.nodes[id.0].dials.remove(&dial.dial);
        let end = |node: NodeId, device, face| End {
            node,
            life: self.nodes[node.0].life,
            device,
            face,
            open: false,
        };
        let mut dialler = end(id, device, dial.face);
        dialler.open = true;
        let passage = self.network.passage_ms(&mut self.random, id, target, path);
        let accepted = now + Duration::from_millis(passage);
        let link = Link {
            dialler,
            dialled: end(target, dial.route.device, face),
            path,
            accepted: false,
            last: [now, accepted],
            held: Vec::new(),
            cut_since: None,
        };
        let number = self.network.next_link();
        self.network.links.insert(number, link);
        self.schedule(accepted, Event::Accepted(number));
        if matches!(path, Path::Relay(_)) {
            self.schedule(accepted + PUNCH_AFTER, Event::Punch(number));
        }
        self.note(format_args!(
            "{} connects to {} by {path:?} as {number:?}",
            id.0, target.0
        ));
        self.tell_connected(number, Side::Dialler, Some(dial.dial));
    }

    /// The dialled side's handshake is complete.
    pub(super) fn accepted(&mut self, number: LinkId) {
        let Some(link) = self.network.links.get_mut(&number) else {
            return;
        };
        link.dialled.open = true;
        link.accepted = true;
        let (node, life) = (link.dialled.node, link.dialled.life);
        if self.lives(node, life) && !self.is_answered_by_double(number) {
            self.tell_connected(number, Side::Dialled, None);
        }
    }

    fn tell_connected(
        &mut self,
        number: LinkId,
        side: Side,
        dial: Option<kith_core::routing::DialId>,
    ) {
        let Some(link) = self.network.links.get(&number) else {
            return;
        };
        let (end, other) = (*link.end(side), *link.end(side.other()));
        let observed: Option<SocketAddr> = matches!(link.path, Path::Direct { lan: false })
            .then(|| self.nodes[other.node.0].outer(other.face));
        let connected = Connected {
            conn: ConnId(number.0),
            dial,
            face: end.face,
            local: end.device,
            remote: other.device,
            observed,
        };
        let exporter = *blake3::keyed_hash(
            link.dialler.device.as_bytes(),
            &[
                link.dialled.device.as_bytes().as_slice(),
                &number.0.to_be_bytes(),
            ]
            .concat(),
        )
        .as_bytes();
        let local = self.nodes[end.node.0].local(self.now);
        if let Some(machine) = &mut self.nodes[end.node.0].machine {
            machine.handle_connected(local, connected, exporter);
        }
        self.settle(end.node);
    }

    /// Sends something over a connection.
    pub(super) fn send(&mut self, from: NodeId, conn: ConnId, parcel: Parcel) {
        let number = LinkId(conn.0);
        let life = self.nodes[from.0].life;
        let Some(link) = self.network.links.get_mut(&number) else {
            return;
        };
        let Some(side) = link.side_of(from, life).map(Side::other) else {
            return;
        };
        if !self
            .network
            .links
            .get(&number)
            .is_some_and(|link| self.is_open(link))
        {
            if let Some(link) = self.network.links.get_mut(&number) {
                link.held.push((side, parcel));
            }
            return;
        }
        self.forward(number, side, parcel);
    }

    fn is_open(&self, link: &Link) -> bool {
        self.network
            .is_open(&self.nodes, &link.dialler, &link.dialled, link.path)
    }

    /// Has a parcel arrive behind all before it, some in two pieces.
    pub(super) fn forward(&mut self, number: LinkId, side: Side, parcel: Parcel) {
        if side == Side::Dialled {
            self.overhear(number, &parcel);
        }
        self.learn_binding(number, side, &parcel);
        match parcel {
            Parcel::Control(mut bytes) if bytes.len() > 1 && self.random.below(PIECES_IN) == 0 => {
                let cut = 1 + self.random.below(bytes.len() as u64 - 1);
                let rest = bytes.split_off(usize::try_from(cut).unwrap_or(1));
                self.carry(number, side, Parcel::Control(bytes));
                self.carry(number, side, Parcel::Control(rest));
            }
            whole => self.carry(number, side, whole),
        }
    }

    fn carry(&mut self, number: LinkId, side: Side, parcel: Parcel) {
        let Some(link) = self.network.links.get(&number) else {
            return;
        };
        let (a, b, path) = (link.dialler.node, link.dialled.node, link.path);
        let passage = self.network.passage_ms(&mut self.random, a, b, path);
        let mut at = self.now + Duration::from_millis(passage);
        if let Some(link) = self.network.links.get_mut(&number) {
            let last = &mut link.last[usize::from(side == Side::Dialled)];
            at = at.max(*last);
            *last = at;
        }
        self.schedule(at, Event::Arrive(number, side, parcel));
    }

    /// Something arrives at a side.
    pub(super) fn arrive(&mut self, number: LinkId, side: Side, parcel: Parcel) {
        let Some(link) = self.network.links.get(&number) else {
            return;
        };
        let end = *link.end(side);
        if !end.open || !self.lives(end.node, end.life) {
            return;
        }
        let conn = ConnId(number.0);
        let local = self.nodes[end.node.0].local(self.now);
        match parcel {
            Parcel::Control(bytes) => {
                if let Some(machine) = &mut self.nodes[end.node.0].machine {
                    machine.handle_bytes(local, conn, &bytes);
                }
            }
            Parcel::Request(request, bytes) => self.serve(end.node, number, request, &bytes),
            Parcel::Close(code) => return self.end(number, side, Some(code)),
        }
        self.settle(end.node);
    }

    /// A node gives its side of a connection up.
    pub(super) fn part(&mut self, id: NodeId, conn: ConnId) {
        let number = LinkId(conn.0);
        let life = self.nodes[id.0].life;
        if let Some(link) = self.network.links.get_mut(&number)
            && let Some(side) = link.side_of(id, life)
        {
            link.end_mut(side).open = false;
            // What was said last is still on its way; it arrives at an end that listens, or nowhere.
            if link.is_over() {
                self.network.links.remove(&number);
            }
        }
        self.nodes[id.0].sessions.remove(&conn);
    }

    /// A node's side of a connection ends, and its machine is told.
    fn end(&mut self, number: LinkId, side: Side, code: Option<CloseCode>) {
        let Some(link) = self.network.links.get_mut(&number) else {
            return;
        };
        let end = *link.end(side);
        link.end_mut(side).open = false;
        if code.is_some() {
            self.network.links.remove(&number);
        }
        if !end.open || !self.lives(end.node, end.life) {
            return;
        }
        let conn = ConnId(number.0);
        let local = self.nodes[end.node.0].local(self.now);
        self.note(format_args!("{} loses {conn:?} {code:?}", end.node.0));
        if let Some(machine) = &mut self.nodes[end.node.0].machine {
            machine.handle_closed(local, conn, code);
        }
        self.nodes[end.node.0].sessions.remove(&conn);
        self.settle(end.node);
    }

    /// Closes a connection at both ends as an engine does whose endpoint is gone.
    pub(super) fn drop_link(&mut self, number: LinkId) {
        for side in [Side::Dialler, Side::Dialled] {
            self.end(number, side, None);
        }
        self.network.links.remove(&number);
    }

    /// Both sides of a relayed connection try a direct path.
    pub(super) fn punch(&mut self, number: LinkId) {
        let Some(link) = self.network.links.get(&number) else {
            return;
        };
        if !self.is_open(link) {
            return;
        }
        let path = self.network.punches(&self.nodes, link);
        if let (Some(path), Some(link)) = (path, self.network.links.get_mut(&number)) {
            link.path = path;
            self.note(format_args!("{number:?} goes {path:?}"));
        }
    }

    /// Looks at every connection after something was cut or healed.
    pub(super) fn review_links(&mut self) {
        let numbers: Vec<LinkId> = self.network.links.keys().copied().collect();
        for number in numbers {
            let Some(link) = self.network.links.get(&number) else {
                continue;
            };
            let (open, since) = (self.is_open(link), link.cut_since);
            match (open, since) {
                (false, None) => {
                    let now = self.now;
                    if let Some(link) = self.network.links.get_mut(&number) {
                        link.cut_since = Some(now);
                    }
                    self.schedule(now + CONNECTION_IDLE, Event::Expire(number, now));
                }
                (true, Some(_)) => {
                    let held = self.network.links.get_mut(&number).map(|link| {
                        link.cut_since = None;
                        std::mem::take(&mut link.held)
                    });
                    for (side, parcel) in held.unwrap_or_default() {
                        self.forward(number, side, parcel);
                    }
                }
                _ => {}
            }
        }
    }

    /// A connection has been cut for as long as an engine waits.
    pub(super) fn expire(&mut self, number: LinkId, since: Time) {
        let cut = self.network.links.get(&number).map(|link| link.cut_since);
        if cut == Some(Some(since)) {
            self.drop_link(number);
        }
    }
}
