//! Whatever goes wrong, no wrong byte and no half file gets a final name, and the next run goes on.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use kith_core::codec;
use kith_core::content::swarm::span::{CHUNK_BYTES_MIN, Span};
use kith_core::content::swarm::wire::{Ask, AskerMessage, Open, ProviderMessage, What};
use kith_core::content::wire::Proof;
use kith_core::crypto::{Ed25519, SecretKey};
use kith_core::data::head::{Audience, Layout, Ownership, SignedHead, Terms};
use kith_core::data::manifest::{FILE_BYTES_MAX, Totals};
use kith_core::ids::{BlobHash, ShareId};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::fake::{self, Reply};
use super::world::{Fault, LAN, NOW, PROVIDER, World, bytes, getting, snapshot};
use crate::content::swarm::Intake;
use crate::content::{Answered, Credential, GetError, Recipients, Stream, asking, frames, get};

/// Who cannot write for so long is not heard: whatever is heard is heard in milliseconds.
const UNHEARD_AFTER: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_byte_is_an_error_and_nothing_gets_a_final_name() {
    for at in [2_000, 100_000, 2 << 20] {
        let mut world = World::new();
        world.write("big", &bytes(1, 3 << 20));
        world.write("small", &bytes(2, 5_000));
        let share = world.share(Recipients::Contacts).head.share;
        world.fault = Fault::Flip(at);
        let error = world
            .get(world.request(share))
            .await
            .expect_err("a changed byte");
        let told = matches!(
            error,
            GetError::Corrupt(_) | GetError::Connection(_) | GetError::Protocol(_)
        );
        assert!(told, "{error}");
        assert!(!world.out().join("holiday").exists());
        world.fault = Fault::None;
        let got = world
            .get(world.request(share))
            .await
            .expect("an honest provider");
        assert_eq!(snapshot(&got.target), snapshot(&world.source()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_byte_of_a_file_is_told_as_such() {
    let mut world = World::new();
    world.write("big", &bytes(1, 900_000));
    let share = world.share(Recipients::Contacts).head.share;
    world.fault = Fault::Flip(500_000);
    let error = world
        .get(world.request(share))
        .await
        .expect_err("a changed byte");
    assert!(
        matches!(&error, GetError::Corrupt(path) if path == "big"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_cut_off_leaves_nothing_final_and_the_next_goes_on() {
    let mut world = World::new();
    world.write("big", &bytes(1, 24 << 20));
    for number in 0..200 {
        world.write(&format!("many/{number}"), &bytes(number, 10_000));
    }
    let share = world.share(Recipients::Contacts).head.share;
    world.fault = Fault::Cut(16 << 20);
    let error = world.get(world.request(share)).await.expect_err("cut off");
    assert!(matches!(error, GetError::Connection(_)), "{error}");
    assert!(!world.out().join("holiday").exists());
    world.fault = Fault::None;
    let got = world
        .get(world.request(share))
        .await
        .expect("an honest provider");
    assert_eq!(snapshot(&got.target), snapshot(&world.source()));
    assert!(
        got.fetched < got.bytes,
        "fetched {} of {}",
        got.fetched,
        got.bytes
    );
    assert_eq!(world.out_names(), ["holiday"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_that_the_disk_lost_are_fetched_again() {
    let mut world = World::new();
    world.write("big", &bytes(1, 12 << 20));
    for number in 0..50 {
        world.write(&format!("many/{number}"), &bytes(number, 10_000));
    }
    let share = world.share(Recipients::Contacts).head.share;
    world.fault = Fault::Cut(8 << 20);
    world.get(world.request(share)).await.expect_err("cut off");
    let staging = world
        .out()
        .join(world.out_names().first().expect("a staging folder"));
    let mut damaged = 0;
    for path in snapshot(&staging.join("tree")).into_keys() {
        let path = staging.join("tree").join(path);
        if path.is_file() {
            // As a file system leaves it after a power cut: the length is there, the bytes are not.
            let length = usize::try_from(fs::metadata(&path).expect("there").len()).expect("small");
            fs::write(&path, vec![0; length]).expect("written");
            damaged += 1;
        }
    }
    assert!(damaged > 0);
    world.fault = Fault::None;
    let got = world
        .get(world.request(share))
        .await
        .expect("an honest provider");
    assert_eq!(snapshot(&got.target), snapshot(&world.source()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_edited_while_it_is_served_is_told_as_changed() {
    let mut world = World::new();
    world.write("big", &bytes(1, 48 << 20));
    let share = world.share(Recipients::Contacts).head.share;
    let path = world.source().join("big");
    let edit = move || fs::write(&path, b"edited").expect("written");
    world.fault = Fault::At(8 << 20, Arc::new(edit));
    let error = world.get(world.request(share)).await.expect_err("changed");
    assert!(
        matches!(&error, GetError::Changed { path, .. } if path == "big"),
        "{error}"
    );
    assert!(!world.out().join("holiday").exists());
}

#[tokio::test]
async fn a_file_that_vanished_is_told_as_changed() {
    let mut world = World::new();
    world.write("f", b"x");
    let share = world.share(Recipients::Contacts).head.share;
    let file = world.source().join("f");
    // As soon as the head has come.
    let remove = move || fs::remove_file(&file).expect("removed");
    world.fault = Fault::At(1, Arc::new(remove));
    assert!(matches!(
        world.get(world.request(share)).await,
        Err(GetError::Changed { .. })
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_share_taken_back_under_way_is_told_as_gone() {
    let mut world = World::new();
    world.write("big", &bytes(1, 48 << 20));
    let share = world.share(Recipients::Contacts).head.share;
    let shares = Arc::clone(&world.shares);
    let unshare = move || {
        shares.unshare(&share, NOW).expect("taken back");
    };
    world.fault = Fault::At(8 << 20, Arc::new(unshare));
    let error = world
        .get(world.request(share))
        .await
        .expect_err("taken back");
    assert!(matches!(error, GetError::Gone), "{error}");
}

/// A provider whose tree is a lie: it answers with this root node, whatever is asked.
async fn lying(world: &World, root: Vec<u8>) -> GetError {
    lying_about(world, root, Totals { bytes: 1, files: 1 }).await
}

/// As [`lying`], with these totals in its head.
async fn lying_about(world: &World, root: Vec<u8>, totals: Totals) -> GetError {
    let secret = SecretKey::from_bytes([66; 32]);
    let share = secret.share_id();
    let hash = BlobHash(*blake3::hash(&root).as_bytes());
    let terms = Terms {
        owner: Ownership::sign(&Ed25519, &SecretKey::from_bytes([1; 32]), &share),
        sequence: 1,
        epoch: 1,
        manifest: hash,
        name: "holiday".into(),
        audience: Audience::Public,
        layout: Layout::Folder,
        totals,
        at: NOW,
    };
    let head = SignedHead::sign(&Ed25519, &secret, terms).expect("a safe name");
    let answered = Answered {
        head: head.trusted().expect("just signed"),
        signed: codec::encode(&head),
        grant: None,
    };
    let request = world.request(share);
    let ask = || std::future::ready(Ok(answered.clone()));
    let feed = async |intake: Intake| {
        let end = fake::run(intake, move |asked| match asked.what {
            What::Node(_) => Reply::Data(root.clone()),
            What::Span(_) => Reply::Data(vec![0]),
        });
        end.await.into()
    };
    get(&getting(), ask, feed, request, |_| {})
        .await
        .expect_err("a lie")
}

/// A node of one entry, in raw CBOR: our own builder would refuse to make these.
fn node(entry: &[u8]) -> Vec<u8> {
    [&[0x82, 1, 0x82, 0, 0x81, 0x81], entry].concat()
}

fn text(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).expect("short");
    assert!(length < 24, "the short form");
    [&[0x60 | length], text.as_bytes()].concat()
}

#[tokio::test]
async fn a_tree_that_leads_out_of_its_folder_is_refused() {
    let world = World::new();
    let file = |name: &str| {
        let fields = [
            &[0x85][..],
            &text(name),
            &[1, 0x58, 32],
            &[7; 32],
            &[0xf4, 0],
        ]
        .concat();
        node(&[&[0x82, 0, 0x81][..], &fields].concat())
    };
    for name in ["..", "../escaped", "/escaped", "a\\b", "C:x", "nul", "x."] {
        let error = lying(&world, file(name)).await;
        assert!(matches!(error, GetError::Tree(_)), "{name}: {error}");
    }
    for target in ["../../escaped", "/etc/passwd", "a/../../x"] {
        let fields = [&[0x82][..], &text("l"), &text(target)].concat();
        let error = lying(&world, node(&[&[0x82, 2, 0x81][..], &fields].concat())).await;
        assert!(matches!(error, GetError::Tree(_)), "{target}: {error}");
    }
    // The same in honest words is taken as far as its content, so the refusals above are about the names.
    let error = lying(&world, file("fine")).await;
    assert!(matches!(error, GetError::Corrupt(_)), "{error}");
    assert!(!world.out().join("holiday").exists());
    assert!(!world.folder.path().join("escaped").exists());
}

/// Two entries, each a file of one byte of this name.
fn two_files(names: [&str; 2]) -> Vec<u8> {
    let file = |name: &str| {
        let fields = [&[0x85], text(name).as_slice(), &[1, 0x58, 32]].concat();
        [&[0x82, 0, 0x81], fields.as_slice(), &[7; 32], &[0xf4, 0]].concat()
    };
    let [first, second] = names.map(file);
    [&[0x82, 1, 0x82, 0, 0x81, 0x82], &first[..], &second].concat()
}

#[tokio::test]
async fn names_that_differ_only_in_case_or_normalisation_are_refused() {
    let world = World::new();
    let totals = Totals { bytes: 2, files: 2 };
    for names in [["README", "readme"], ["cafe\u{301}", "caf\u{e9}"]] {
        let error = lying_about(&world, two_files(names), totals).await;
        assert!(error.to_string().contains("differ only in case"), "{error}");
    }
    for names in [["a", "a"], ["b", "a"]] {
        let error = lying_about(&world, two_files(names), totals).await;
        assert!(matches!(error, GetError::Tree(_)), "{names:?}: {error}");
    }
    let error = lying_about(&world, two_files(["a", "b"]), totals).await;
    assert!(matches!(error, GetError::Corrupt(_)), "{error}");
}

#[tokio::test]
async fn a_tree_that_is_said_to_contain_itself_is_found_out() {
    let world = World::new();
    // A hash cannot name what contains it; so whoever answers with the root again sends what does not match.
    let below = [
        &[0x83][..],
        &text("d"),
        &[0x58, 32],
        &[7; 32],
        &[0x82, 1, 1],
    ]
    .concat();
    let error = lying(&world, node(&[&[0x82, 1, 0x81][..], &below].concat())).await;
    assert!(matches!(error, GetError::Corrupt(_)), "{error}");
    assert!(!world.out().join("holiday").exists());
}

#[tokio::test]
async fn a_file_of_an_absurd_size_is_refused_before_room_is_made_for_it() {
    let world = World::new();
    for bytes in [1 << 50, FILE_BYTES_MAX, FILE_BYTES_MAX + 1, u64::MAX] {
        let size = [&[0x1b][..], &bytes.to_be_bytes()].concat();
        let fields = [&[0x85][..], &text("f"), &size, &[0x58, 32], &[7; 32]].concat();
        let root = node(&[&[0x82, 0, 0x81][..], &fields, &[0xf4, 0]].concat());
        let error = lying_about(&world, root.clone(), Totals { bytes, files: 1 }).await;
        match bytes > FILE_BYTES_MAX {
            false => assert!(matches!(error, GetError::DiskFull), "{bytes}: {error}"),
            true => assert!(error.to_string().contains("no file has"), "{error}"),
        }
        let error = lying(&world, root).await;
        assert!(matches!(error, GetError::Tree(_)), "{bytes}: {error}");
    }
    assert!(!world.out().join("holiday").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_gets_of_the_same_to_the_same_place_one_is_told_so_and_the_other_ends_well() {
    let world = World::new();
    world.write("big", &bytes(1, 8 << 20));
    let share = world.share(Recipients::Contacts).head.share;
    let (one, other) = tokio::join!(
        world.get(world.request(share)),
        world.get(world.request(share))
    );
    let (done, told) = if one.is_ok() {
        (one, other)
    } else {
        (other, one)
    };
    let got = done.expect("one of them");
    assert!(matches!(told, Err(GetError::Busy(_))), "{told:?}");
    assert_eq!(snapshot(&got.target), snapshot(&world.source()));
    assert_eq!(world.out_names(), ["holiday"]);
}

#[tokio::test]
async fn a_provider_that_sends_no_protocol_is_an_error() {
    let world = World::new();
    for garbage in [
        &[0xff; 64][..],
        &[0, 0, 0, 1, 0xff],
        b"HTTP/1.1 200 OK\r\n\r\n",
        &[],
    ] {
        let ask = async || {
            let stream = fake::saying(garbage);
            let share = ShareId([1; 32]);
            asking::head(stream, share, &Credential::Session, None, NOW).await
        };
        let feed = |_| std::future::pending();
        let request = world.request(ShareId([1; 32]));
        let error = get(&getting(), ask, feed, request, |_| {})
            .await
            .expect_err("garbage");
        assert!(matches!(error, GetError::Connection(_)), "{error}");
        let share = world.share(Recipients::Contacts).head.share;
        let request = world.request(share);
        let ask = || world.head(&request);
        let feed = async |intake: Intake| {
            let stream = fake::saying(garbage);
            let end = intake.source(stream, PROVIDER, LAN, &Credential::Session);
            end.await.into()
        };
        let error = get(&getting(), ask, feed, request.clone(), |_| {})
            .await
            .expect_err("garbage");
        let told = matches!(error, GetError::Connection(_) | GetError::Protocol(_));
        assert!(told, "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_and_cancels_without_reading_is_not_heard() {
    /// Both ways of the stream hold 1 MiB; what was heard before that is less than as much again.
    const HEARD_MAX: usize = 4 << 20;
    let world = World::new();
    world.write("big", &bytes(1, 8 << 20));
    let share = world.share(Recipients::Contacts).head.share;
    let head = world.head(&world.request(share)).await.expect("there").head;
    let (root, size) = (head.manifest, head.totals.bytes);
    let Stream {
        mut reader,
        mut writer,
        ..
    } = world.swarm_stream();
    let begin = [
        AskerMessage::Open(Open::new(share, root, size, Proof::Session)),
        AskerMessage::Interest(true),
    ];
    for message in begin {
        let frame = frames::frame(&message);
        writer.write_all(&frame).await.expect("heard");
    }
    while frames::read(&mut reader).await.expect("answered") != Some(ProviderMessage::Free) {}
    let chunk = Span {
        start: 0,
        end: CHUNK_BYTES_MIN,
    };
    let mut written = 0;
    for id in 0.. {
        let ask = Ask {
            id,
            what: What::Span(chunk),
        };
        let frame = [
            frames::frame(&AskerMessage::Request(vec![ask])),
            frames::frame(&AskerMessage::Cancel(vec![id])),
        ]
        .concat();
        let sent = tokio::time::timeout(UNHEARD_AFTER, writer.write_all(&frame)).await;
        let Ok(sent) = sent else {
            break;
        };
        sent.expect("not ended for it");
        written += frame.len();
        assert!(written < HEARD_MAX, "{written} bytes were heard");
    }
    let got = world.get(world.request(share)).await;
    let got = got.expect("others are served meanwhile");
    assert_eq!(snapshot(&got.target), snapshot(&world.source()));
}

#[tokio::test]
async fn a_request_that_is_none_ends_the_stream_and_only_it() {
    let world = World::new();
    world.write("f", b"x");
    let share = world.share(Recipients::Contacts).head.share;
    for stream in [world.stream(), world.swarm_stream()] {
        let Stream {
            mut reader,
            mut writer,
            ..
        } = stream;
        writer.write_all(&[0xff; 64]).await.expect("sent");
        let mut rest = Vec::new();
        // The provider lets go of the stream without an answer.
        assert_eq!(reader.read_to_end(&mut rest).await.unwrap_or(0), 0);
    }
    world
        .get(world.request(share))
        .await
        .expect("others are served");
}
