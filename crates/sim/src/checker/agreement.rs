//! Both sides agree who is a contact. At rest, whoever holds an invite that nobody else used is known to its maker, both
//! find each other by the same secret, both know so, and a session stands where both keep sessions up.

use kith_core::identity::{Contact, Standing};

use super::view::{Checker, View};
use crate::node::Node;

/// The rule.
#[derive(Clone, Copy, Debug)]
pub struct Agreement;

impl Checker for Agreement {
    fn name(&self) -> &'static str {
        "agreement"
    }

    fn at_rest(&mut self, view: View<'_>) -> Result<(), String> {
        for invite in view.model.invites() {
            for holder in &invite.holders {
                let maker = invite.maker;
                if view.model.is_owed(maker, *holder)
                    && view.model.view(maker, *holder) == Standing::Stranger
                {
                    return Err(format!(
                        "node {} never heard that node {} accepted its invite",
                        maker.0, holder.0
                    ));
                }
            }
        }
        let met = |standing| matches!(standing, Standing::Confirmed | Standing::Pending);
        for a in view.nodes {
            let met_by_a = view.model.views_of(a.id).filter(|(_, of)| met(*of));
            for (other, _) in met_by_a.filter(|(other, _)| a.id < *other) {
                let in_vain =
                    view.model.waits_in_vain(a.id, other) || view.model.waits_in_vain(other, a.id);
                if met(view.model.view(other, a.id)) && !in_vain {
                    agree(a, &view.nodes[other.0])?;
                }
            }
        }
        Ok(())
    }
}

/// Whether two who both have the other in their book mean the same by it.
fn agree(a: &Node, b: &Node) -> Result<(), String> {
    let names = format!("nodes {} and {}", a.id.0, b.id.0);
    let (Some(of), Some(back)) = (contact(a, b), contact(b, a)) else {
        return Err(format!("{names} lost each other"));
    };
    if of.reach != back.reach {
        return Err(format!("{names} do not share one reach secret"));
    }
    let both = |wanted| of.standing() == wanted && back.standing() == wanted;
    let keep = a.person.keeps_sessions && b.person.keeps_sessions;
    if keep && (!of.mutual || !back.mutual) {
        return Err(format!("{names} do not know that they know each other"));
    }
    if both(Standing::Confirmed) && keep {
        for (one, other) in [(a, b), (b, a)] {
            let peer = Some(other.peer);
            if !one.sessions.values().any(|session| session.peer == peer) {
                return Err(format!(
                    "node {} has no session with node {}",
                    one.id.0, other.id.0
                ));
            }
        }
    }
    Ok(())
}

fn contact<'a>(node: &'a Node, other: &Node) -> Option<&'a Contact> {
    node.machine.as_ref()?.book().contact(&other.peer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checker::fixture::{ADA, BO, met};
    use crate::model::Model;
    use crate::world::World;

    fn found(world: &World) -> String {
        let looked = Agreement.at_rest(world.view());
        looked.expect_err("the rule is broken")
    }

    #[test]
    fn a_contact_that_one_side_lost_is_found() {
        let mut world = met();
        let (bo, now) = (world.nodes[BO.0].peer, world.now());
        let machine = world.nodes[ADA.0].machine.as_mut().expect("it runs");
        machine
            .edit_book(now, |book| book.remove(&bo))
            .expect("known");
        assert!(found(&world).contains("lost each other"));
    }

    #[test]
    fn a_missing_session_is_found() {
        let mut world = met();
        world.nodes[BO.0].sessions.clear();
        assert!(found(&world).contains("no session"));
    }

    #[test]
    fn a_maker_who_never_heard_is_found() {
        let world = met();
        let mut model = Model::default();
        let invite = model.invite(ADA, false);
        model.accept(BO, invite);
        let view = View {
            model: &model,
            ..world.view()
        };
        let looked = Agreement.at_rest(view);
        assert!(looked.is_err_and(|what| what.contains("never heard")));
    }
}
