//! How two people meet who may never be online together: invites, mailboxes, sealed replies.

use std::time::Duration;

use super::config::{MAILBOX_POLL, MAILBOX_POLL_MAX, REPLY_LIFE};
use super::io::Event;
use super::places::Purpose;
use super::state::Peer;
use crate::crypto::{Scheme, derive};
use crate::discovery::record::{PAYLOAD_BYTES_MAX, Slot, Terms};
use crate::discovery::{Record, Request};
use crate::identity::reply::REPLY_BYTES;
use crate::identity::{AcceptError, Hints, Invite, InviteError, InviteTerms};
use crate::ids::{DeviceKey, Face, InviteId, Locator, PeerId};
use crate::introducer::Introducer;
use crate::routing::Target;
use crate::time::Time;

/// A reply ends on a full minute, as sealed addresses do: the very millisecond would tell which invite it answers to whoever
/// has seen that. On the next one: it is there for as long as its invite opens anything. In milliseconds.
const MINUTE_MS: u64 = 60_000;

// On an introducer's disk a reply looks like an address.
const _: () = assert!(REPLY_BYTES == PAYLOAD_BYTES_MAX);

/// What an invite is to be like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InviteOptions {
    /// Whether more than one peer may use it.
    pub reusable: bool,
    /// How long it opens anything.
    pub life: Duration,
    /// Whether it says where the contact face is now: two people on one network need nothing else.
    pub with_addresses: bool,
}

impl<S: Scheme> Peer<S> {
    /// Makes an invite that says how to reach this node as it is now.
    ///
    /// # Errors
    /// [`InviteError`].
    pub fn create_invite(
        &mut self,
        now: Time,
        options: InviteOptions,
    ) -> Result<Invite, InviteError> {
        let contact = self
            .faces
            .route(Face::Contact)
            .filter(|_| options.with_addresses)
            .cloned();
        let hints = Hints {
            name: self.config.name.clone(),
            public: self.faces.route(Face::Public).cloned(),
            contact,
            introducers: self.introducers.clone(),
        };
        let terms = InviteTerms {
            reusable: options.reusable,
            life: options.life,
            hints,
        };
        let invite = self.edit_book(now, |book| book.create_invite(now, terms))?;
        self.meeting.polls.insert(invite.id(), now + MAILBOX_POLL);
        Ok(invite)
    }

    /// Becomes the contact of an invite's maker: they are in the book at once, looked for from now on, and a sealed reply
    /// waits for them.
    ///
    /// # Errors
    /// [`AcceptError`].
    pub fn accept_invite(
        &mut self,
        now: Time,
        invite: &Invite,
        petname: Option<&str>,
    ) -> Result<PeerId, AcceptError> {
        let peer = self.edit_book(now, |book| book.accept_invite(now, invite, petname))?;
        self.keep_invite_routes(peer, invite);
        let target = Target::Peer(peer);
        // To whom it was not shown, their answer says nothing of it.
        self.sessions.handle_shown_anew(now, target);
        self.sessions.handle_open(now, target);
        self.show_invites(peer);
        self.drain();
        Ok(peer)
    }

    /// Goes on after a restart: mailboxes are looked into soon, one by one, and replies are left again, for what the shell
    /// was to deliver when it stopped may not have been delivered.
    pub(super) fn resume_meeting(&mut self, now: Time) {
        for mailbox in self.book.open_mailboxes(now) {
            let spread = u64::try_from(MAILBOX_POLL.as_millis()).unwrap_or(u64::MAX);
            let due = now + Duration::from_millis(self.random.below(spread));
            self.meeting.polls.insert(mailbox.invite, due);
        }
        self.book.leave_replies_again();
    }

    /// Looks into the mailboxes that are due: often at first, when two people wait for each other, and ever less.
    pub(super) fn poll_mailboxes(&mut self, now: Time) {
        let open = self.book.open_mailboxes(now);
        self.meeting.retain(&open);
        for mailbox in open {
            let due = *self.meeting.polls.entry(mailbox.invite).or_insert(now);
            if due > now {
                continue;
            }
            let made = self
                .book
                .invite(&mailbox.invite)
                .map_or(now, |made| made.invite.made);
            let pause = (now.since(made) / 10).clamp(MAILBOX_POLL, MAILBOX_POLL_MAX);
            self.meeting.polls.insert(mailbox.invite, now + pause);
            self.look_up(
                mailbox.secret.locator(),
                Purpose::Replies(mailbox.invite),
                mailbox.introducers,
            );
        }
    }

