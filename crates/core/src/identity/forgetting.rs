//! Tests of two who forget each other and meet again: by which secret they go on.

use std::time::Duration;

use proptest::prelude::*;

use crate::crypto::Ed25519;
use crate::ids::InviteId;
use crate::time::{CLOCK_SKEW_MAX, DAY, Time};

use super::admission::{RedeemError, Shown};
use super::contact::{Reach, Standing};
use super::fixture::{NOW, SESSION, book, drain, hear, made, reach, restored, say, talk};
use super::invite::Invite;
use super::kept_invite::ACCEPTED_AHEAD_MAX;
use super::outputs::Event;
use super::state::Book;
use super::store::{LATEST_KIND, LATEST_MAX, Whose};

fn accept(book: &mut Book<Ed25519>, now: Time, invite: &Invite) {
    let accepted = book.accept_invite(now, invite, None);
    accepted.expect("a good invite");
}

/// Bo's two invites, and both books after they met by the later and Ada removed Bo.
fn removed() -> (Book<Ed25519>, Book<Ed25519>, [Invite; 2]) {
    let (mut ada, mut bo) = (book(1), book(2));
    let invites = [0, 1].map(|day| made(&mut bo, NOW + DAY * day, false));
    accept(&mut ada, NOW + DAY, &invites[1]);
    talk(&mut ada, &mut bo, NOW + DAY);
    assert_eq!(reach(&ada, 2), reach(&bo, 1));
    ada.remove(&bo.me()).expect("known");
    (restored(&ada), bo, invites)
}

/// What both count, as of one date, while nothing waits.
fn agreed(ada: &Book<Ed25519>, bo: &Book<Ed25519>) -> Reach {
    let of = |book: &Book<Ed25519>, other: &Book<Ed25519>| {
        assert!(book.waiting(&other.me()).is_empty());
        let contact = book.contact(&other.me()).expect("they met");
        assert!(contact.mutual);
        contact.reach.clone().expect("shared")
    };
    assert_eq!(of(ada, bo), of(bo, ada));
    of(ada, bo)
}

#[test]
fn an_older_invite_counts_for_both_where_one_forgot_the_later() {
    let (mut ada, mut bo, [older, _]) = removed();
    drain(&mut bo);
    let ended = reach(&bo, 1);
    accept(&mut ada, NOW + DAY, &older);
    talk(&mut ada, &mut bo, NOW + DAY);
    let shared = agreed(&ada, &bo);
    assert_eq!(shared.invite, older.id());
    assert!(
        shared.at > NOW + DAY,
        "after what she forgot, by the same clock"
    );
    assert_ne!(Some(shared.secret), ended, "that was ended");
    let peer = ada.me();
    assert!(drain(&mut bo).1.contains(&Event::ReachBegan { peer }));
    assert_eq!(agreed(&restored(&ada), &restored(&bo)).invite, older.id());
}

#[test]
fn so_it_does_where_they_are_never_online_together() {
    let (mut ada, mut bo, [older, _]) = removed();
    accept(&mut ada, NOW + DAY, &older);
    let reply = ada.write_reply(&older, "Ada", vec![]);
    let reply = reply.expect("accepted");
    let admission = bo.redeem_reply(NOW + 2 * DAY, &older.id(), &reply);
    admission.expect("open");
    ada.mark_mutual(&bo.me());
    assert_eq!(agreed(&ada, &bo).invite, older.id());
}

#[test]
fn an_invite_used_before_counts_again_for_who_forgot_its_maker() {
    let (mut ada, mut bo, [_, later]) = removed();
    let ended = reach(&bo, 1);
    let latest = made(&mut bo, NOW + 2 * DAY, false);
    accept(&mut ada, NOW + 2 * DAY, &latest);
    talk(&mut ada, &mut bo, NOW + 2 * DAY);
    assert_eq!(agreed(&ada, &bo).invite, latest.id());
    ada.remove(&bo.me()).expect("known");
    accept(&mut ada, NOW + 2 * DAY, &later);
    talk(&mut ada, &mut bo, NOW + 2 * DAY);
    let shared = agreed(&ada, &bo);
    assert_eq!(shared.invite, later.id(), "burned by her");
    assert_ne!(Some(shared.secret), ended, "what she ended stays so");
}

#[test]
fn an_invite_counts_whatever_the_clocks_said_of_what_its_maker_forgot() {
    for hours in [1, 3, 300] {
        let (mut ada, mut bo) = (book(1), book(2));
        // Both clocks were ahead, and were set right since.
        let ahead = NOW + CLOCK_SKEW_MAX / 2 * hours;
        let of_bo = made(&mut bo, ahead, true);
        accept(&mut ada, ahead, &of_bo);
        talk(&mut ada, &mut bo, ahead);
        ada.remove(&bo.me()).expect("known");
        let of_ada = made(&mut ada, NOW, false);
        accept(&mut bo, NOW, &of_ada);
        talk(&mut bo, &mut ada, NOW);
        assert_eq!(agreed(&ada, &bo).invite, of_ada.id());
        bo.remove(&ada.me()).expect("known");
        let again = made(&mut bo, NOW, false);
        accept(&mut ada, NOW, &again);
        talk(&mut ada, &mut bo, NOW);
        assert_eq!(agreed(&ada, &bo).invite, again.id());
    }
}

