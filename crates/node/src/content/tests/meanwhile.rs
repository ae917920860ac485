//! People who fetch from Alice, and give what comes to others meanwhile.

use std::sync::Arc;

use tokio::sync::watch;

use super::copies::{alice, carol, grant, learn};
use super::world::{Fault, LAN, NOW, PROVIDER, World, getting};
use crate::content::swarm::Intake;
use crate::content::{Credential, Get, GetError, Got, Held, Progress, Providing, get};

/// What the owner gives in a second on each stream, in bytes.
pub(super) const RATE: u64 = 3 << 20;

/// More than all that is said before content is given, and less than a chunk.
pub(super) const SOME_BYTES: u64 = 64 << 10;

/// The same request, by somebody who gives what comes to others meanwhile.
pub(super) fn giving(request: Get, world: &World) -> Get {
    Get {
        out: world.out(),
        providing: Some(Providing {
            giving: Arc::clone(&world.giving),
            audience: Arc::new(watch::Sender::default()),
        }),
        ..request
    }
}

/// Waits until what a request brings is provided.
pub(super) async fn begun(request: &Get) {
    let providing = request.providing.as_ref().expect("set");
    let mut audience = providing.audience.subscribe();
    let begun = audience.wait_for(Option::is_some).await;
    begun.expect("the sender is held");
}

/// Fetches from Alice, and says how far it is.
pub(super) async fn fetch(
    alice: &World,
    request: &Get,
    report: impl FnMut(&Progress) + Send,
) -> Result<Got, GetError> {
    let ask = || alice.head(request);
    let feed = async |intake: Intake| {
        let stream = alice.stream_to_another(Fault::None, Some(RATE));
        let end = intake.source(stream, PROVIDER, LAN, &request.credential);
        end.await.into()
    };
    get(&getting(), ask, feed, request.clone(), report).await
}

/// What Carol, a friend of Alice's, asks of somebody for.
pub(super) fn carols(request: Get, of: &World) -> Get {
    Get {
        credential: grant(&alice(), request.share, &carol(), 1, NOW),
        out: of.folder.path().join("carols"),
        ..request
    }
}

/// Somebody keeps what they got, and provides it.
pub(super) async fn keep(alice: &World, world: &World, got: &Got) {
    let share = got.head.share;
    learn(alice, world, share, &Credential::Session).await;
    let held = Held {
        share,
        manifest: got.head.manifest,
        target: got.target.clone(),
        keep: false,
        selected_of: got.selected_of.clone(),
    };
    world.shares.hold(&held, NOW).expect("kept");
    assert!(world.shares.examine(&share).expect("read"));
    world.giving.settle(&(share, got.head.manifest));
}
