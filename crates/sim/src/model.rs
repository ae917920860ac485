//! The reference model: a few lines that say who may be what to whom, beside ten thousand that make it so.
//!
//! It knows what people did (made, accepted, confirmed, blocked, removed), and nothing of sessions, records or time. From
//! that follows what each address book may say of each peer; what it says otherwise is a bug on one of the two sides.

use std::collections::{BTreeMap, BTreeSet};

use kith_core::identity::Standing;
use kith_core::ids::InviteId;

use crate::event::NodeId;

/// An invite, and who has done what with it.
#[derive(Clone, Debug)]
pub struct ModelInvite {
    /// Who made it.
    pub maker: NodeId,
    /// Whether more than one may use it.
    pub reusable: bool,
    /// Who accepted it and may still show it.
    pub holders: BTreeSet<NodeId>,
    /// Who ever accepted it.
    pub accepted: BTreeSet<NodeId>,
    /// Who accepted it and then blocked or removed its maker, or whose power failed meanwhile: their book does not have it, and a reply
    /// may be on its way or not.
    pub given_up: BTreeSet<NodeId>,
    /// Who was let in by it, or could have been, and was shut out since: may come again, but nobody owes them anything.
    pub turned_away: BTreeSet<NodeId>,
    /// Who used it up.
    pub burned_by: Option<NodeId>,
    /// Who used it up, gave it up and accepted it again: its maker reads no replies to it any more, and hears of it in a session only.
    pub again: BTreeSet<NodeId>,
}

/// What people did.
#[derive(Clone, Debug, Default)]
pub struct Model {
    invites: Vec<ModelInvite>,
    names: BTreeMap<InviteId, usize>,
    views: BTreeMap<(NodeId, NodeId), Standing>,
    /// Who shut out whom, and has not taken them in again.
    shut: BTreeSet<(NodeId, NodeId)>,
    /// What somebody took the maker of an invite for before accepting it, and whether they had shut them out: what they go
    /// back to where the maker says that it is not taken.
    before: BTreeSet<(NodeId, NodeId, Standing, bool)>,
}

impl Model {
    /// Somebody makes an invite; gives its number.
    pub fn invite(&mut self, maker: NodeId, reusable: bool) -> usize {
        self.invites.push(ModelInvite {
            maker,
            reusable,
            holders: BTreeSet::new(),
            accepted: BTreeSet::new(),
            given_up: BTreeSet::new(),
            turned_away: BTreeSet::new(),
            burned_by: None,
            again: BTreeSet::new(),
        });
        self.invites.len() - 1
    }

    /// Somebody writes an invite in the name of another; gives its number. It opens nothing for anybody, like one that is used up.
    pub fn forge(&mut self, by: NodeId, named: NodeId) -> usize {
        let number = self.invite(named, false);
        self.invites[number].burned_by = Some(by);
        number
    }

    /// The invite of this number goes by this name.
    pub fn name(&mut self, invite: usize, name: InviteId) {
        self.names.insert(name, invite);
    }

    /// Whether one of two made the invite of this name and the other accepted it.
    pub fn is_between(&self, name: InviteId, a: NodeId, b: NodeId) -> bool {
        let invite = self.names.get(&name).map(|number| &self.invites[*number]);
        invite.is_some_and(|it| {
            (it.maker == a && it.accepted.contains(&b))
                || (it.maker == b && it.accepted.contains(&a))
        })
    }

    /// Whether `node` has taken `other` in: it has it in its book, or its owner shut it out again.
    pub fn has_taken(&self, node: NodeId, other: NodeId) -> bool {
        is_met(self.view(node, other)) || self.shut.contains(&(node, other))
    }

    /// All invites.
    pub fn invites(&self) -> &[ModelInvite] {
        &self.invites
    }

    /// Whether `node` may accept an invite, expiry aside.
    pub fn may_accept(&self, node: NodeId, invite: usize) -> bool {
        let maker = self.invites[invite].maker;
        maker != node && self.view(node, maker) != Standing::Blocked
    }