#[test]
fn a_reply_that_is_read_again_brings_nothing_back_that_was_forgotten() {
    let (mut ada, mut bo) = (book(1), book(2));
    let older = made(&mut bo, NOW, false);
    let reusable = made(&mut bo, NOW + DAY, true);
    accept(&mut ada, NOW + DAY, &reusable);
    let reply = ada.write_reply(&reusable, "Ada", vec![]);
    let reply = reply.expect("accepted");
    talk(&mut ada, &mut bo, NOW + DAY);
    ada.remove(&bo.me()).expect("known");
    accept(&mut ada, NOW + DAY, &older);
    talk(&mut ada, &mut bo, NOW + DAY);
    let again = bo.redeem_reply(NOW + DAY, &reusable.id(), &reply);
    assert!(!again.expect("open").is_new);
    assert_eq!(agreed(&ada, &bo).invite, older.id());
}

#[test]
fn nobody_takes_another_to_the_end_of_all_dates() {
    let (ada, mut bo, [older, _]) = removed();
    let shown = Shown {
        invite: &older.id(),
        proof: &older.proof(&SESSION, &ada.me()),
        at: None,
        exporter: &SESSION,
        name: "",
    };
    let before = bo.rows();
    let told = |at| Shown {
        at: Some(at),
        ..shown
    };
    let edge = NOW + ACCEPTED_AHEAD_MAX;
    let over = bo.redeem(NOW, ada.me(), &told(edge + Duration::from_millis(1)));
    assert_eq!(over, Err(RedeemError::Ahead));
    assert_eq!(bo.rows(), before);
    assert!(bo.redeem(NOW, ada.me(), &told(edge)).is_ok());
    bo.remove(&ada.me()).expect("known");
    let [mut cy, mut dee] = [book(3), book(4)];
    let (of_cy, of_dee) = (made(&mut cy, NOW, false), made(&mut dee, NOW, false));
    for (maker, invite) in [(&mut cy, &of_cy), (&mut dee, &of_dee)] {
        accept(&mut bo, NOW, invite);
        talk(&mut bo, maker, NOW - CLOCK_SKEW_MAX);
        assert_eq!(agreed(&bo, maker).at, NOW, "nor is anybody else told of it");
    }
}

#[test]
fn who_comes_again_by_what_they_used_is_heard_where_an_invite_of_theirs_lapsed() {
    let (mut ada, mut bo) = (book(1), book(2));
    let of_bo = made(&mut bo, NOW, false);
    accept(&mut ada, NOW, &of_bo);
    talk(&mut ada, &mut bo, NOW);
    bo.remove(&ada.me()).expect("known");
    // It is over before she hears of it.
    let of_ada = made(&mut ada, NOW - 5 * DAY, false);
    accept(&mut bo, NOW + DAY, &of_ada);
    bo.handle_timeout(NOW + 3 * DAY);
    assert!(bo.waiting(&ada.me()).is_empty() && reach(&bo, 1).is_some());
    ada.remove(&bo.me()).expect("known");
    accept(&mut ada, NOW + DAY / 2, &of_bo);
    talk(&mut ada, &mut bo, NOW + 3 * DAY);
    assert_eq!(agreed(&ada, &bo).invite, of_bo.id());
}

/// What one of two people does, or what becomes of what they said.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Invite { reusable: bool, earlier: u32 },
    Accept(usize),
    Remove,
    Say,
    Hear,
    Reply,
    Read(usize),
    Restart,
}

fn deed() -> impl Strategy<Value = (bool, Deed)> {
    let drawn = (0..20_u8, any::<bool>(), 0..6_usize);
    let deed = drawn.prop_map(|(what, reusable, place)| match what {
        0..3 => Deed::Invite {
            reusable,
            earlier: u32::from(what),
        },
        3..7 => Deed::Accept(place),
        7..9 => Deed::Remove,
        9..12 => Deed::Say,
        12..15 => Deed::Hear,
        15..17 => Deed::Reply,
        17..19 => Deed::Read(place),
        _ => Deed::Restart,
    });
    (any::<bool>(), deed)
}

/// Ada and Bo, and what is on its way between them; each list by who it is for.
struct Two {
    books: [Book<Ed25519>; 2],
    invites: [Vec<Invite>; 2],
    answers: [Vec<(InviteId, bool)>; 2],
    replies: [Vec<(InviteId, Vec<u8>)>; 2],
}

