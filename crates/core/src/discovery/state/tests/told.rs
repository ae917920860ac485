//! What a record tells, by whom it is for.

use super::*;

/// Alice's address, with a public face beside the contact face.
fn with_public_face() -> OwnAddress {
    let mut route = Route::new(DeviceKey([8; 32]));
    route.relays.push("https://relay.example".to_owned());
    let binding = vec![4; 300];
    let public = Some(OwnFace { binding, route });
    OwnAddress { public, ..own(1) }
}

/// What Bob reads in the last record of these.
fn read(published: &[Record], now: Time) -> AddressRecord {
    let mut bob = asking(now);
    let record = published.last().expect("one was left");
    bob.handle_record(now, ALICE, record).expect("it opens");
    *found(&mut bob).expect("it says something")
}

#[test]
fn whoever_is_not_confirmed_reads_the_public_face_alone_until_they_are() {
    let own = with_public_face();
    let mut alice = presence(ALICE, NOON);
    alice.handle_contact_added(NOON, BOB, REACH, Told::PublicFace);
    alice.handle_address(NOON, own.clone()).expect("it fits");
    let mut now = NOON;
    let public = own.public.expect("there is one");
    for told in [Told::PublicFace, Told::Everything, Told::PublicFace] {
        alice.handle_contact_added(now, BOB, REACH, told);
        // By the time of a pause between two bursts it is there.
        let published = records(run(&mut alice, now + PUBLISH_PACE));
        now = now + MINUTE;
        assert_eq!(published.len(), 1, "{told:?}");
        let address = read(&published, now);
        assert_eq!(address.public.as_ref(), Some(&public.route));
        let (contact, binding) = match told {
            Told::PublicFace => (None, &public.binding),
            Told::Everything => (Some(own.contact.route.clone()), &own.contact.binding),
        };
        assert_eq!((address.contact, &address.binding), (contact, binding));
    }
}

#[test]
fn without_a_public_face_nothing_is_left_for_them() {
    let mut alice = presence(ALICE, NOON);
    alice.handle_contact_added(NOON, BOB, REACH, Told::PublicFace);
    alice.handle_address(NOON, own(1)).expect("it fits");
    let published = records(run(&mut alice, NOON + HOUR));
    assert_eq!(published, []);
    let now = NOON + HOUR;
    alice.handle_address(now, with_public_face()).expect("fits");
    let published = records(run(&mut alice, now + MINUTE));
    assert_eq!(read(&published, now).contact, None);
}

/// What Bob asks for when he looks for Alice now.
fn asked_for(bob: &mut Presence<Ed25519>, now: Time) -> BTreeSet<Locator> {
    bob.handle_asked(now, ALICE);
    let outputs = std::iter::from_fn(|| bob.poll_output());
    let asked = outputs.filter_map(|output| match output {
        PresenceOutput::Lookup { locator, .. } => Some(locator),
        _ => None,
    });
    asked.collect()
}

#[test]
fn a_contact_who_may_share_another_secret_is_found_under_each_and_by_which_is_said() {
    let (_, published) = settled();
    let record = published.last().expect("one was left");
    let alternative = |number: u8, reach| Alternative {
        invite: InviteId([number; 16]),
        reach,
    };
    // What counts with Bob is by an invite that Alice did not take.
    let mut bob = presence(BOB, NOON);
    bob.handle_contact_added(NOON, ALICE, [8; 32], Told::Everything);
    let now = NOON + MINUTE;
    assert_eq!(asked_for(&mut bob, now).len(), 1);
    assert!(bob.handle_record(now, ALICE, record).is_err());

    bob.handle_alternatives(ALICE, vec![alternative(4, [9; 32]), alternative(5, REACH)]);
    let asked = asked_for(&mut bob, now);
    assert!(asked.len() == 3 && asked.contains(&today(now)));
    assert_eq!(bob.handle_record(now, ALICE, record), Ok(()));
    let found = std::iter::from_fn(|| bob.poll_output()).last();
    let Some(PresenceOutput::Found { under, address, .. }) = found else {
        panic!("{found:?}");
    };
    assert_eq!(under, Some(InviteId([5; 16])));
    assert_eq!(address.contact, Some(own(1).contact.route));
    let mut damaged = codec::encode(record);
    *damaged.last_mut().expect("a signature") ^= 1;
    let damaged = codec::decode(&damaged).expect("of the same form");
    assert!(bob.handle_record(now, ALICE, &damaged).is_err());

    bob.handle_alternatives(ALICE, Vec::new());
    assert_eq!(asked_for(&mut bob, now).len(), 1);
    assert!(bob.handle_record(now, ALICE, record).is_err());
}

#[test]
fn what_is_read_again_under_another_secret_is_no_news_and_an_older_record_is_refused() {
    let (mut alice, mut published) = settled();
    let moved = NOON + MINUTE;
    alice.handle_address(moved, own(2)).expect("it fits");
    published.extend(records(run(&mut alice, moved + MINUTE)));
    let [old, new] = published.as_slice() else {
        panic!("{} records", published.len());
    };
    let alternatives = vec![Alternative {
        invite: InviteId([5; 16]),
        reach: REACH,
    }];
    let mut bob = presence(BOB, NOON);
    bob.handle_contact_added(NOON, ALICE, [8; 32], Told::Everything);
    bob.handle_alternatives(ALICE, alternatives.clone());
    asked_for(&mut bob, NOON);
    let mut news = |record| {
        // Told once more by the address book, they are what they were.
        bob.handle_alternatives(ALICE, alternatives.clone());
        bob.handle_record(NOON, ALICE, record)?;
        let found = std::iter::from_fn(|| bob.poll_output()).last();
        match found {
            Some(PresenceOutput::Found { is_newer, .. }) => Ok(is_newer),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(news(old), Ok(true));
    assert_eq!(news(old), Ok(false));
    assert_eq!(news(new), Ok(true));
    assert_eq!(news(old), Err(FindError::Stale));
}

#[test]
fn nothing_else_is_looked_for_of_somebody_who_is_no_contact() {
    let mut bob = asking(NOON);
    let invite = InviteId([4; 16]);
    let reach = [9; 32];
    bob.handle_alternatives(ALICE, vec![Alternative { invite, reach }]);
    bob.handle_alternatives(BOB, vec![Alternative { invite, reach }]);
    bob.handle_contact_removed(NOON, ALICE);
    assert!(bob.alternatives.is_empty());
}
