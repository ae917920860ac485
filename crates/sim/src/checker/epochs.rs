//! No stale epoch is accepted: a session that comes up is with the newest device its node knows of.

use super::view::{Checker, Fact, View};

/// The rule.
#[derive(Clone, Copy, Debug)]
pub struct Epochs;

impl Checker for Epochs {
    fn name(&self) -> &'static str {
        "epochs"
    }

    fn after_step(&mut self, view: View<'_>) -> Result<(), String> {
        for fact in view.facts {
            let Fact::Up(node, session) = fact else {
                continue;
            };
            let (Some(peer), Some((_, face))) = (session.peer, view.owner(session.remote)) else {
                continue;
            };
            let machine = view.nodes[node.0].machine.as_ref();
            // Who was given up in this very step, because an invite of theirs is refused, is known no more.
            let Some(contact) = machine.and_then(|machine| machine.book().contact(&peer)) else {
                continue;
            };
            let newest = contact.epochs.iter().find(|seen| seen.face == face);
            if newest.is_none_or(|seen| seen.device != session.remote) {
                return Err(format!(
                    "node {} has a session with a device that was revoked",
                    node.0
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use kith_core::ids::{DeviceKey, Face};

    use super::*;
    use crate::checker::fixture::{ADA, BO, contact_face, met, session};

    #[test]
    fn a_session_with_an_earlier_key_is_found() {
        let mut world = met();
        let earlier = DeviceKey([7; 32]);
        world.nodes[BO.0].past.insert(earlier, Face::Contact);
        world.network.owners.insert(earlier, BO);
        let bo = world.nodes[BO.0].peer;
        let looked = |device| {
            let facts = [Fact::Up(ADA, session(bo, device))];
            Epochs.after_step(View {
                facts: &facts,
                ..world.view()
            })
        };
        assert!(looked(contact_face(&world, BO)).is_ok());
        assert!(looked(earlier).is_err());
    }
}
