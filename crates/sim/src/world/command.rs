//! What people do to their nodes, and what the model makes of it.

use std::collections::{BTreeMap, BTreeSet};

use kith_core::identity::Standing;
use kith_core::ids::{InviteId, PeerId};

use super::state::World;
use crate::event::{Command, Event, NodeId};

impl World {
    /// Has somebody do something now.
    pub fn command(&mut self, id: NodeId, command: &Command) {
        self.note(format_args!("{} is told {command:?}", id.0));
        match command {
            Command::Start => return self.start(id),
            Command::Crash => return self.crash(id),
            Command::Leave => return self.leave(id),
            Command::CrashAfter(outputs) => {
                self.nodes[id.0].crash_after = Some(*outputs);
                return;
            }
            Command::Spare => {
                self.nodes[id.0].crash_after = None;
                return;
            }
            _ => {}
        }
        if !self.nodes[id.0].is_up() {
            if matches!(command, Command::Invite(_)) {
                self.invites.push(None);
                self.model.invite(id, true);
            }
            return;
        }
        match command {
            Command::Invite(options) => self.invite(id, *options),
            Command::Accept(invite) => self.accept(id, *invite),
            Command::Confirm(other) => {
                self.model.confirm(id, *other);
                self.edit(id, *other, |book, peer| book.confirm(&peer).is_ok());
            }
            Command::Block(other) => {
                let done = self.edit(id, *other, |book, peer| book.block(&peer).is_ok());
                if done {
                    self.model.block(id, *other);
                }
            }
            Command::Unblock(other) => {
                self.model.unblock(id, *other);
                self.edit(id, *other, |book, peer| book.unblock(&peer).is_ok());
            }
            Command::Remove(other) => {
                let done = self.edit(id, *other, |book, peer| book.remove(&peer).is_ok());
                if done {
                    self.model.remove(id, *other);
                }
            }
            _ => {}
        }
        self.settle(id);
    }

    /// Has somebody do something later.
    pub fn command_at(&mut self, at: kith_core::time::Time, id: NodeId, command: Command) {
        self.schedule(at, Event::Command(id, command));
    }

    fn invite(&mut self, id: NodeId, options: kith_core::peer::InviteOptions) {
        let now = self.now;
        let node = &mut self.nodes[id.0];
        let local = node.local(now);
        let made = node
            .machine
            .as_mut()
            .and_then(|machine| machine.create_invite(local, options).ok());
        let number = self.model.invite(id, options.reusable);
        if let Some(invite) = &made {
            self.model.name(number, invite.id());
        }
        self.invites.push(made);
        self.settle(id);
        if !self.nodes[id.0].is_up() {
            // Nobody is shown an invite that is not durable.
            self.invites[number] = None;
        }
    }

    fn accept(&mut self, id: NodeId, number: usize) {
        let now = self.now;
        let Some(Some(invite)) = self.invites.get(number).cloned() else {
            return;
        };
        let node = &mut self.nodes[id.0];
        let local = node.local(now);
        let Some(machine) = &mut node.machine else {
            return;
        };
        let may = self.model.may_accept(id, number) && !invite.is_expired(local);
        match machine.accept_invite(local, &invite, None) {
            Ok(_) if may => {
                node.accepting = Some(number);
                self.model.accept(id, number);
            }
            Err(_) if !may => {}
            done => {
                let done = done.map(|_| ());
                self.break_rule(
                    "invites",
                    format!("node {} accepts invite {number}: {done:?}", id.0),
                );
            }
        }
    }

    fn edit(
        &mut self,
        id: NodeId,
        other: NodeId,
        change: impl FnOnce(&mut kith_core::identity::Book<crate::scheme::SimScheme>, PeerId) -> bool,
    ) -> bool {
        let peer = self.nodes[other.0].peer;
        let now = self.now;
        let node = &mut self.nodes[id.0];
        let local = node.local(now);
        let Some(machine) = &mut node.machine else {
            return false;
        };
        machine.edit_book(local, |book| change(book, peer))
    }

    /// Compares what a node's book says with what the model expects.
    pub(super) fn observe_book(&mut self, id: NodeId) {
        let Some(machine) = &self.nodes[id.0].machine else {
            return;
        };
        let mut says: BTreeMap<NodeId, Standing> = self
            .model
            .views_of(id)
            .map(|(other, _)| (other, Standing::Stranger))
            .collect();
        says.extend(machine.book().contacts().filter_map(|contact| {
            let other = *self.peers.get(&contact.peer)?;
            Some((other, contact.standing()))
        }));
        let kept: BTreeSet<InviteId> = (machine.book().contacts())
            .flat_map(|contact| {
                let waiting = machine.book().waiting(&contact.peer).iter();
                let shared = contact.reach.iter().map(|reach| reach.invite);
                waiting.map(|it| it.invite.id()).chain(shared)
            })
            .collect();
        let node = &mut self.nodes[id.0];
        let (interrupted, accepting) =
            (std::mem::take(&mut node.interrupted), node.accepting.take());
        if let Some(invite) = accepting.filter(|_| interrupted) {
            self.model.lose(id, invite, &kept);
        }
        for (other, standing) in says {
            let seen = self.model.observe(id, other, standing);
            if interrupted {
                self.model.adopt(id, other, standing);
            } else if let Err(what) = seen {
                self.break_rule("book", what);
            }
        }
    }

    /// Cuts or heals the way between two nodes over the internet.
    pub fn cut(&mut self, a: NodeId, b: NodeId, is_cut: bool) {
        let pair = (a.min(b), a.max(b));
        if is_cut {
            self.network.cuts.insert(pair);
        } else {
            self.network.cuts.remove(&pair);
        }
        self.note(format_args!("{} and {} cut: {is_cut}", a.0, b.0));
        self.review_links();
        self.review_routes();
    }

    /// Takes a node's internet away, or gives it back.
    pub fn take_offline(&mut self, node: NodeId, is_offline: bool) {
        if is_offline {
            self.network.offline.insert(node);
        } else {
            self.network.offline.remove(&node);
        }
        self.note(format_args!("{} offline: {is_offline}", node.0));
        self.review_links();
        self.review_routes();
    }
}
