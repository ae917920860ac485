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
        for a in view.nodes {
            for b in view.nodes {
                let names = (a.id.0, b.id.0);
                let of = view.model.view(a.id, b.id);
                if view.model.is_owed(a.id, b.id) && of == Standing::Stranger {
                    return Err(format!(
                        "node {} never heard that node {} accepted its invite",
                        names.0, names.1
                    ));
                }
                let back = view.model.view(b.id, a.id);
                let met = |standing| matches!(standing, Standing::Confirmed | Standing::Pending);
                let in_vain =
                    view.model.waits_in_vain(a.id, b.id) || view.model.waits_in_vain(b.id, a.id);
                if a.id < b.id && met(of) && met(back) && !in_vain {
                    agree(a, b)?;
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
