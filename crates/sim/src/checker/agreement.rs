//! Both sides agree who is a contact.
//!
//! After each step, whatever is still on its way: whoever shares a secret with somebody does so by an invite that one of the two
//! made and the other accepted; two who mean the same invite have the same secret; and whoever *knows* that the other has
//! it in its book is right, or the other's owner has shut it out since. So nobody is told more than the other side keeps,
//! not even by one whose power fails between its word and its disk.
//!
//! That both have each other, and both know it, cannot hold after each step: word of it takes time, days through a mailbox.
//! At rest it does: whoever holds an invite that nobody else used is known to its maker, both find each other by the same
//! secret, both know so, and a session stands where both keep sessions up.

use kith_core::identity::contact::{Contact, Reach, Standing};

use super::view::{Checker, View};
use crate::model::Model;
use crate::node::Node;

/// The rule.
#[derive(Clone, Copy, Debug)]
pub struct Agreement;

impl Checker for Agreement {
    fn name(&self) -> &'static str {
        "agreement"
    }

    fn after_step(&mut self, view: View<'_>) -> Result<(), String> {
        for id in view.touched {
            let touched = &view.nodes[id.0];
            for (other, _) in view.model.views_of(*id) {
                let other = &view.nodes[other.0];
                look_at(view.model, touched, other)?;
                look_at(view.model, other, touched)?;
            }
        }
        Ok(())
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
                let b = &view.nodes[other.0];
                let in_vain = waits_in_vain(view.model, a, b) || waits_in_vain(view.model, b, a);
                if met(view.model.view(other, a.id)) && !in_vain {
                    agree(a, b)?;
                }
            }
        }
        Ok(())
    }
}

/// Whether what `holder` shares with `maker` is by an invite that opens nothing for it, of which it was not told: no session stands.
fn waits_in_vain(model: &Model, holder: &Node, maker: &Node) -> bool {
    let mut sessions = holder.sessions.values();
    let is_told = sessions.any(|session| session.peer == Some(maker.peer));
    let shared = contact(holder, maker).and_then(|of| of.reach.as_ref());
    !is_told && shared.is_some_and(|it| model.waits_in_vain(holder.id, maker.id, it.invite))
}

/// Whether what `a` takes for agreed with `b` is, by what `b` did.
fn look_at(model: &Model, a: &Node, b: &Node) -> Result<(), String> {
    let names = format_args!("node {} and node {}", a.id.0, b.id.0);
    let Some(of) = contact(a, b) else {
        return Ok(());
    };
    let Some(reach) = &of.reach else {
        return Ok(());
    };
    if !model.is_between(reach.invite, a.id, b.id) {
        return Err(format!("{names} share a secret by no invite between them"));
    }
    let back = contact(b, a).and_then(|back| back.reach.as_ref());
    let is_same = |back: &&Reach| (back.invite, back.at) == (reach.invite, reach.at);
    if (back.filter(is_same)).is_some_and(|back| back.secret != reach.secret) {
        return Err(format!("{names} made two secrets of one invite"));
    }
    // What became of it is seen when the power is back, and is looked at then.
    let is_known = !b.interrupted;
    if of.mutual && is_known && !model.has_taken(b.id, a.id) {
        return Err(format!(
            "{names}: the first is sure of the other, which never took it in"
        ));
    }
    Ok(())
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

    /// What is said of the world of [`met`] if this is what people had done.
    fn looked(model: &Model) -> Result<(), String> {
        let world = met();
        Agreement.after_step(View {
            model,
            touched: &[ADA],
            ..world.view()
        })
    }

    /// People who did what the books of [`met`] say, but with `maker` for the maker of the invite.
    fn model(maker: crate::event::NodeId, holder: crate::event::NodeId) -> Model {
        let world = met();
        let contact = contact(&world.nodes[ADA.0], &world.nodes[BO.0]).expect("they met");
        let mut model = Model::default();
        let invite = model.invite(maker, false);
        model.name(invite, contact.reach.as_ref().expect("shared").invite);
        model.accept(holder, invite);
        model
    }

    #[test]
    fn a_secret_by_nobodys_invite_is_found() {
        let mut stranger = Model::default();
        stranger.adopt(ADA, BO, Standing::Confirmed);
        assert!(looked(&stranger).is_err_and(|what| what.contains("no invite")));
    }

    #[test]
    fn whoever_is_sure_of_one_that_never_took_it_in_is_found() {
        let mut met = model(ADA, BO);
        met.adopt(ADA, BO, Standing::Confirmed);
        assert_eq!(looked(&met), Ok(()));
        met.block(BO, ADA);
        assert_eq!(looked(&met), Ok(()), "shut out since");
        let one_sided = model(BO, ADA);
        assert!(looked(&one_sided).is_err_and(|what| what.contains("never took")));
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