    /// Somebody has accepted an invite.
    pub fn accept(&mut self, node: NodeId, invite: usize) {
        let invite = &mut self.invites[invite];
        invite.accepted.insert(node);
        let was_given_up = invite.given_up.remove(&node);
        if was_given_up && invite.burned_by == Some(node) {
            invite.again.insert(node);
        }
        if invite.burned_by.is_none() {
            invite.holders.insert(node);
        }
        let maker = invite.maker;
        let (was, was_shut) = (self.view(node, maker), self.shut.contains(&(node, maker)));
        self.before.insert((node, maker, was, was_shut));
        self.set(node, maker, Standing::Confirmed);
    }

    /// Somebody lets a pending contact in.
    pub fn confirm(&mut self, node: NodeId, other: NodeId) {
        if self.view(node, other) == Standing::Pending {
            self.set(node, other, Standing::Confirmed);
        }
    }

    /// Somebody blocks a contact: what it held opens nothing any more.
    pub fn block(&mut self, node: NodeId, other: NodeId) {
        self.set(node, other, Standing::Blocked);
        self.shut_out(node, other);
        self.give_up(node, other);
    }

    /// Somebody ends a block: a stranger with a name.
    pub fn unblock(&mut self, node: NodeId, other: NodeId) {
        if self.view(node, other) == Standing::Blocked {
            self.set(node, other, Standing::Stranger);
        }
    }

    /// Somebody removes a contact.
    pub fn remove(&mut self, node: NodeId, other: NodeId) {
        self.set(node, other, Standing::Stranger);
        self.shut_out(node, other);
        self.give_up(node, other);
    }

    /// Everybody of whom `node` may have an opinion, and it.
    pub fn views_of(&self, node: NodeId) -> impl Iterator<Item = (NodeId, Standing)> {
        let all = (node, NodeId(0))..=(node, NodeId(usize::MAX));
        self.views
            .range(all)
            .map(|((_, other), standing)| (*other, *standing))
    }

    /// What `node` takes `other` for.
    pub fn view(&self, node: NodeId, other: NodeId) -> Standing {
        let view = self.views.get(&(node, other));
        view.copied().unwrap_or(Standing::Stranger)
    }

    /// A book says that an invite is used up, which counts where its holder may use it.
    pub fn burn(&mut self, name: &InviteId, by: NodeId) {
        let Some(number) = self.names.get(name) else {
            return;
        };
        let invite = &mut self.invites[*number];
        if invite.holders.contains(&by) {
            invite.burned_by.get_or_insert(by);
        }
    }

    /// Takes note of what an address book says.
    ///
    /// # Errors
    /// What it must not say, in words.
    pub fn observe(
        &mut self,
        node: NodeId,
        other: NodeId,
        standing: Standing,
    ) -> Result<(), String> {
        let before = self.view(node, other);
        if before == standing || self.goes_back(node, other, standing) {
            return Ok(());
        }
        let is_admission = matches!(
            (before, standing),
            (Standing::Stranger, Standing::Pending | Standing::Confirmed)
                | (Standing::Pending, Standing::Confirmed)
        );
        let reusable = standing == Standing::Pending;
        let tickets = self.invites.iter_mut().filter(|invite| {
            is_admission
                && invite.maker == node
                && invite.reusable == reusable
                && invite.holders.contains(&other)
                && invite.burned_by.is_none_or(|by| by == other)
        });
        // What their book says to have burned is told apart from what they hold besides.
        let ticket = tickets.max_by_key(|invite| invite.burned_by.is_some());
        let Some(ticket) = ticket else {
            return Err(format!(
                "node {} takes node {} for {standing:?}, was {before:?}, and no invite explains it",
                node.0, other.0
            ));
        };
        if !ticket.reusable {
            ticket.burned_by = Some(other);
        }
        self.set(node, other, standing);
        Ok(())
    }

    /// Whether `node` takes `other` again for what it did before it accepted an invite of theirs. Whoever had not shut them out
    /// then has not now either: should `other` be sure of `node`, by that very invite, it was wrong to give it up.
    fn goes_back(&mut self, node: NodeId, other: NodeId, standing: Standing) -> bool {
        let was = |was_shut| self.before.contains(&(node, other, standing, was_shut));
        let (was_shut, was_not) = (was(true), was(false));
        if was_shut || was_not {
            self.views.insert((node, other), standing);
        }
        if was_shut {
            self.shut.insert((node, other));
        }
        was_shut || was_not
    }

