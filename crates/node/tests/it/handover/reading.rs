//! Any file is read by its path in a share: where it lies, from a transfer, or by fetching just what is read.

use std::fs;
use std::path::Path;

use kith::content::{FileReader, Level, ReadError, Recipients};
use kith::core::content::limits::{Cap, Plan};
use kith::peer::{Attached, ShareName, ShareSource, TransferState};
use kith::{Error, ErrorKind};

use super::copies::examined;
use super::people::{PATIENCE, Person, bytes};
use super::two_who_met;
use crate::waiting::a_moment;

const FILM_BYTES: usize = 12 << 20;

/// A name that a browser would take for markup, and that is not ASCII.
const ODD: &str = "<b onload=\"x()\">Ünïcode 漢 'a'&amp;.txt";

pub(super) async fn open(person: &Person, text: &str) -> Result<FileReader, Error> {
    let source = person.node.contents().resolve(text).await?;
    person.node.contents().open(&source).await
}

async fn read(reader: &mut FileReader, from: u64) -> Result<Vec<u8>, ReadError> {
    let read = tokio::time::timeout(PATIENCE, reader.read(from));
    read.await.expect("in time")
}

async fn size(reader: &mut FileReader) -> Result<u64, ReadError> {
    let size = tokio::time::timeout(PATIENCE, reader.size());
    size.await.expect("in time")
}

/// All of a file.
pub(super) async fn all(reader: &mut FileReader) -> Result<Vec<u8>, ReadError> {
    let size = size(reader).await?;
    let mut all = Vec::new();
    while (all.len() as u64) < size {
        all.extend(read(reader, all.len() as u64).await?);
    }
    assert!(read(reader, size).await?.is_empty(), "its end");
    Ok(all)
}

/// What somebody has read of others' shares, in bytes on the disk without holes.
fn kept(person: &Person) -> u64 {
    // What makes room may go while it is looked at.
    fn beneath(folder: &Path) -> u64 {
        use std::os::unix::fs::MetadataExt as _;
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let sizes = entries.map(|entry| match entry.path() {
            path if path.is_dir() => beneath(&path),
            path => path.metadata().map_or(0, |file| file.blocks() * 512),
        });
        sizes.sum()
    }
    beneath(&person.at("data/partial"))
}

