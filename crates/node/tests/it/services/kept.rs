//! Offers that outlive the process.

use super::*;

fn offer(local: Local, access: Access) -> ServiceOffer {
    ServiceOffer {
        name: name("test"),
        local,
        access,
    }
}

async fn is_reached(alice: &Node, bob: &Node) -> Result<(), ErrorKind> {
    let mut forward = bob
        .forward(alice.peer_id(), &name("test"), Local::Tcp(ANY.into()))
        .await
        .expect("a port");
    match soon("an answer", first_byte(&forward)).await {
        Ok(_) => Ok(()),
        Err(_) => Err(soon("a failure", forward.next_failure())
            .await
            .expect("told")
            .kind()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_that_is_kept_is_there_after_a_restart_until_it_is_withdrawn() {
    let local = Local::Tcp(server(echo).await);
    let directory = tempfile::tempdir().expect("a place");
    let alice_at = || local_node().data_dir(directory.path()).name("Alice");
    let alice = spawn(alice_at()).await;
    let kept = offer(local, Access::Contacts);
    alice.keep_offer(kept.clone()).await.expect("saved");
    alice.shutdown().await;
    drop(alice);

    let alice = spawn(alice_at()).await;
    assert_eq!(alice.offers().await, [kept]);
    let bob = spawn(local_node().name("Bob")).await;
    befriend(&alice, &bob).await;
    assert_eq!(is_reached(&alice, &bob).await, Ok(()));
    let named = offer(local, Access::Named([alice.peer_id()].into()));
    alice.keep_offer(named.clone()).await.expect("replaced");
    assert_eq!(is_reached(&alice, &bob).await, Err(ErrorKind::NotAllowed));
    let gone = alice.withdraw_offer(&name("test"), Transport::Udp).await;
    assert!(!gone.expect("saved"), "over UDP it was never offered");
    let gone = alice.withdraw_offer(&name("test"), Transport::Tcp).await;
    assert!(gone.expect("saved"));
    assert_eq!(is_reached(&alice, &bob).await, Err(ErrorKind::NotFound));
    alice.shutdown().await;
    drop(alice);

    let alice = spawn(alice_at()).await;
    assert_eq!(alice.offers().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_offered_by_the_process_is_not_replaced_by_what_is_kept() {
    let alice = spawn(local_node().name("Alice")).await;
    let local = Local::Tcp(server(echo).await);
    let _offered = alice
        .offer(name("test"), local, Access::Contacts)
        .expect("free");
    let refused = alice.keep_offer(offer(local, Access::Contacts)).await;
    assert!(matches!(refused, Err(Error::Accept(_))), "{refused:?}");
    assert_eq!(alice.offers().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_services_of_a_node_are_bounded() {
    use kith::protocol::service::SERVICES_KEPT_MAX;
    let alice = spawn(local_node().name("Alice")).await;
    let local = Local::Udp(([127, 0, 0, 1], 9).into());
    for number in 0..=SERVICES_KEPT_MAX {
        let offer = ServiceOffer {
            name: name(&format!("service-{number}")),
            local,
            access: Access::Contacts,
        };
        let kept = alice.keep_offer(offer).await;
        assert_eq!(kept.is_ok(), number < SERVICES_KEPT_MAX, "{kept:?}");
    }
    let names = (0..=255).map(|byte| kith::core::ids::PeerId([byte; 32]));
    let crowd = Access::Named(names.chain([alice.peer_id()]).collect());
    let refused = alice.keep_offer(offer(local, crowd)).await;
    assert_eq!(refused.expect_err("257 names").kind(), ErrorKind::Usage);
}