    /// Takes over what a book says after the power failed while its owner changed it: done or not done, both are right.
    pub fn adopt(&mut self, node: NodeId, other: NodeId, standing: Standing) {
        self.set(node, other, standing);
        if standing == Standing::Stranger {
            for invite in self.invites.iter_mut().filter(|it| it.maker == other) {
                invite.holders.remove(&node);
            }
        }
        if matches!(standing, Standing::Stranger | Standing::Blocked) {
            self.give_up(node, other);
        }
    }

    /// The power failed while the owner of `node` accepted an invite, and its book has `kept` these: that one may be lost, and no other.
    pub fn lose(&mut self, node: NodeId, invite: usize, kept: &BTreeSet<InviteId>) {
        let is_kept =
            (self.names.iter()).any(|(name, number)| *number == invite && kept.contains(name));
        if !is_kept {
            self.invites[invite].given_up.insert(node);
        }
    }

    /// Whether `node` is to end up with `other` in its book because `other` holds an invite of its.
    pub fn is_owed(&self, node: NodeId, other: NodeId) -> bool {
        self.view(node, other) != Standing::Blocked
            && self.invites.iter().any(|invite| {
                invite.maker == node
                    && invite.holders.contains(&other)
                    && !invite.given_up.contains(&other)
                    && !invite.turned_away.contains(&other)
                    && invite.burned_by.is_none_or(|by| by == other)
                    && (invite.reusable || invite.holders.len() == 1)
            })
    }

    /// Whether `holder` waits in vain for `maker`: what it takes for shared is by this invite of theirs, which somebody else used up,
    /// from which it was shut out, or that it used up itself and takes again. So it is until the invite expires, until a session in which the maker says that it is not
    /// taken, or until both meet by another.
    pub fn waits_in_vain(&self, holder: NodeId, maker: NodeId, shared: InviteId) -> bool {
        let invite = self.names.get(&shared).map(|number| &self.invites[*number]);
        invite.is_some_and(|invite| {
            let lost = invite.burned_by.is_some_and(|by| by != holder);
            invite.maker == maker
                && invite.accepted.contains(&holder)
                && (lost || invite.turned_away.contains(&holder) || invite.again.contains(&holder))
        })
    }

    /// Has `node` take `other` for something else, and remembers whether that ends what was between them.
    fn set(&mut self, node: NodeId, other: NodeId, standing: Standing) {
        let before = self.views.insert((node, other), standing);
        if is_met(standing) {
            self.shut.remove(&(node, other));
        } else if before.is_some_and(is_met) {
            self.shut.insert((node, other));
        }
    }

    /// `node` forgets the invites of `maker` that it accepted.
    fn give_up(&mut self, node: NodeId, maker: NodeId) {
        let theirs = self.invites.iter_mut().filter(|it| it.maker == maker);
        for invite in theirs.filter(|it| it.accepted.contains(&node)) {
            invite.given_up.insert(node);
        }
    }

    fn shut_out(&mut self, node: NodeId, other: NodeId) {
        let made = self.invites.iter_mut().filter(|it| it.maker == node);
        for invite in made {
            // One that is open opens nothing for them either that they accept only later.
            if invite.holders.remove(&other) || invite.burned_by.is_none() {
                invite.turned_away.insert(other);
            }
        }
    }
}