async fn with_films() -> (Person, Person, Vec<u8>) {
    let (alice, bob) = two_who_met().await;
    let film = bytes(1, FILM_BYTES);
    alice.write("films/old/film.mkv", &film);
    alice.write("films/other", &bytes(2, FILM_BYTES));
    alice.write("films/empty", b"");
    alice.write(&format!("films/{ODD}"), b"odd");
    alice.share("films", Recipients::Contacts).await;
    (alice, bob, film)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_own_file_is_read_where_it_lies_until_it_is_another() {
    let (alice, _bob, film) = with_films().await;
    let me = alice.node.peer_id();
    let mut reader = open(&alice, &format!("{me}/films/old/film.mkv"))
        .await
        .expect("mine");
    assert!(all(&mut reader).await.expect("readable") == film);
    for (path, content) in [("empty", &b""[..]), (ODD, b"odd")] {
        let mut reader = open(&alice, &format!("{me}/films/{path}"))
            .await
            .expect("mine");
        assert_eq!(all(&mut reader).await.expect("readable"), content);
    }
    for none in ["films/old", "films/none", "films/empty/none", "none/x"] {
        let refused = open(&alice, &format!("{me}/{none}")).await.expect_err(none);
        assert_eq!(refused.kind(), ErrorKind::NotFound, "{refused}");
    }
    alice.write("films/old/film.mkv", b"another");
    assert!(matches!(
        read(&mut reader, 0).await,
        Err(ReadError::Changed)
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_shared_by_itself_is_read_by_its_name_or_without() {
    let (alice, bob) = two_who_met().await;
    alice.write("notes.txt", b"hello");
    alice.share("notes.txt", Recipients::Contacts).await;
    let me = alice.node.peer_id();
    for (person, owner) in [(&alice, me.to_string()), (&bob, "alice".to_owned())] {
        for path in ["", "/notes.txt"] {
            let text = format!("{owner}/notes.txt{path}");
            let mut reader = open(person, &text).await.expect("a source");
            assert_eq!(
                all(&mut reader).await.expect("readable"),
                b"hello",
                "{text}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn just_that_of_a_contacts_file_is_fetched_which_is_read() {
    let (_alice, bob, film) = with_films().await;
    let from = 5_000_000_usize;
    let reader = open(&bob, "alice/films/old/film.mkv").await;
    let mut reader = reader.expect("a source").until(from as u64 + 1_000);
    assert_eq!(reader.size().await.expect("known"), FILM_BYTES as u64);
    let piece = read(&mut reader, from as u64).await.expect("it comes");
    assert!(piece == film[from..from + 1_000]);
    assert!(
        read(&mut reader, from as u64 + 1_000)
            .await
            .expect("its end")
            .is_empty()
    );
    let kept_then = kept(&bob);
    assert!(kept_then < 200_000, "{kept_then} bytes of it were kept");
    // It is no transfer of its own, and nothing appears anywhere.
    assert!(bob.node.contents().transfers().list().is_empty());
    assert!(
        bob.node
            .contents()
            .copies()
            .await
            .expect("readable")
            .is_empty()
    );

    for (path, content) in [("empty", &b""[..]), (ODD, b"odd")] {
        let mut reader = open(&bob, &format!("alice/films/{path}"))
            .await
            .expect("a source");
        assert_eq!(all(&mut reader).await.expect("readable"), content, "{path}");
    }
    let mut whole = open(&bob, "alice/films/old/film.mkv")
        .await
        .expect("a source");
    assert!(all(&mut whole).await.expect("readable") == film);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_read_whole_is_read_again_while_its_owner_is_away() {
    let (alice, mut bob, film) = with_films().await;
    let text = "alice/films/old/film.mkv";
    let mut reader = open(&bob, text).await.expect("a source");
    assert!(all(&mut reader).await.expect("readable") == film);
    kept_whole(&bob).await;
    alice.node.shutdown().await;
    drop(reader);
    bob.restart().await;
    let mut reader = open(&bob, text).await.expect("a source");
    assert!(all(&mut reader).await.expect("it is here") == film);
    let mut other = open(&bob, "alice/films/other").await.expect("a source");
    let away = size(&mut other).await.expect_err("nobody is there");
    assert!(matches!(away, ReadError::Away(_)), "{away}");
    assert_eq!(Error::from(away).kind(), ErrorKind::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_read_whole_is_copied_and_not_fetched_again() {
    let (_alice, bob, film) = with_films().await;
    let reader = open(&bob, "alice/films/old/film.mkv").await;
    let mut reader = reader.expect("a source");
    assert!(all(&mut reader).await.expect("readable") == film);
    kept_whole(&bob).await;
    drop(reader);
    let got = bob.get("alice/films").await.expect("fetched");
    let came: u64 = got.sources.iter().map(|source| source.bytes).sum();
    assert_eq!(came, (FILM_BYTES + 3) as u64, "the other, and the odd one");
    assert!(fs::read(bob.at("out/films/old/film.mkv")).expect("there") == film);
}

/// Waits until the film has its name where what was read is kept, which it gets when all is durable.
async fn kept_whole(bob: &Person) {
    let whole = async {
        while fetched(bob).is_none() {
            a_moment().await
        }
    };
    tokio::time::timeout(PATIENCE, whole)
        .await
        .expect("in time");
}

/// The film in the folder of what was read, once it is whole.
fn fetched(bob: &Person) -> Option<std::path::PathBuf> {
    let places = fs::read_dir(bob.at("data/partial")).expect("readable");
    let films = places.map(|place| place.expect("an entry").path().join("film.mkv"));
    films.into_iter().find(|film| film.exists())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_film_goes_on_when_its_owner_is_back_in_a_moment() {
    let (mut alice, bob, film) = with_films().await;
    let mut slower = slow();
    slower.usual.upload = Some(Cap::Rate(1 << 20));
    alice.node.contents().set_plan(slower);
    let mut reader = open(&bob, "alice/films/old/film.mkv")
        .await
        .expect("a source");
    let first = read(&mut reader, 0).await.expect("it comes");
    assert!(film.starts_with(&first));
    let reading = tokio::spawn(async move { all(&mut reader).await });
    alice.restart().await;
    let whole = reading.await.expect("no panic");
    assert!(whole.expect("she is back") == film);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_larger_than_the_room_for_it_is_read_whole() {
    // There are 64 MiB at least.
    const LARGE_BYTES: usize = 144 << 20;
    const KEPT_MAX: u64 = (64 + 40) << 20;
    let (alice, mut bob) = two_who_met().await;
    let large = bytes(1, LARGE_BYTES);
    alice.write("large/file", &large);
    alice.share("large", Recipients::Contacts).await;
    bob.node.shutdown().await;
    bob.node = kith::Node::builder()
        .data_dir(bob.at("data"))
        .bind([([127, 0, 0, 1], 0).into()])
        .lan(None)
        .port_mapping(false)
        .copies_bytes_max(0)
        .spawn()
        .await
        .expect("loopback can be bound");
    let mut reader = open(&bob, "alice/large/file").await.expect("a source");
    let (mut at, mut most) = (0, 0);
    while at < LARGE_BYTES {
        let piece = read(&mut reader, at as u64).await.expect("it comes");
        assert!(!piece.is_empty() && large[at..].starts_with(&piece), "{at}");
        at += piece.len();
        most = most.max(kept(&bob));
    }
    assert!((32 << 20..KEPT_MAX).contains(&most), "{most} bytes at once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_is_read_where_an_old_one_was() {
    let (alice, bob) = two_who_met().await;
    alice.write("notes/a", &bytes(1, 100_000));
    alice.share("notes", Recipients::Contacts).await;
    let mut reader = open(&bob, "alice/notes/a").await.expect("a source");
    assert!(all(&mut reader).await.expect("readable") == bytes(1, 100_000));
    drop(reader);
    alice.write("notes/a", &bytes(2, 200_000));
    alice.node.contents().rescan("notes").await.expect("shared");
    // What fetched the old version is still there for a while.
    let newer = async {
        loop {
            let mut reader = open(&bob, "alice/notes/a").await.expect("a source");
            let read = all(&mut reader).await.expect("readable");
            if read == bytes(2, 200_000) {
                return;
            }
            assert!(read == bytes(1, 100_000), "of one version");
            drop(reader);
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(PATIENCE, newer)
        .await
        .expect("in time");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_for_us_and_what_is_not_there_is_not_found() {
    let (alice, bob, _) = with_films().await;
    alice.write("secret", b"hush");
    alice.share("secret", Recipients::Named(Vec::new())).await;
    for text in [
        "alice/secret",
        "alice/none/x",
        "alice/films/none",
        "alice/films/old",
    ] {
        let mut reader = open(&bob, text).await.expect("a source");
        let error = size(&mut reader).await.expect_err(text);
        assert!(matches!(error, ReadError::NotFound), "{text}: {error}");
    }
    let stranger = ShareSource::of_contact(
        Person::new("carol").await.node.peer_id(),
        ShareName::Name("films".into()),
        "empty",
    );
    let mut reader = bob.node.contents().open(&stranger).await.expect("a source");
    let error = size(&mut reader).await.expect_err("no contact");
    assert!(matches!(error, ReadError::NotFound), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finished_transfer_is_read_after_a_restart() {
    let (_alice, mut bob, film) = with_films().await;
    let options = bob.options("alice/films/old").await.expect("a source");
    let transfers = bob.node.contents().transfers();
    let transfer = transfers.begin(options, true).await.expect("begun");
    let id = transfer.id();
    transfer.finished().await.expect("fetched");
    drop(transfers);
    bob.restart().await;
    let transfers = bob.node.contents().transfers();
    let mut reader = transfers.open(id, "film.mkv").expect("a path");
    assert!(all(&mut reader).await.expect("readable") == film);
    let mut none = transfers.open(id, "none").expect("a path");
    assert!(matches!(none.size().await, Err(ReadError::NotFound)));
}

/// So slow that a transfer of the films is still under way when they are read.
fn slow() -> Plan {
    let mut slow = Plan::unlimited();
    slow.usual.upload = Some(Cap::Rate(8 << 20));
    slow.local = true;
    slow
}

/// A transfer that has brought something, and goes on.
async fn under_way(person: &Person, text: &str) -> Attached {
    let options = person.options(text).await.expect("a source");
    let transfers = person.node.contents().transfers();
    let mut transfer = transfers.begin(options, true).await.expect("begun");
    while let Some(info) = transfer.changed().await {
        if info.state == TransferState::Running && info.progress.bytes > 0 {
            break;
        }
    }
    transfer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_under_way_serves_who_names_the_share_otherwise() {
    let (alice, bob, film) = with_films().await;
    alice.node.contents().set_plan(slow());
    let listed = bob.node.contents().list(alice.node.peer_id()).await;
    let share = listed.expect("listed")[0].share;
    let (name, id) = ("alice/films".to_owned(), format!("alice/{share}"));
    for (begun, read_by) in [(&name, &id), (&id, &name)] {
        let transfer = under_way(&bob, begun).await;
        let reader = open(&bob, &format!("{read_by}/old/film.mkv")).await;
        let piece = read(&mut reader.expect("a source"), 5_000_000).await;
        assert!(film[5_000_000..].starts_with(&piece.expect("it comes")));
        assert_eq!(kept(&bob), 0, "begun as {begun}, and fetched twice");
        let transfers = bob.node.contents().transfers();
        let cancelled = transfers.cancel(transfer.id(), true).await;
        cancelled.expect("there");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_under_way_and_a_copy_serve_who_reads_the_share() {
    let (alice, bob, film) = with_films().await;
    alice.node.contents().set_plan(slow());
    let transfer = under_way(&bob, "alice/films").await;
    let mut reader = open(&bob, "alice/films/old/film.mkv")
        .await
        .expect("a source");
    assert!(all(&mut reader).await.expect("readable") == film);
    assert_eq!(kept(&bob), 0, "it is not fetched twice");
    transfer.finished().await.expect("fetched");
    examined(&bob.node).await;
    alice.node.shutdown().await;
    let mut reader = open(&bob, "alice/films/old/film.mkv")
        .await
        .expect("a source");
    assert!(all(&mut reader).await.expect("readable") == film);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_of_files_is_kept_and_can_be_said_anew() {
    let (_alice, mut bob, _) = with_films().await;
    let options = bob.options("alice/films").await.expect("a source");
    options.priorities.set("", Level::Unwanted).expect("a path");
    let transfers = bob.node.contents().transfers();
    let transfer = transfers.begin(options, true).await.expect("begun");
    let id = transfer.id();
    let told = transfers.prioritise(id, "old/film.mkv", Level::High).await;
    let said = told.expect("there").priorities;
    assert_eq!(
        said.iter().collect::<Vec<_>>(),
        [("", Level::Unwanted), ("old/film.mkv", Level::High)]
    );
    let refused = transfers.prioritise(id, "..", Level::High).await;
    assert_eq!(refused.expect_err("no path").kind(), ErrorKind::Usage);
    drop((transfer, transfers));
    bob.restart().await;
    let transfers = bob.node.contents().transfers();
    assert_eq!(transfers.list()[0].priorities, said);
    let options = bob.options("alice/films").await.expect("a source");
    let mut transfer = transfers.begin(options, true).await.expect("the same");
    assert_eq!(transfer.id(), id);
    let one_film = async {
        while let Some(info) = transfer.changed().await {
            assert!(info.progress.bytes <= FILM_BYTES as u64 + (32 << 10));
            if info.progress.bytes >= FILM_BYTES as u64 {
                return;
            }
        }
        panic!("it is not over: the rest is put off");
    };
    tokio::time::timeout(PATIENCE, one_film)
        .await
        .expect("in time");
    transfers
        .prioritise(id, "", Level::Normal)
        .await
        .expect("there");
    transfer.finished().await.expect("fetched");
}
