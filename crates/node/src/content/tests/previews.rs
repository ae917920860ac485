//! Streams of `/kith/preview/1` in memory: who is judged when, and how streams end.

use std::collections::BTreeSet;
use std::sync::Arc;

use kith_core::content::access::Asker;
use kith_core::content::preview::wire::Ask;
use kith_core::content::preview::{AskerMessage, Open, ProviderMessage, Refusal, Size};
use kith_core::ids::ShareId;
use tokio::io::{AsyncWriteExt as _, DuplexStream, duplex, split};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::copies::{alice, carol, fetched, grant};
use super::world::{EXPORTER, NOW, World};
use crate::content::error::STALL_MAX;
use crate::content::previews::{Pending, ask_all, give};
use crate::content::serve::IDLE_MAX;
use crate::content::{
    Credential, GetError, Previews, Recipients, ServeError, Stream, asking, frames,
};

/// Somebody who looks at pictures in a share.
struct Viewer {
    stream: DuplexStream,
    given: JoinHandle<Result<(), ServeError>>,
}

impl Viewer {
    /// Who looks at a share of this world, which makes no previews.
    async fn new(world: &World, share: ShareId, credential: &Credential) -> Self {
        let folder = world.folder.path().join("previews");
        let previews = Arc::new(Previews::new(Arc::clone(&world.shares), &folder, None));
        let (stream, theirs) = duplex(1 << 16);
        let (reader, writer) = split(theirs);
        let given = tokio::spawn(give(previews, reader, writer, world.session()));
        let mut viewer = Self { stream, given };
        let proof = credential.proof(&share, &EXPORTER);
        let open = Open::new(share, proof);
        viewer.say(&AskerMessage::Open(open)).await;
        viewer
    }

    async fn say(&mut self, message: &AskerMessage) {
        let sent = self.stream.write_all(&frames::frame(message)).await;
        sent.expect("heard");
    }

    async fn ask(&mut self, id: u64, path: &str) {
        let ask = Ask {
            id,
            path: path.to_owned(),
            size: Size::Small,
            known: None,
        };
        self.say(&AskerMessage::Ask(ask)).await;
    }

    async fn answer(&mut self) -> ProviderMessage {
        let answer = frames::read(&mut self.stream).await;
        answer.expect("a message").expect("not the end")
    }
}

/// What is answered for a file that is there and for the asker.
fn not_made(id: u64) -> ProviderMessage {
    let why = Refusal::NotMade;
    ProviderMessage::None { id, why }
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_with_a_share_that_is_gone_whatever_else_was_asked() {
    let world = World::new();
    let mut viewer = Viewer::new(&world, ShareId([7; 32]), &Credential::Session).await;
    for id in 0..9 {
        viewer.ask(id, "a.jpg").await;
    }
    assert_eq!(viewer.answer().await, ProviderMessage::Gone);
    // Nothing more is said, and the stream is held open.
    let ended = timeout(10 * IDLE_MAX, viewer.given).await;
    ended
        .expect("in time")
        .expect("no panic")
        .expect("no fault");
}

#[tokio::test]
async fn whoever_loses_a_share_between_two_questions_gets_no_second_answer() {
    let world = World::new();
    world.write("a.jpg", b"1");
    let share = world.share(Recipients::Contacts).head.share;
    let mut viewer = Viewer::new(&world, share, &Credential::Session).await;
    viewer.ask(0, "a.jpg").await;
    assert_eq!(viewer.answer().await, not_made(0));
    world.shares.unshare(&share, NOW).expect("shared");
    viewer.ask(1, "a.jpg").await;
    assert_eq!(viewer.answer().await, ProviderMessage::Gone);
}

#[tokio::test]
async fn whoever_is_blocked_between_two_questions_gets_no_second_answer() {
    let (_alice, mut bob, shared) = fetched(Recipients::Contacts).await;
    bob.asker = Asker::STRANGER;
    let share = shared.head.share;
    let carols = grant(&alice(), share, &carol(), 1, NOW);
    let mut viewer = Viewer::new(&bob, share, &carols).await;
    viewer.ask(0, "sub/picture.jpg").await;
    assert_eq!(viewer.answer().await, not_made(0));
    let blocked = BTreeSet::from([carol().peer_id()]);
    bob.shares.others().set_blocked(blocked);
    viewer.ask(1, "sub/picture.jpg").await;
    assert_eq!(viewer.answer().await, ProviderMessage::Gone);
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_reads_nothing_is_given_up() {
    let share = ShareId([7; 32]);
    let deaf = || {
        let (mine, theirs) = duplex(1);
        let (reader, writer) = split(mine);
        let exporter = EXPORTER;
        let stream = Stream {
            reader,
            writer,
            exporter,
        };
        (stream, theirs)
    };
    let (stream, _theirs) = deaf();
    let (_asks, mut wanted) = mpsc::channel(1);
    let (mut pending, session) = (Pending::default(), Credential::Session);
    let asked = ask_all(stream, share, &session, &mut pending, &mut wanted);
    let asked = timeout(10 * STALL_MAX, asked).await.expect("in time");
    assert!(matches!(asked, Err(GetError::Stalled)), "{asked:?}");
    let (stream, _theirs) = deaf();
    let asked = asking::head(stream, share, &session, None, NOW);
    let asked = timeout(10 * STALL_MAX, asked).await.expect("in time");
    assert!(matches!(asked, Err(GetError::Stalled)), "{asked:?}");
}
