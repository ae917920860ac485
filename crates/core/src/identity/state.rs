//! The address book: whom I know, by which name, how far each is let in, and which invites are about.
//!
//! A machine as all others ([`crate`]): commands are methods that answer at once, and what must be kept or told comes out
//! of [`Book::poll_output`]. Meeting people is in [`super::admission`] and [`super::acceptance`], what is undone of it in [`super::lapse`], changing what is known of
//! them in [`super::commands`].
//!
//! Invariants, which the tests and the simulator check: no two contacts have one name; a burned invite opens nothing,
//! whoever presents it; a blocked peer shares no reach secret with me; an epoch below the newest seen is refused.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use thiserror::Error;

use crate::crypto::{Scheme, SecretKey, derive};
use crate::ids::{Face, InviteId, PeerId};
use crate::introducer::Introducer;
use crate::random::{Random, Seed};
use crate::row::Row;
use crate::text::{TextError, without_scheme};
use crate::time::Time;

use super::config::BookConfig;
use super::contact::{Contact, Reach, Standing};
use super::invite::Invite;
use super::kept_invite::{AcceptedInvite, MadeInvite};
use super::outputs::{Event, Output};
use super::petname::{self, Petname};
use super::reach::ReachSecret;
use super::store::{
    ACCEPTED_KIND, CONTACT_KIND, EPOCH_KIND, Entries, INVITE_KIND, LATEST_KIND, LATEST_MAX,
    RestoreError, Whose,
};

/// The least difference of two times.
const TICK: Duration = Duration::from_millis(1);

/// The address book of one peer.
#[derive(Debug)]
pub struct Book<S> {
    pub(super) config: BookConfig,
    pub(super) scheme: S,
    pub(super) secret: SecretKey,
    pub(super) me: PeerId,
    pub(super) random: Random,
    pub(super) entries: Entries,
    /// Accepted invites that were answered as a stranger's, while others of the same maker were not shown; at most those that wait.
    pub(super) aside: BTreeSet<InviteId>,
    outputs: VecDeque<Output>,
}

/// Why a name leads to nobody.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FindError {
    /// No contact has this petname.
    #[error("nobody in the address book is called {0:?}")]
    NoSuchName(String),
    /// It begins as a peer id does, but is none.
    #[error(transparent)]
    Text(#[from] TextError),
}

impl<S: Scheme> Book<S> {
    /// The kinds of rows a book keeps, and wants back from [`Book::restore`].
    pub const KINDS: [&'static str; 5] = [
        CONTACT_KIND,
        INVITE_KIND,
        ACCEPTED_KIND,
        EPOCH_KIND,
        LATEST_KIND,
    ];

    /// An empty book of the owner of `secret`.
    pub fn new(config: BookConfig, scheme: S, seed: Seed, secret: SecretKey) -> Self {
        Self {
            config,
            scheme,
            me: secret.peer_id(),
            secret,
            random: Random::new(seed),
            entries: Entries::default(),
            aside: BTreeSet::new(),
            outputs: VecDeque::new(),
        }
    }

    /// The book that kept these rows. The seed must be a fresh one: secrets of invites follow from it.
    ///
    /// # Errors
    /// [`RestoreError`] for the first row that this version did not write.
    pub fn restore(
        config: BookConfig,
        scheme: S,
        seed: Seed,
        secret: SecretKey,
        rows: impl IntoIterator<Item = Row>,
    ) -> Result<Self, RestoreError> {
        Ok(Self {
            entries: Entries::restore(rows)?,
            ..Self::new(config, scheme, seed, secret)
        })
    }

    /// What to do next; call until `None`. Rows between two `None` belong into one transaction.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Book::handle_timeout`] has something to do: the next invite expires.
    pub fn poll_timeout(&self) -> Option<Time> {
        let made = self.entries.invites.values().map(|made| &made.invite);
        let accepted = self.entries.accepted.values().flat_map(|of| &of.waiting);
        let accepted = accepted.map(|kept| &kept.invite);
        made.chain(accepted).map(|invite| invite.expires).min()
    }

