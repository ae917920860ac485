//! What is spoken on a stream: the opener's first choice that the other side speaks with it, or a typed refusal.

use super::*;
use kith::core::peer::InviteOptions;

async fn open(node: &Node, to: &Node, names: &[&str]) -> Result<Stream, Error> {
    let names: Vec<_> = names.iter().map(|name| protocol(name)).collect();
    soon("an answer", node.open(to.peer_id(), &names)).await
}

/// What a single offer comes to.
async fn refusal(node: &Node, to: &Node, name: &str) -> Option<Refused> {
    let mut stream = open(node, to, &[name])
        .await
        .expect("nothing is waited for");
    let agreed = soon("an answer", stream.agreed()).await;
    Some(read(&agreed.err()?))
}

/// What a failed stream says of why.
fn read(error: &std::io::Error) -> Refused {
    let refused = error.get_ref().and_then(|inner| inner.downcast_ref());
    assert!(refused.is_some(), "{error:?}");
    *refused.expect("a refusal and no other failure")
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_only_writes_is_told_of_a_refusal_too() {
    let (alice, bob) = two().await;
    let mut stream = open(&bob, &alice, &["/nothing/1"])
        .await
        .expect("nothing is waited for");
    let refused = async {
        loop {
            if let Err(refused) = stream.write_all(&[0; 1000]).await {
                return refused;
            }
        }
    };
    let refused = soon("a refusal", refused).await;
    assert_eq!(read(&refused), Refused::Unsupported);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_offer_that_both_speak_is_picked() {
    let (alice, bob) = two().await;
    echo(&alice, "/chess/1");
    echo(&alice, "/chess/2");
    echo(&alice, "/go/v1.2");
    for (offers, picked) in [
        (&["/chess/3", "/chess/2", "/chess/1"][..], "/chess/2"),
        (&["/chess/1", "/chess/2"], "/chess/1"),
        (&["/draughts/1", "/go/v1.2", "/chess/2"], "/go/v1.2"),
    ] {
        let mut stream = open(&bob, &alice, offers).await.expect("one is spoken");
        assert_eq!(stream.protocol().as_str(), picked);
        soon("an answer", ask(&mut stream))
            .await
            .expect("it is spoken");
    }
    // Names match whole: neither a prefix nor another version is the same protocol.
    let refused = open(&bob, &alice, &["/chess", "/go/1.2", "/chess/10"]).await;
    let Err(Error::Refused { refused, .. }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(refused, Refused::Unsupported);
    assert!(matches!(open(&bob, &alice, &[]).await, Err(Error::Offers)));
    assert!(matches!(
        open(&bob, &alice, &["/a/1"; 17]).await,
        Err(Error::Offers)
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_is_told_what_it_may_not_use_and_a_guest_is_not() {
    let (alice, bob) = two().await;
    let carol = spawn(local_node().name("Carol")).await;
    let options = InviteOptions {
        reusable: true,
        life: Duration::from_secs(3600),
        with_addresses: true,
    };
    let invite = alice
        .address_book()
        .invite(options)
        .await
        .expect("an invite");
    carol.address_book().add(invite, None).await.expect("good");
    soon("a meeting", wait_for_contact(&alice, carol.peer_id()))
        .await
        .expect("running");
    let _named = alice
        .accept(
            protocol("/named/1"),
            Access::Named([alice.peer_id()].into()),
        )
        .expect("free");
    let _contacts = alice
        .accept(protocol("/contacts/1"), Access::Contacts)
        .expect("free");
    let _guests = alice
        .accept(protocol("/guests/1"), Access::Guests)
        .expect("free");

    // Bob is a contact; Carol, who came by a reusable invite, is pending.
    assert_eq!(
        refusal(&bob, &alice, "/named/1").await,
        Some(Refused::NotAllowed)
    );
    assert_eq!(refusal(&bob, &alice, "/contacts/1").await, None);
    assert_eq!(
        refusal(&bob, &alice, "/nothing/1").await,
        Some(Refused::Unsupported)
    );
    for hidden in ["/named/1", "/contacts/1", "/nothing/1"] {
        assert_eq!(
            refusal(&carol, &alice, hidden).await,
            Some(Refused::Unsupported),
            "{hidden}"
        );
    }
    assert_eq!(refusal(&carol, &alice, "/guests/1").await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_take_its_streams_is_busy() {
    use kith::peer::protocols::WAITING_MAX;
    let (alice, bob) = two().await;
    let carol = spawn(local_node().name("Carol")).await;
    befriend(&alice, &carol).await;
    let mut streams = alice
        .accept(protocol("/slow/1"), Access::Contacts)
        .expect("free");
    let mut open_streams = Vec::new();
    for number in 0..WAITING_MAX {
        let opener = if number % 2 == 0 { &bob } else { &carol };
        let mut stream = open(opener, &alice, &["/slow/1"]).await.expect("a session");
        soon("an answer", stream.agreed()).await.expect("room");
        open_streams.push(stream);
    }
    assert_eq!(refusal(&bob, &alice, "/slow/1").await, Some(Refused::Busy));
    drop(soon("a stream", streams.next()).await);
    assert_eq!(refusal(&bob, &alice, "/slow/1").await, None);
}
