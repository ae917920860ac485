//! No session stands with a blocked peer, with a stranger by a contact's name, or with a device that is not the peer's; and nobody is
//! said to be reached at a device that is not theirs, whatever an invite says.

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
            let (node, peer, device) = match fact {
                Fact::Up(node, session) => (node, session.peer, session.remote),
                Fact::Preferred(node, peer, device) => (node, Some(*peer), *device),
                _ => continue,
            };
            let owner = view.owner(device);
            let owner = owner.map(|(owner, _)| view.nodes[owner.0].peer);
            if peer.is_some() && peer != owner {
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

#[cfg(test)]
mod tests {
    use kith_core::ids::DeviceKey;

    use super::*;
    use crate::checker::fixture::{ADA, BO, contact_face, met, session};

    #[test]
    fn a_session_with_a_blocked_peer_is_found() {
        let mut world = met();
        let touched = [ADA];
        assert!(
            Sessions
                .after_step(View {
                    touched: &touched,
                    ..world.view()
                })
                .is_ok()
        );
        let bo = world.nodes[BO.0].peer;
        let now = world.now();
        let machine = world.nodes[ADA.0].machine.as_mut().expect("it runs");
        machine
            .edit_book(now, |book| book.block(&bo))
            .expect("known");
        let found = Sessions.after_step(View {
            touched: &touched,
            ..world.view()
        });
        assert!(found.is_err_and(|what| what.contains("Blocked")));
    }

    #[test]
    fn a_device_taken_for_another_ones_is_found() {
        let world = met();
        let (ada, bo) = (world.nodes[ADA.0].peer, world.nodes[BO.0].peer);
        let device = contact_face(&world, BO);
        let looked = |peer| {
            let facts = [Fact::Up(ADA, session(peer, device))];
            Sessions.after_step(View {
                facts: &facts,
                ..world.view()
            })
        };
        assert!(looked(bo).is_ok());
        assert!(looked(ada).is_err());
    }

    #[test]
    fn somebody_who_is_reached_at_another_ones_device_is_found() {
        let world = met();
        let (ada, bo) = (world.nodes[ADA.0].peer, world.nodes[BO.0].peer);
        let looked = |peer, device| {
            let facts = [Fact::Preferred(ADA, peer, device)];
            Sessions.after_step(View {
                facts: &facts,
                ..world.view()
            })
        };
        assert!(looked(bo, contact_face(&world, BO)).is_ok());
        assert!(looked(ada, contact_face(&world, BO)).is_err());
        assert!(looked(bo, DeviceKey([7; 32])).is_err(), "nobody's");
    }
}