    /// Forgets invites that expired by `now`.
    pub fn handle_timeout(&mut self, now: Time) {
        let expired: Vec<InviteId> = self
            .entries
            .invites
            .iter()
            .filter(|(_, made)| made.invite.is_expired(now))
            .map(|(id, _)| *id)
            .collect();
        for id in expired {
            self.forget_invite(&id);
        }
        let accepted = self.entries.accepted.values().flat_map(|of| &of.waiting);
        let lapsed: Vec<(PeerId, InviteId)> = accepted
            .filter(|accepted| accepted.invite.is_expired(now))
            .map(|accepted| (accepted.invite.peer, accepted.invite.id()))
            .collect();
        for (maker, invite) in lapsed {
            self.lapse(&maker, &invite);
        }
    }

    /// Whose book it is.
    pub fn me(&self) -> PeerId {
        self.me
    }

    /// What is known of `peer`.
    pub fn contact(&self, peer: &PeerId) -> Option<&Contact> {
        self.entries.contacts.get(peer)
    }

    /// All contacts, by key.
    pub fn contacts(&self) -> impl Iterator<Item = &Contact> {
        self.entries.contacts.values()
    }

    /// What `peer` is to me: decides what a verified binding opens.
    pub fn standing(&self, peer: &PeerId) -> Standing {
        self.contact(peer)
            .map_or(Standing::Stranger, Contact::standing)
    }

    /// Whom a text names: a petname in any case, or the text form of a key, in the book or not.
    ///
    /// # Errors
    /// [`FindError`] when nobody has the name, or the key has a typo in it.
    pub fn find(&self, text: &str) -> Result<PeerId, FindError> {
        if let Some(peer) = self.entries.names.get(&petname::fold(text)) {
            return Ok(*peer);
        }
        let form = without_scheme(text).to_ascii_lowercase();
        match text.parse::<PeerId>() {
            Ok(peer) => Ok(peer),
            // No petname begins so, hence it was meant as a key.
            Err(error) if form.starts_with("peer1") => Err(error.into()),
            Err(_) => Err(FindError::NoSuchName(text.to_owned())),
        }
    }

    /// The invites I made, those used up among them until they expire.
    pub fn invites(&self) -> impl Iterator<Item = &MadeInvite> {
        self.entries.invites.values()
    }

    /// The invite of this name, if I made it and it is not forgotten.
    pub fn invite(&self, id: &InviteId) -> Option<&MadeInvite> {
        self.entries.invites.get(id)
    }

    /// The invites by `maker` that I accepted, as long as they may not know; the one accepted last first.
    pub fn waiting(&self, maker: &PeerId) -> &[AcceptedInvite] {
        let accepted = self.entries.accepted.get(maker);
        accepted.map_or(&[], |accepted| &accepted.waiting)
    }

    /// What may be shared with `peer` instead of what counts, for only they know which of the invites I accepted they took: one secret of each
    /// that waits, and the one of before. At most [`ACCEPTED_PER_MAKER_MAX`](super::kept_invite::ACCEPTED_PER_MAKER_MAX).
    pub fn alternatives(&self, peer: &PeerId) -> Vec<Reach> {
        let Some(accepted) = self.entries.accepted.get(peer) else {
            return Vec::new();
        };
        let counts = self.contact(peer).and_then(|it| it.reach.as_ref());
        let counts = counts.map(|reach| reach.invite);
        let waiting = accepted.waiting.iter();
        let waiting = waiting
            .filter(|it| Some(it.invite.id()) != counts)
            .filter_map(|it| self.reach(peer, &it.invite, it.at));
        let earlier = accepted.earlier.iter().cloned();
        let earlier = earlier.filter(|reach| Some(reach.invite) != counts);
        waiting.chain(earlier).collect()
    }

