//! Tests of several books together: who ends up knowing whom, and what opens nothing any more.

use proptest::prelude::*;

use crate::crypto::Ed25519;
use crate::ids::{InviteId, PeerId};
use crate::time::{DAY, Time};

use super::admission::{InviteError, RedeemError, Shown};
use super::config::BookConfig;
use super::contact::{ContactState, Standing};
use super::fixture::{
    NOW, SESSION, book, bounded_book, drain, friends, introducer, key, made, reach, restored, show,
    talk,
};
use super::kept_invite::TURNED_AWAY_MAX;
use super::outputs::Event;
use super::state::Book;

fn ada() -> PeerId {
    key(1).peer_id()
}

fn bo() -> PeerId {
    key(2).peer_id()
}

/// The petnames in a book.
fn names(book: &Book<Ed25519>) -> Vec<&str> {
    let mut names: Vec<&str> = book
        .contacts()
        .map(|known| known.petname.as_str())
        .collect();
    names.sort_unstable();
    names
}

#[test]
fn an_invite_shown_in_a_session_makes_both_contacts_with_one_secret() {
    let (mut first, mut second) = (book(1), book(2));
    let invite = made(&mut first, NOW, false);
    assert_eq!(second.accept_invite(NOW, &invite, None), Ok(ada()));
    assert_eq!(second.standing(&ada()), Standing::Confirmed);
    let admission = show(&mut first, NOW, &invite, 2).expect("a fresh invite");
    assert_eq!(
        (admission.peer, admission.state),
        (bo(), ContactState::Confirmed)
    );
    assert!(admission.is_new);
    assert!(first.contact(&bo()).expect("admitted").mutual);
    assert!(reach(&first, 2).is_some());
    assert_eq!(reach(&first, 2), reach(&second, 1));
    assert_eq!((names(&first), names(&second)), (vec!["Bo"], vec!["Ada"]));
    let (_, events) = drain(&mut first);
    assert_eq!(
        events,
        [
            Event::InviteBurned {
                invite: invite.id(),
                by: bo()
            },
            Event::Added {
                peer: bo(),
                state: ContactState::Confirmed
            },
            Event::ReachBegan { peer: bo() },
        ]
    );
}

#[test]
fn people_who_are_never_online_together_meet_by_a_sealed_reply() {
    let (mut first, mut second) = (book(1), book(2));
    let invite = made(&mut first, NOW, false);
    second
        .accept_invite(NOW, &invite, Some("ada"))
        .expect("a fresh invite");
    let reply = second
        .write_reply(&invite, "Bo", vec![introducer(2)])
        .expect("an accepted invite");
    let mailbox = first.open_mailboxes(NOW).remove(0);
    assert_eq!(mailbox.secret.locator(), invite.mailbox_secret().locator());
    assert_eq!(mailbox.introducers, invite.introducers);
    let later = NOW + 2 * DAY;
    let admission = first
        .redeem_reply(later, &mailbox.invite, &reply)
        .expect("sound");
    assert_eq!(
        (admission.peer, admission.state),
        (bo(), ContactState::Confirmed)
    );
    assert_eq!(reach(&first, 2), reach(&second, 1));
    let contact = first.contact(&bo()).expect("admitted");
    assert_eq!(contact.introducers, [introducer(2)]);
    assert!(first.open_mailboxes(later).is_empty(), "burned");
    let shown = show(&mut first, later, &invite, 2).expect("the same peer");
    assert!(!shown.is_new);
}

#[test]
fn a_burned_invite_opens_nothing_not_even_after_a_restart() {
    let (mut first, mut third) = (book(1), book(3));
    let invite = made(&mut first, NOW, false);
    show(&mut first, NOW, &invite, 2).expect("a fresh invite");
    third
        .accept_invite(NOW, &invite, None)
        .expect("nobody told");
    let reply = third.write_reply(&invite, "Cy", vec![]).expect("accepted");
    let mut again = restored(&first);
    for book in [&mut first, &mut again] {
        assert_eq!(show(book, NOW, &invite, 3), Err(RedeemError::Burned));
        assert_eq!(
            book.redeem_reply(NOW, &invite.id(), &reply),
            Err(RedeemError::Burned)
        );
        let burned = book.invite(&invite.id()).and_then(|made| made.burned);
        assert_eq!(burned.map(|burned| burned.by), Some(bo()));
        assert_eq!(book.contacts().count(), 1);
    }
}

#[test]
fn an_invite_burned_by_another_opens_nothing_to_a_contact_either() {
    let (mut first, _) = friends();
    let invite = made(&mut first, NOW, false);
    show(&mut first, NOW, &invite, 3).expect("a fresh invite");
    assert_eq!(show(&mut first, NOW, &invite, 2), Err(RedeemError::Burned));
}

