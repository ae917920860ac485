//! No session stands with a blocked peer, with a stranger by a contact's name, or with a device that is not the peer's.

use kith_core::identity::Standing;
use kith_core::routing::Level;

use super::view::{Checker, Fact, View};
use crate::node::Node;

/// The rule.
#[derive(Clone, Copy, Debug)]
pub struct Sessions;

impl Checker for Sessions {
    fn name(&self) -> &'static str {
        "sessions"
    }

    fn after_step(&mut self, view: View<'_>) -> Result<(), String> {
        for fact in view.facts {
            let Fact::Up(node, session) = fact else {
                continue;
            };
            let owner = view.owner(session.remote);
            let owner = owner.map(|(owner, _)| view.nodes[owner.0].peer);
            if session.peer.is_some() && session.peer != owner {
                return Err(format!(
                    "node {} takes the device of one for another's",
                    node.0
                ));
            }
        }
        for node in view.touched {
            look_at(&view.nodes[node.0])?;
        }
        Ok(())
    }
}

/// Whether every session of a node fits what its address book says.
fn look_at(node: &Node) -> Result<(), String> {
    let Some(machine) = &node.machine else {
        return Ok(());
    };
    for session in node.sessions.values() {
        let Some(peer) = session.peer else { continue };
        let standing = machine.book().standing(&peer);
        let fits = match session.level {
            Level::Contact => standing == Standing::Confirmed,
            Level::Guest => standing == Standing::Pending,
            Level::Stranger => false,
        };
        if !fits {
            return Err(format!(
                "node {} has a session of level {:?} with a peer that is {standing:?}",
                node.id.0, session.level
            ));
        }
    }
    Ok(())
}