    /// Looks into all mailboxes that were not looked into since this node runs, for who cannot wait. Each is told by
    /// [`Event::MailboxSeen`]; false when there are none.
    pub fn look_into_mailboxes(&mut self, now: Time) -> bool {
        self.now = now;
        let open = self.book.open_mailboxes(now);
        let unseen = open.into_iter().filter(|mailbox| {
            !mailbox.introducers.is_empty() && !self.meeting.has_seen(&mailbox.invite)
        });
        let unseen: Vec<InviteId> = unseen.map(|mailbox| mailbox.invite).collect();
        for invite in &unseen {
            if !self.finding.is_looking(now, Purpose::Replies(*invite)) {
                self.meeting.polls.insert(*invite, now);
            }
        }
        self.poll_mailboxes(now);
        self.drain();
        !unseen.is_empty()
    }

    /// Lets in whoever left a sealed reply.
    pub(super) fn take_replies(&mut self, now: Time, invite: InviteId, records: &[Record]) {
        for record in records {
            if record.verify(&self.scheme).is_ok() {
                // Whoever holds the invite may leave anything there; what is no reply is passed over.
                let _ = self.book.redeem_reply(now, &invite, record.payload());
            }
        }
        self.drain_book(now);
    }

    /// Leaves a sealed reply for every maker who may not know yet that their invite was accepted.
    pub(super) fn leave_replies(&mut self, now: Time) {
        let unanswered: Vec<Invite> = self
            .book
            .unanswered(now)
            .filter(|accepted| !self.meeting.is_leaving(&accepted.invite.id()))
            .map(|accepted| accepted.invite.clone())
            .collect();
        for invite in unanswered {
            let introducers = invite.introducers.clone();
            self.leave_reply(now, &invite, introducers);
        }
        self.drain_book(now);
    }

    /// An introducer keeps a record of ours. A reply counts as left only from then on: a node that stops before leaves it
    /// when it starts again.
    pub fn handle_kept(&mut self, now: Time, locator: Locator) {
        self.now = now;
        if let Some((maker, invite)) = self.meeting.kept(locator) {
            self.book.mark_reply_left(now, &maker, &invite);
            self.drain_book(now);
            self.tell(Event::ReplyLeft { peer: maker });
        }
    }

    /// Leaves the replies that an introducer missed while it was away.
    pub(super) fn leave_replies_at(&mut self, now: Time, introducer: DeviceKey) {
        let accepted = self
            .book
            .contacts()
            .flat_map(|contact| self.book.waiting(&contact.peer));
        let missed: Vec<(Invite, Introducer)> = accepted
            .filter_map(|accepted| {
                let mut asked = accepted.invite.introducers.iter();
                let there = asked.find(|it| it.key == introducer)?.clone();
                Some((accepted.invite.clone(), there))
            })
            .collect();
        for (invite, there) in missed {
            self.leave_reply(now, &invite, vec![there]);
        }
        self.drain_book(now);
    }

    fn leave_reply(&mut self, now: Time, invite: &Invite, introducers: Vec<Introducer>) {
        if introducers.is_empty() {
            return;
        }
        let (maker, name) = (invite.peer, self.config.name.clone());
        let Some(payload) = self
            .book
            .write_reply(invite, &name, self.introducers.clone())
        else {
            return;
        };
        let mailbox = invite.mailbox_secret();
        let parts: [&[u8]; 2] = [mailbox.as_bytes(), self.identity.as_bytes()];
        let place = derive("kith/1 reply slot", &parts);
        let mut slot = [0; 16];
        slot.copy_from_slice(&place[..16]);
        let terms = Terms {
            slot: Slot(slot),
            sequence: now.0,
            expires: end_of_reply(now, invite.expires),
            payload,
        };
        let Ok(record) = Record::sign(&self.scheme, &mailbox, terms) else {
            return;
        };
        self.visit(introducers, &Request::Publish(record), None);
        self.meeting.leave(invite.id(), mailbox.locator(), maker);
    }
}

