//! Links in the hands of people they are not for.

use kith::Stream;
use kith::core::codec::{self, Wire as _};
use kith::core::content::access::LinkProof;
use kith::core::content::wire::{Answer, PROTOCOL, Proof, Request};
use kith::core::crypto::Ed25519;
use kith::core::ids::ShareId;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

/// A stream of the share protocol from `person` to `alice`.
async fn open(person: &Person, alice: &Person) -> Stream {
    let name = [PROTOCOL.parse().expect("a valid name")];
    let opened = person.node.open(alice.node.peer_id(), &name).await;
    let mut stream = opened.expect("a session");
    stream.agreed().await.expect("spoken");
    stream
}

/// What Alice answers to whoever shows this.
async fn ask(stream: &mut Stream, share: ShareId, proof: Proof) -> Answer {
    let request = codec::frame(&codec::encode(&Request::Head { share, proof }));
    stream.write_all(&request).await.expect("sent");
    let mut header = [0; 4];
    stream.read_exact(&mut header).await.expect("an answer");
    let length = codec::frame_length(header, Answer::BYTES_MAX).expect("bounded");
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.expect("all of it");
    codec::decode(&body).expect("an answer")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_proof_replayed_in_another_session_opens_nothing() {
    let (alice, bob) = two_who_met().await;
    let eve = Person::new("eve").await;
    alice.meet(&eve).await;
    alice.write("letter", b"for whoever holds the link");
    let published = alice.share("letter", Recipients::Link).await;
    let link = published.share.link;
    let (share, secret) = (link.share, link.secret.expect("a link that opens"));

    let mut of_bob = open(&bob, &alice).await;
    let sign = |stream: &Stream| {
        let key = secret.key(&share);
        LinkProof::sign(&Ed25519, &key, share, stream.exporter())
    };
    let proof = Proof::Link(sign(&of_bob));
    let answer = ask(&mut of_bob, share, proof.clone()).await;
    assert!(matches!(answer, Answer::Head { .. }), "{answer:?}");

    let mut of_eve = open(&eve, &alice).await;
    assert_eq!(ask(&mut of_eve, share, proof).await, Answer::Gone);
    // Only the proof was wrong: one of her own session opens it.
    let proof = Proof::Link(sign(&of_eve));
    let answer = ask(&mut of_eve, share, proof).await;
    assert!(matches!(answer, Answer::Head { .. }), "{answer:?}");
}