/// Whether it is that of somebody in the book.
fn is_met(standing: Standing) -> bool {
    matches!(standing, Standing::Confirmed | Standing::Pending)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: NodeId = NodeId(1);
    const BO: NodeId = NodeId(2);
    const CY: NodeId = NodeId(3);

    #[test]
    fn a_burned_invite_explains_nobody_else() {
        let mut model = Model::default();
        let (invite, name) = (model.invite(ADA, false), InviteId([1; 16]));
        model.name(invite, name);
        model.accept(BO, invite);
        model.accept(CY, invite);
        assert_eq!(model.observe(ADA, BO, Standing::Confirmed), Ok(()));
        assert!(model.observe(ADA, CY, Standing::Confirmed).is_err());
        assert!(model.waits_in_vain(CY, ADA, name) && !model.waits_in_vain(BO, ADA, name));
        let other = model.invite(ADA, false);
        model.name(other, InviteId([2; 16]));
        model.accept(CY, other);
        assert!(
            !model.waits_in_vain(CY, ADA, InviteId([2; 16])),
            "not by that"
        );
    }

    #[test]
    fn an_invite_that_another_wrote_explains_nobody() {
        let mut model = Model::default();
        let (forged, name) = (model.forge(CY, ADA), InviteId([1; 16]));
        model.name(forged, name);
        model.accept(BO, forged);
        assert_eq!(model.view(BO, ADA), Standing::Confirmed);
        assert!(!model.is_owed(ADA, BO) && model.waits_in_vain(BO, ADA, name));
        assert!(model.observe(ADA, BO, Standing::Confirmed).is_err());
    }

    #[test]
    fn whoever_removed_the_maker_of_an_invite_and_takes_it_again_may_wait_for_a_session() {
        let mut model = Model::default();
        let (invite, name) = (model.invite(ADA, false), InviteId([1; 16]));
        model.name(invite, name);
        model.accept(BO, invite);
        assert_eq!(model.observe(ADA, BO, Standing::Confirmed), Ok(()));
        model.accept(BO, invite);
        assert!(!model.waits_in_vain(BO, ADA, name), "they never parted");
        model.remove(BO, ADA);
        model.accept(BO, invite);
        assert!(model.waits_in_vain(BO, ADA, name));
    }

    #[test]
    fn whoever_blocks_the_maker_of_an_invite_has_forgotten_it() {
        let mut model = Model::default();
        let invite = model.invite(ADA, false);
        model.accept(BO, invite);
        assert!(model.is_owed(ADA, BO));
        model.block(BO, ADA);
        assert!(!model.is_owed(ADA, BO));
        let mut heard = model.clone();
        assert_eq!(
            heard.observe(ADA, BO, Standing::Confirmed),
            Ok(()),
            "by a reply"
        );
        model.unblock(BO, ADA);
        model.accept(BO, invite);
        assert!(model.is_owed(ADA, BO));
    }

    #[test]
    fn nobody_comes_without_an_invite_or_further_than_it_leads() {
        let mut model = Model::default();
        assert!(model.observe(ADA, BO, Standing::Confirmed).is_err());
        let reusable = model.invite(ADA, true);
        model.accept(BO, reusable);
        assert!(model.observe(ADA, BO, Standing::Confirmed).is_err());
        assert_eq!(model.observe(ADA, BO, Standing::Pending), Ok(()));
        model.confirm(ADA, BO);
        assert_eq!(model.observe(ADA, BO, Standing::Confirmed), Ok(()));
    }

    #[test]
    fn whoever_is_refused_takes_the_maker_for_what_they_were_before() {
        let mut model = Model::default();
        let (first, burned) = (model.invite(ADA, false), model.invite(ADA, false));
        assert!(model.observe(BO, ADA, Standing::Pending).is_err());
        model.accept(BO, first);
        model.remove(BO, ADA);
        model.accept(BO, burned);
        assert_eq!(model.observe(BO, ADA, Standing::Stranger), Ok(()));
        assert!(model.has_taken(BO, ADA), "and shut her out before");
        model.accept(CY, burned);
        assert!(model.observe(CY, ADA, Standing::Pending).is_err());
        assert_eq!(model.observe(CY, ADA, Standing::Stranger), Ok(()));
        assert!(!model.has_taken(CY, ADA));
    }

    #[test]
    fn whoever_was_shut_out_comes_back_by_no_old_invite() {
        let mut model = Model::default();
        let reusable = model.invite(ADA, true);
        model.accept(BO, reusable);
        assert_eq!(model.observe(ADA, BO, Standing::Pending), Ok(()));
        let other = model.invite(ADA, true);
        model.remove(ADA, BO);
        assert!(model.observe(ADA, BO, Standing::Pending).is_err());
        assert!(!model.is_owed(ADA, BO));
        model.accept(BO, other);
        assert!(!model.is_owed(ADA, BO), "it was about when he was shut out");
    }

    #[test]
    fn whoever_was_shut_out_was_taken_in_before() {
        let mut model = Model::default();
        let invite = model.invite(ADA, false);
        model.name(invite, InviteId([1; 16]));
        assert!(!model.is_between(InviteId([1; 16]), ADA, BO));
        model.accept(BO, invite);
        assert!(model.is_between(InviteId([1; 16]), BO, ADA));
        assert!(model.has_taken(BO, ADA) && !model.has_taken(ADA, BO));
        model.block(BO, ADA);
        model.unblock(BO, ADA);
        assert!(model.has_taken(BO, ADA), "and shut it out");
    }
}