#[test]
fn the_same_peer_may_show_its_invite_again_and_nothing_changes() {
    let mut first = book(1);
    let invite = made(&mut first, NOW, false);
    show(&mut first, NOW, &invite, 2).expect("a fresh invite");
    let before = first.rows();
    drain(&mut first);
    let again = show(&mut first, NOW + DAY, &invite, 2).expect("the same peer");
    assert!(!again.is_new);
    assert_eq!(drain(&mut first), (vec![], vec![]));
    assert_eq!(first.rows(), before);
}

#[test]
fn a_proof_replayed_in_another_session_or_by_another_peer_is_refused() {
    let mut first = book(1);
    let invite = made(&mut first, NOW, false);
    let proof = invite.proof(&SESSION, &bo());
    let mut redeem = |exporter, peer| {
        let shown = Shown {
            invite: &invite.id(),
            proof: &proof,
            at: None,
            exporter,
            name: "",
        };
        first.redeem(NOW, peer, &shown)
    };
    assert_eq!(redeem(&[6; 32], bo()), Err(RedeemError::Proof));
    assert_eq!(redeem(&SESSION, key(3).peer_id()), Err(RedeemError::Proof));
    assert!(redeem(&SESSION, bo()).is_ok());
}

#[test]
fn expired_withdrawn_unknown_and_own_invites_open_nothing() {
    let mut first = book(1);
    let invite = made(&mut first, NOW, true);
    let refused = |book: &mut Book<Ed25519>, now, number| {
        show(book, now, &invite, number).expect_err("opens nothing")
    };
    assert_eq!(refused(&mut first, NOW, 1), RedeemError::Own);
    assert_eq!(refused(&mut first, invite.expires, 2), RedeemError::Expired);
    assert_eq!(first.poll_timeout(), Some(invite.expires));
    assert!(first.withdraw_invite(&invite.id()));
    assert_eq!(refused(&mut first, NOW, 2), RedeemError::Unknown);
    assert!(first.open_mailboxes(NOW).is_empty());
    assert!(!first.withdraw_invite(&InviteId([0; 16])));
}

#[test]
fn an_expired_invite_is_forgotten_when_its_time_comes() {
    let mut first = book(1);
    let invite = made(&mut first, NOW, false);
    first.handle_timeout(invite.expires - DAY);
    assert_eq!(first.invites().count(), 1);
    first.handle_timeout(invite.expires);
    assert_eq!((first.invites().count(), first.poll_timeout()), (0, None));
    assert_eq!(first.rows(), []);
}

#[test]
fn those_who_come_by_a_reusable_invite_are_pending_until_confirmed() {
    let mut first = book(1);
    let invite = made(&mut first, NOW, true);
    for number in [2, 3] {
        let admission = show(&mut first, NOW, &invite, number).expect("reusable");
        assert_eq!(admission.state, ContactState::Pending);
    }
    let made = first.invite(&invite.id()).expect("open");
    assert_eq!((made.admitted, made.burned), (2, None));
    assert_eq!(first.standing(&bo()), Standing::Pending);
    first.confirm(&bo()).expect("known");
    assert_eq!(first.standing(&bo()), Standing::Confirmed);
    let again = show(&mut first, NOW, &invite, 2).expect("reusable");
    assert_eq!(
        (again.state, again.is_new),
        (ContactState::Confirmed, false)
    );
}

#[test]
fn a_confirmed_contact_that_uses_a_reusable_invite_stays_confirmed() {
    let (mut first, _) = friends();
    let invite = made(&mut first, NOW + DAY, true);
    let admission = show(&mut first, NOW + DAY, &invite, 2).expect("reusable");
    assert_eq!(admission.state, ContactState::Confirmed);
}

#[test]
fn a_blocked_peer_redeems_nothing_and_burns_nothing() {
    let (mut first, _) = friends();
    first.block(&bo()).expect("known");
    let fresh = made(&mut first, NOW, false);
    assert_eq!(show(&mut first, NOW, &fresh, 2), Err(RedeemError::Blocked));
    assert_eq!(reach(&first, 2), None);
    assert!(show(&mut first, NOW, &fresh, 3).is_ok(), "not burned");
}

#[test]
fn after_a_block_only_a_fresh_invite_opens_anything() {
    let mut first = book(1);
    let old = made(&mut first, NOW, false);
    show(&mut first, NOW, &old, 2).expect("a fresh invite");
    let shared = reach(&first, 2);
    first.block(&bo()).expect("known");
    first.unblock(&bo()).expect("known");
    assert_eq!(first.standing(&bo()), Standing::Stranger);
    assert_eq!(show(&mut first, NOW, &old, 2), Err(RedeemError::Burned));
    let fresh = made(&mut first, NOW, false);
    show(&mut first, NOW, &fresh, 2).expect("a fresh invite");
    assert_eq!(first.standing(&bo()), Standing::Confirmed);
    assert_ne!(reach(&first, 2), shared);
}