impl Two {
    fn pair(&mut self, who: usize) -> (&mut Book<Ed25519>, &mut Book<Ed25519>) {
        let [ada, bo] = &mut self.books;
        if who == 0 { (ada, bo) } else { (bo, ada) }
    }

    /// Invites are accepted, and all is said, by one who has the other to one who has them; an answer may be lost, and comes in time or
    /// not at all, for sessions end when somebody is removed.
    fn perform(&mut self, who: usize, deed: Deed) {
        let (now, other) = (NOW + 9 * DAY, 1 - who);
        match deed {
            Deed::Invite { reusable, earlier } => {
                let clock = now - CLOCK_SKEW_MAX * earlier / 2;
                let invite = made(&mut self.books[who], clock, reusable);
                self.invites[other].push(invite);
            }
            Deed::Accept(place) => {
                let invites = &self.invites[who];
                if let Some(invite) = invites.iter().rev().nth(place) {
                    let ignored = self.books[who].accept_invite(now, invite, None);
                    drop(ignored);
                }
            }
            Deed::Remove => {
                let (mine, theirs) = self.pair(who);
                if mine.remove(&theirs.me()).is_ok() {
                    self.answers = [vec![], vec![]];
                }
            }
            Deed::Say => {
                let (mine, theirs) = self.pair(who);
                let answer = say(mine, theirs, now);
                self.answers[who].extend(answer);
            }
            Deed::Hear if self.answers[who].is_empty() => {}
            Deed::Hear => {
                let (invite, answer) = self.answers[who].remove(0);
                let (mine, theirs) = self.pair(who);
                hear(mine, theirs.me(), &invite, answer);
            }
            Deed::Reply => {
                let (mine, theirs) = self.pair(who);
                let Some(invite) = mine.accepted(&theirs.me()) else {
                    return;
                };
                let invite = invite.invite.clone();
                let reply = mine.write_reply(&invite, "", vec![]);
                let reply = reply.expect("accepted");
                self.replies[other].push((invite.id(), reply));
            }
            Deed::Read(place) => {
                let Some((invite, reply)) = self.replies[who].get(place) else {
                    return;
                };
                // A mailbox is looked into as long as its invite is open.
                let made = self.books[who].invite(invite);
                if made.is_some_and(|made| made.is_open(now)) {
                    let ignored = self.books[who].redeem_reply(now, invite, reply);
                    drop(ignored);
                }
            }
            Deed::Restart => self.books[who] = restored(&self.books[who]),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn whatever_two_did_before_both_count_one_secret_once_they_met(
        deeds in prop::collection::vec(deed(), 0..40),
    ) {
        let mut two = Two {
            books: [book(1), book(2)],
            invites: [vec![], vec![]],
            answers: [vec![], vec![]],
            replies: [vec![], vec![]],
        };
        for (is_bo, deed) in deeds {
            two.perform(usize::from(is_bo), deed);
        }
        // What is on its way arrives, and then both show whatever waits.
        for who in [0, 1] {
            while !two.answers[who].is_empty() {
                two.perform(who, Deed::Hear);
            }
        }
        let now = NOW + 9 * DAY;
        let [ada, bo] = &mut two.books;
        let have_each_other = |ada: &Book<Ed25519>, bo: &Book<Ed25519>| {
            let (of, back) = (ada.standing(&bo.me()), bo.standing(&ada.me()));
            of != Standing::Stranger && back != Standing::Stranger
        };
        talk(ada, bo, now);
        talk(bo, ada, now);
        if have_each_other(ada, bo) {
            prop_assert_eq!(reach(ada, 2), reach(bo, 1));
        }
    }
}

#[test]
fn of_too_many_dates_the_earliest_makes_room_and_that_of_now_is_kept() {
    let (mut ada, mut bo) = (book(1), book(2));
    let invite = made(&mut bo, NOW, false);
    accept(&mut ada, NOW, &invite);
    for number in 0..LATEST_MAX {
        let mut whose = Whose::default();
        whose[..8].copy_from_slice(&number.to_be_bytes());
        // The first is the earliest.
        let at = NOW - DAY + Duration::from_millis(number as u64);
        ada.entries.latest.insert(whose, at);
    }
    drain(&mut ada);
    ada.remove(&bo.me()).expect("known");
    let latest = &ada.entries.latest;
    assert_eq!(latest.len(), LATEST_MAX);
    assert!(!latest.contains_key(&Whose::default()));
    assert_eq!(latest.values().max(), Some(&NOW));
    let (rows, _) = drain(&mut ada);
    let mut rows = rows.iter().filter(|row| row.kind == LATEST_KIND);
    assert!(rows.any(|row| row.value.is_none()), "it is kept no more");
    let shared_again = ada.later_than_shared(NOW, &bo.me());
    assert!(shared_again > NOW, "the date of now counts");
}