    /// Where the maker of an invite that waits would leave their records, having taken it; of one that counted before, where they left them then.
    pub fn introducers_under(&self, maker: &PeerId, invite: &InviteId) -> Option<&[Introducer]> {
        let accepted = self.entries.accepted.get(maker)?;
        let mut waiting = accepted.waiting.iter();
        let waits = waiting.find(|it| it.invite.id() == *invite);
        let by_invite = waits.map(|it| &it.invite.introducers);
        let before = accepted.before.as_ref().map(|it| &it.introducers);
        by_invite.or(before).map(Vec::as_slice)
    }

    /// The one of [`Book::waiting`] whose proof is shown now: the one accepted last, but for those that [`Book::set_aside`] passed over.
    pub fn accepted(&self, maker: &PeerId) -> Option<&AcceptedInvite> {
        let waiting = self.waiting(maker);
        let mut unanswered = waiting.iter();
        let next = unanswered.find(|it| !self.aside.contains(&it.invite.id()));
        next.or_else(|| waiting.first())
    }

    /// The epoch for my next binding of this face and role: above every earlier one, even after a restart and with a
    /// clock that was set back.
    pub fn next_epoch(&mut self, now: Time, face: Face, role: u8) -> u64 {
        let last = self.entries.epochs.get(&(face, role)).copied();
        let epoch = last.map_or(now.0, |last| now.0.max(last.saturating_add(1)));
        self.entries.epochs.insert((face, role), epoch);
        self.store(self.entries.epoch_row((face, role)));
        epoch
    }

    /// Every row of the book: books with equal rows are equal.
    pub fn rows(&self) -> Vec<Row> {
        self.entries.rows()
    }

    /// What is shared with `other` by an invite of either that was accepted `at` this time.
    pub(super) fn reach(&self, other: &PeerId, invite: &Invite, at: Time) -> Option<Reach> {
        let (mine, invite_secret) = (&self.secret, &invite.secret);
        let secret = ReachSecret::between(&self.scheme, mine, other, invite_secret, at)?;
        Some(Reach {
            secret,
            invite: invite.id(),
            at,
        })
    }

    pub(super) fn store(&mut self, row: Row) {
        self.outputs.push_back(Output::Store(row));
    }