#[test]
fn the_invite_of_a_removed_peer_opens_nothing() {
    let mut first = book(1);
    let invite = made(&mut first, NOW, false);
    show(&mut first, NOW, &invite, 2).expect("a fresh invite");
    first.remove(&bo()).expect("known");
    assert_eq!(show(&mut first, NOW, &invite, 2), Err(RedeemError::Burned));
    assert_eq!(first.standing(&bo()), Standing::Stranger);
}

#[test]
fn people_with_one_name_are_told_apart_by_numbers() {
    let mut first = book(1);
    let invite = made(&mut first, NOW, true);
    for number in [2, 3, 4] {
        show(&mut first, NOW, &invite, number).expect("reusable");
    }
    assert_eq!(names(&first), ["Bo", "Bo-2", "Bo-3"]);
}

#[test]
fn a_leaked_reusable_invite_cannot_fill_the_book() {
    let config = BookConfig {
        contacts_max: 3,
        pending_max: 1,
        invites_max: 10,
    };
    let mut first = bounded_book(1, config);
    let leaked = made(&mut first, NOW, true);
    show(&mut first, NOW, &leaked, 2).expect("room");
    assert_eq!(show(&mut first, NOW, &leaked, 3), Err(RedeemError::Full));
    for number in [4, 5] {
        let invite = made(&mut first, NOW, false);
        show(&mut first, NOW, &invite, number).expect("room");
    }
    let last = made(&mut first, NOW, false);
    assert_eq!(show(&mut first, NOW, &last, 6), Err(RedeemError::Full));
    first.remove(&bo()).expect("known");
    assert!(show(&mut first, NOW, &last, 6).is_ok(), "not burned before");
}

#[test]
fn the_bound_of_invites_counts_open_ones_only() {
    let config = BookConfig {
        invites_max: 2,
        ..BookConfig::default()
    };
    let mut first = bounded_book(1, config);
    let (burned, open) = (made(&mut first, NOW, false), made(&mut first, NOW, false));
    let full = first.create_invite(NOW, super::fixture::terms(false));
    assert_eq!(full, Err(InviteError::TooMany(2)));
    show(&mut first, NOW, &burned, 2).expect("a fresh invite");
    made(&mut first, NOW, false);
    assert!(first.invite(&open.id()).is_some());
    assert_eq!(show(&mut first, NOW, &burned, 3), Err(RedeemError::Unknown));
}

#[test]
fn a_fresh_invite_renews_what_two_contacts_share() {
    let (mut first, mut second) = friends();
    let before = reach(&first, 2);
    let later = NOW + DAY;
    let invite = made(&mut first, later, false);
    second
        .accept_invite(later, &invite, None)
        .expect("a fresh invite");
    show(&mut first, later, &invite, 2).expect("a fresh invite");
    assert_ne!(reach(&first, 2), before);
    assert_eq!(reach(&first, 2), reach(&second, 1));
    assert_eq!(names(&second), ["Ada"]);
}

#[test]
fn equal_seeds_and_inputs_give_equal_bytes() {
    let run = || {
        let (mut first, mut second) = (book(1), book(2));
        let invite = made(&mut first, NOW, false);
        second
            .accept_invite(NOW, &invite, None)
            .expect("a fresh invite");
        let reply = second.write_reply(&invite, "Bo", vec![]).expect("accepted");
        first
            .redeem_reply(NOW, &invite.id(), &reply)
            .expect("sound");
        (drain(&mut first), drain(&mut second), reply)
    };
    assert_eq!(run(), run());
}

/// One step towards each other of two peers that invited each other at once.
#[derive(Clone, Copy, Debug)]
enum Arrival {
    ReplyToAda,
    ReplyToBo,
    ProofToAda,
    ProofToBo,
    Restart,
}