/// When a reply to an invite that ends then is forgotten.
fn end_of_reply(now: Time, invite_expires: Time) -> Time {
    let end = invite_expires.min(now + REPLY_LIFE);
    Time(end.0.saturating_add(MINUTE_MS - 1) / MINUTE_MS * MINUTE_MS)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::address::Route;
    use crate::crypto::{Ed25519, SecretKey};
    use crate::peer::people::introducer;
    use crate::peer::{Config, Output};
    use crate::routing::wire::{Frame, HELLO_VERSION, Hello};
    use crate::routing::{ConnId, Connected, DialId, UnreachableReason};

    const NOW: Time = Time(1_800_000_000_000);

    fn node(number: u8) -> Peer {
        let (config, identity) = (Config::new("test".to_owned()), [number; 32]);
        let identity = SecretKey::from_bytes(identity);
        let made = Peer::new(config, Ed25519, identity, Vec::new(), [number; 32], NOW);
        let mut node = made.expect("no rows of another version");
        let device = SecretKey::from_bytes([number + 100; 32]);
        let mut route = Route::new(device.device_key());
        route.addresses.push(([127, 0, 0, 1], 7).into());
        node.handle_device(NOW, Face::Contact, device);
        node.handle_route(NOW, Face::Contact, route);
        node
    }

    /// The dials that begin, and the attempts that end.
    fn outcome(node: &mut Peer) -> (Vec<DialId>, Vec<UnreachableReason>) {
        let (mut dials, mut ends) = (Vec::new(), Vec::new());
        while let Some(output) = node.poll_output() {
            match output {
                Output::Dial { dial, .. } => dials.push(dial),
                Output::Event(Event::Unreachable { reason, .. }) => ends.push(reason),
                _ => {}
            }
        }
        (dials, ends)
    }

    /// What is looked up of `peer`, whom somebody asks for.
    fn asked_for(node: &mut Peer, peer: PeerId) -> BTreeSet<Locator> {
        node.handle_open(NOW, Target::Peer(peer));
        node.resolve(NOW, Target::Peer(peer));
        let outputs = std::iter::from_fn(|| node.poll_output());
        let asked = outputs.filter_map(|output| match output {
            Output::Visit(visit) => match visit.request {
                Request::Lookup(locator) => Some(locator),
                _ => None,
            },
            _ => None,
        });
        asked.collect()
    }

    /// A dial leads to a connection with the device of node 1.
    fn connect(node: &mut Peer, dial: DialId, conn: ConnId) {
        let connected = Connected {
            conn,
            dial: Some(dial),
            face: Face::Contact,
            local: SecretKey::from_bytes([102; 32]).device_key(),
            remote: SecretKey::from_bytes([101; 32]).device_key(),
            observed: None,
        };
        node.handle_connected(NOW, connected, [9; 32]);
    }

    /// The other side answers as it does a stranger.
    fn turn_away(node: &mut Peer, conn: ConnId) {
        let hello = Frame::Hello(Hello {
            version: HELLO_VERSION,
            boot: 1,
            dial: 0,
            agent: String::new(),
            speaks: Vec::new(),
            observed: None,
        });
        let said = [hello.framed(), Frame::Stranger.framed()].concat();
        node.handle_bytes(NOW, conn, &said);
    }

    #[test]
    fn an_answer_to_what_was_shown_before_an_invite_says_nothing_of_it() {
        let (mut ada, mut bo) = (node(1), node(2));
        let options = InviteOptions {
            reusable: false,
            life: Duration::from_secs(3600),
            with_addresses: true,
        };
        let mut invite = |at| ada.create_invite(at, options).expect("room");
        let (used_up, good) = (invite(NOW), invite(NOW + Duration::from_millis(1)));
        bo.accept_invite(NOW, &used_up, None)
            .expect("nobody can tell yet");
        let (dials, _) = outcome(&mut bo);
        connect(&mut bo, dials[0], ConnId(1));
        bo.accept_invite(NOW, &good, None)
            .expect("nobody can tell yet");
        turn_away(&mut bo, ConnId(1));
        let (dials, ends) = outcome(&mut bo);
        assert_eq!(
            (dials.len(), ends),
            (1, Vec::new()),
            "it is shown the good one"
        );
        connect(&mut bo, dials[0], ConnId(2));
        turn_away(&mut bo, ConnId(2));
        let (dials, ends) = outcome(&mut bo);
        let shown = bo.book.accepted(&good.peer).map(|it| it.invite.clone());
        assert_eq!((dials.len(), ends), (1, Vec::new()), "and then the other");
        assert_eq!(shown, Some(used_up));
        connect(&mut bo, dials[0], ConnId(3));
        turn_away(&mut bo, ConnId(3));
        let refused = vec![UnreachableReason::NotAContact];
        assert_eq!(outcome(&mut bo), (Vec::new(), refused));
    }

    #[test]
    fn a_reply_waits_as_long_as_its_invite_lives_and_ends_on_a_full_minute() {
        let now = Time(3 * MINUTE_MS + 57_000);
        let soon = now + Duration::from_secs(30);
        assert_eq!(end_of_reply(now, soon), Time(5 * MINUTE_MS));
        assert_eq!(end_of_reply(now, Time(5 * MINUTE_MS)), Time(5 * MINUTE_MS));
        let late = end_of_reply(now, Time(u64::MAX));
        assert_eq!(late.0 % MINUTE_MS, 0);
        assert_eq!(late, Time(4 * MINUTE_MS) + REPLY_LIFE);
    }

    #[test]
    fn of_two_invites_the_one_that_was_taken_by_a_reply_is_found_by_its_makers_record() {
        let (mut ada, mut bo) = (node(1), node(2));
        for node in [&mut ada, &mut bo] {
            node.handle_introducers(NOW, vec![introducer(9)]);
        }
        let options = InviteOptions {
            reusable: false,
            life: Duration::from_secs(3600),
            with_addresses: false,
        };
        let mut invite = || ada.create_invite(NOW, options).expect("room");
        let (good, used_up) = (invite(), invite());
        let me = bo.me();
        for invite in [&good, &used_up] {
            bo.accept_invite(NOW, invite, None)
                .expect("nobody can tell yet");
        }
        let reply = bo.book.write_reply(&good, "Bo", vec![]);
        let reply = reply.expect("it was accepted");
        let taken = ada.book.redeem_reply(NOW, &good.id(), &reply);
        taken.expect("a good one");
        ada.drain_book(NOW);
        ada.handle_timeout(NOW + Duration::from_secs(2));
        let left = std::iter::from_fn(|| ada.poll_output()).find_map(|output| match output {
            Output::Visit(visit) if visit.peer == Some(me) => Some(visit.request),
            _ => None,
        });
        let Some(Request::Publish(record)) = left else {
            panic!("{left:?}");
        };
        outcome(&mut bo);
        let asked = asked_for(&mut bo, good.peer);
        assert!(asked.len() >= 2 && asked.contains(&record.locator()));
        bo.handle_records(NOW, record.locator(), &[record]);
        let waiting: Vec<_> = bo.book.waiting(&good.peer).iter().collect();
        assert_eq!(waiting.len(), 1, "the one that she took does not wait");
        assert_eq!(waiting[0].invite, used_up);
        assert!(bo.book.contact(&good.peer).is_some_and(|it| it.mutual));
        let is_found = bo.finding.cards.get(&good.peer);
        let found = is_found.map(|card| card.contact.addresses.len());
        assert_eq!(found, Some(1), "where she is is known");
    }

    #[test]
    fn who_is_looked_up_under_two_secrets_is_not_found_when_neither_leads_anywhere() {
        let (mut ada, mut bo) = (node(1), node(2));
        bo.handle_introducers(NOW, vec![introducer(9)]);
        let options = InviteOptions {
            reusable: false,
            life: Duration::from_secs(3600),
            with_addresses: false,
        };
        for _ in 0..2 {
            let invite = ada.create_invite(NOW, options).expect("room");
            bo.accept_invite(NOW, &invite, None).expect("good");
        }
        outcome(&mut bo);
        let mut asked = asked_for(&mut bo, ada.me());
        assert_eq!(asked.len(), 2);
        // Those that were asked before answer, too.
        let answer = |bo: &mut Peer, locator| {
            while bo.finding.lookups.contains_key(&locator) {
                bo.handle_records(NOW, locator, &[]);
            }
            outcome(bo).1
        };
        let last = asked.pop_last().expect("two");
        for locator in asked {
            assert_eq!(answer(&mut bo, locator), [], "the other may lead to her");
        }
        let ends = answer(&mut bo, last);
        assert_eq!(ends, [UnreachableReason::NoRoute]);
    }
}