    pub(super) fn tell(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    /// As of when an invite of `maker` counts that is accepted now: after all that was ever shared with them, although the clocks of
    /// two may differ and I may have forgotten who they are. Both sides share the secret of the invite accepted last, and the maker goes by
    /// the date they are told (as Lamport's clocks, "Time, Clocks, and the Ordering of Events in a Distributed System", 1978).
    pub(super) fn later_than_shared(&self, now: Time, maker: &PeerId) -> Time {
        let ended = self.entries.latest.get(&self.whose(maker)).copied();
        let later = self.latest_shared(maker).max(ended);
        later.map_or(now, |later| now.max(later + TICK))
    }

    /// Somebody is removed or blocked: the date of what was shared with them outlives it. One for each of them, since one for all, of which
    /// others are told, would tell them that somebody was. An invite of theirs that lapses leaves none.
    pub(super) fn keep_latest(&mut self, peer: &PeerId) {
        let whose = self.whose(peer);
        let Some(latest) = self.latest_shared(peer) else {
            return;
        };
        let kept = self.entries.latest.get(&whose);
        if kept.is_some_and(|kept| *kept >= latest) {
            return;
        }
        self.entries.latest.insert(whose, latest);
        self.store(self.entries.latest_row(&whose));
        if self.entries.latest.len() > LATEST_MAX {
            let earliest = self.entries.latest.iter().min_by_key(|(_, at)| **at);
            if let Some(earliest) = earliest.map(|(whose, _)| *whose) {
                self.entries.latest.remove(&earliest);
                self.store(self.entries.latest_row(&earliest));
            }
        }
    }

    /// What stands for `peer` where nobody else is to read who that is.
    fn whose(&self, peer: &PeerId) -> Whose {
        let parts: [&[u8]; 2] = [self.secret.as_bytes(), peer.as_bytes()];
        let mut whose = Whose::default();
        whose.copy_from_slice(&derive("kith/1 whose date", &parts)[..16]);
        whose
    }

    /// As of when the latest counts of all that is shared with `peer`, should they take the invites that wait.
    fn latest_shared(&self, peer: &PeerId) -> Option<Time> {
        let shared = self.contact(peer).and_then(|known| known.reach.as_ref());
        let accepted = self.entries.accepted.get(peer);
        let earlier = accepted.and_then(|accepted| accepted.earlier.as_ref());
        let shared = shared.into_iter().chain(earlier).map(|reach| reach.at);
        shared
            .chain(self.waiting(peer).iter().map(|it| it.at))
            .max()
    }

    /// What is shared with `peer` whether or not they take the invites of theirs that wait.
    pub(super) fn settled(&self, peer: &PeerId) -> Option<&Reach> {
        match self.entries.accepted.get(peer) {
            Some(accepted) => accepted.earlier.as_ref(),
            None => self.contact(peer)?.reach.as_ref(),
        }
    }

    /// Keeps a contact as it is now, and its name.
    pub(super) fn put_contact(&mut self, contact: Contact) {
        let peer = contact.peer;
        if let Some(before) = self.entries.contacts.get(&peer) {
            self.entries.names.remove(&before.petname.folded());
        }
        self.entries.names.insert(contact.petname.folded(), peer);
        self.entries.contacts.insert(peer, contact);
        self.store(self.entries.contact_row(&peer));
    }

    /// Whether `peer` may be called `name`.
    pub(super) fn is_free(&self, name: &Petname, peer: &PeerId) -> bool {
        self.entries
            .names
            .get(&name.folded())
            .is_none_or(|owner| owner == peer)
    }

    /// The name nearest to `wanted` that `peer` may have.
    pub(super) fn free_name(&self, wanted: Petname, peer: &PeerId) -> Petname {
        if self.is_free(&wanted, peer) {
            return wanted;
        }
        // One of as many different names as there are contacts, and one more, is free.
        (2..=self.entries.names.len() + 2)
            .map(|number| wanted.numbered(number))
            .find(|name| self.is_free(name, peer))
            .expect("more candidates than names taken")
    }

    /// Forgets an invite I made.
    pub(super) fn forget_invite(&mut self, id: &InviteId) {
        if self.entries.invites.remove(id).is_some() {
            self.store(self.entries.invite_row(id));
            self.tell(Event::InviteClosed { invite: *id });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::identity::fixture::{NOW, book, friends, key, restored};

    #[test]
    fn contacts_are_found_by_name_in_any_case_and_by_key() {
        let (book, _) = friends();
        let bo = key(2).peer_id();
        assert_eq!(book.find(" bO "), Ok(bo));
        assert_eq!(book.find(&bo.to_string()), Ok(bo));
        let stranger = key(9).peer_id();
        assert_eq!(book.find(&stranger.to_string()), Ok(stranger));
        assert_eq!(book.find("Cy"), Err(FindError::NoSuchName("Cy".to_owned())));
    }

    #[test]
    fn a_typo_in_a_key_is_said_to_be_one() {
        let (book, _) = friends();
        let mut typo = key(2).peer_id().to_string();
        typo.pop();
        // The last is what a QR code holds.
        for text in [
            typo.clone(),
            format!("kith:{typo}"),
            format!(" KITH:{typo} "),
        ] {
            assert!(
                matches!(book.find(&text), Err(FindError::Text(_))),
                "{text}"
            );
        }
    }

    #[test]
    fn my_epochs_rise_over_restarts_and_clocks_that_go_back() {
        let mut book = book(1);
        let first = book.next_epoch(NOW, Face::Contact, 0);
        let mut again = restored(&book);
        let earlier = NOW - Duration::from_secs(3600);
        let second = again.next_epoch(earlier, Face::Contact, 0);
        assert!(second > first);
        let later = NOW + Duration::from_secs(3600);
        assert_eq!(again.next_epoch(later, Face::Contact, 0), later.0);
        assert_eq!(again.next_epoch(earlier, Face::Public, 0), earlier.0);
    }
}