fn arrival() -> impl Strategy<Value = Arrival> {
    prop::sample::select(vec![
        Arrival::ReplyToAda,
        Arrival::ReplyToBo,
        Arrival::ProofToAda,
        Arrival::ProofToBo,
        Arrival::Restart,
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn peers_who_invited_each_other_at_once_come_to_one_secret(
        earlier in 0..2u32,
        steps in prop::collection::vec(arrival(), 0..8),
    ) {
        let (mut first, mut second) = (book(1), book(2));
        let of_ada = made(&mut first, NOW + DAY * earlier, false);
        let of_bo = made(&mut second, Time(NOW.0 + 1), false);
        let now = NOW + DAY;
        first.accept_invite(now, &of_bo, None).expect("fresh");
        second.accept_invite(now, &of_ada, None).expect("fresh");
        let to_ada = second.write_reply(&of_ada, "Bo", vec![]).expect("accepted");
        let to_bo = first.write_reply(&of_bo, "Ada", vec![]).expect("accepted");
        // Whatever else arrived, each side's reply is found at last.
        for step in steps.into_iter().chain([Arrival::ReplyToAda, Arrival::ReplyToBo]) {
            match step {
                Arrival::ReplyToAda => { first.redeem_reply(now, &of_ada.id(), &to_ada).expect("sound"); }
                Arrival::ReplyToBo => { second.redeem_reply(now, &of_bo.id(), &to_bo).expect("sound"); }
                Arrival::ProofToAda => talk(&mut second, &mut first, now),
                Arrival::ProofToBo => talk(&mut first, &mut second, now),
                Arrival::Restart => (first, second) = (restored(&first), restored(&second)),
            }
        }
        prop_assert!(reach(&first, 2).is_some());
        prop_assert_eq!(reach(&first, 2), reach(&second, 1));
        prop_assert_eq!((first.contacts().count(), second.contacts().count()), (1, 1));
        prop_assert_eq!(first.standing(&bo()), Standing::Confirmed);
        prop_assert_eq!(second.standing(&ada()), Standing::Confirmed);
    }
}

#[test]
fn a_reusable_invite_opens_nothing_for_whom_it_brought_and_was_shut_out() {
    let mut first = book(1);
    let invite = made(&mut first, NOW, true);
    show(&mut first, NOW, &invite, 2).expect("reusable");
    first.remove(&bo()).expect("known");
    let mut first = restored(&first);
    assert_eq!(show(&mut first, NOW, &invite, 2), Err(RedeemError::Burned));
    show(&mut first, NOW, &invite, 3).expect("still open for others");
    let other = key(3).peer_id();
    first.block(&other).expect("known");
    first.unblock(&other).expect("known");
    assert_eq!(show(&mut first, NOW, &invite, 3), Err(RedeemError::Burned));
    assert_eq!(first.standing(&other), Standing::Stranger);
}

#[test]
fn an_invite_that_somebody_holds_opens_nothing_for_them_after_they_were_shut_out() {
    let mut first = book(1);
    let invite = made(&mut first, NOW, false);
    let theirs = made(&mut book(2), NOW, false);
    let accepted = first.accept_invite(NOW, &theirs, None);
    accepted.expect("a good invite");
    first.remove(&bo()).expect("known");
    let mut first = restored(&first);
    assert_eq!(show(&mut first, NOW, &invite, 2), Err(RedeemError::Burned));
    assert_eq!(first.standing(&bo()), Standing::Stranger);
    show(&mut first, NOW, &invite, 3).expect("still open for somebody else");
    let later = made(&mut first, NOW, false);
    show(&mut first, NOW, &later, 2).expect("made since");
}

#[test]
fn an_invite_that_outlives_too_many_unwanted_is_withdrawn() {
    let mut first = book(1);
    let invite = made(&mut first, NOW, true);
    let single = made(&mut first, NOW, false);
    let unwanted = 2..=u8::try_from(TURNED_AWAY_MAX).expect("small") + 2;
    for number in unwanted {
        for invite in [&invite, &single] {
            assert!(first.invite(&invite.id()).is_some(), "open until then");
        }
        show(&mut first, NOW, &invite, number).expect("reusable");
        first.remove(&key(number).peer_id()).expect("known");
    }
    for invite in [&invite, &single] {
        assert!(first.invite(&invite.id()).is_none());
    }
}

#[test]
fn an_old_reply_read_again_changes_nothing_after_both_met_by_a_later_invite() {
    let mut first = book(1);
    let old = made(&mut first, NOW, true);
    show(&mut first, NOW, &old, 2).expect("reusable");
    let later = made(&mut first, NOW + DAY, false);
    show(&mut first, NOW + DAY, &later, 2).expect("a fresh invite");
    drain(&mut first);
    let before = first.rows();
    let mut second = book(2);
    let accepted = second.accept_invite(NOW, &old, None);
    accepted.expect("it was open");
    let reply = second.write_reply(&old, "Bo", vec![]);
    let reply = reply.expect("accepted");
    let again = first.redeem_reply(NOW + DAY, &old.id(), &reply);
    assert!(!again.expect("known").is_new);
    assert_eq!(first.rows(), before);
    assert_eq!(drain(&mut first), (vec![], vec![]));
}
