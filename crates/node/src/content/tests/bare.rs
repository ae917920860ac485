//! A bare share gives pictures without what they say, and nothing else that lies in its folder.

use std::fs;

use kith_core::data::traces;
use kith_core::ids::ShareId;
use kith_core::random::Random;
use rusqlite::params;

use super::follow::{followed, next};
use super::world::{NOW, World, snapshot};
use crate::content::bare::{ANEW_SCHEMA, KINDS_SCHEMA};
use crate::content::{Get, GetError, NewShare, Recipients, SCHEMAS, ShareError, Shared, store};
use crate::data::bare::PICTURE_BYTES_MAX;
use crate::data::filmed;
use crate::data::hash;
use crate::data::range::Blob;
use crate::data::scan::ScanError;

/// Where it was taken.
const PLACE: &[u8] = b"52.5200 N";

fn taken_somewhere(pixels: &[u8]) -> Vec<u8> {
    filmed::jpeg_with_place(PLACE, pixels)
}

fn share_bare(world: &World) -> Result<Shared, ShareError> {
    let new = NewShare {
        paths: vec![world.source()],
        recipients: Recipients::Contacts,
        name: None,
        bare: true,
    };
    world.shares.share(&new, &mut Random::new([7; 32]), NOW)
}

/// What somebody gets who fetches it now, by name.
async fn fetched(world: &World, share: ShareId, to: &str) -> Vec<(String, Vec<u8>)> {
    let request = Get {
        out: world.folder.path().join(to),
        ..world.request(share)
    };
    let got = world.get(request).await.expect("fetched");
    let all = snapshot(&got.target).into_iter();
    let named = all.map(|(path, bytes)| (path.to_string_lossy().into_owned(), bytes));
    named.filter(|(_, bytes)| bytes != b"a folder").collect()
}

fn says_place(picture: &[u8]) -> bool {
    let told = traces::find(picture).expect("a picture");
    told.place || picture.windows(PLACE.len()).any(|it| it == PLACE)
}

/// What is given in place of [`taken_somewhere`].
fn bare(pixels: &[u8]) -> Vec<u8> {
    traces::strip(&taken_somewhere(pixels)).expect("a picture")
}

#[tokio::test]
async fn others_get_bare_pictures_alone_and_the_files_stay_as_they_are() {
    let world = World::new();
    world.write("day 1/sea.jpg", &taken_somewhere(b"sea"));
    world.write("bare.jpg", &bare(b"bare"));
    world.write("film.mp4", b"\0\0\0\x18ftypmp42 and a place somewhere");
    world.write("cut.jpg", &taken_somewhere(b"cut")[..40]);
    world.write("sea.json", PLACE);
    let before = snapshot(&world.source());
    let shared = share_bare(&world).expect("shared");
    let share = shared.head.share;
    assert_eq!((shared.head.totals.files, shared.left_out_count), (2, 3));
    let is_told = |name: &str| {
        let mut left_out = shared.left_out.iter();
        left_out
            .any(|it| it.path.ends_with(name) && it.why.contains("picture or film of a known kind"))
    };
    assert!(is_told("film.mp4") && is_told("cut.jpg") && is_told("sea.json"));

    let got = fetched(&world, share, "out").await;
    let expected = [
        ("bare.jpg".to_owned(), bare(b"bare")),
        ("day 1/sea.jpg".to_owned(), bare(b"sea")),
    ];
    assert_eq!(got, expected);
    assert!(got.iter().all(|(_, picture)| !says_place(picture)));
    let turned = traces::find(&got[1].1).expect("a picture").orientation;
    assert_eq!(turned, 6);
    assert!(snapshot(&world.source()) == before);
    let mine = world.shares.mine().expect("read").remove(0);
    assert_eq!((mine.bare, mine.left_out), (true, 3));
    let mut kept = world.shares.left_out(&share).expect("read");
    kept.sort_by(|one, other| one.path.cmp(&other.path));
    let mut told = shared.left_out.clone();
    told.sort_by(|one, other| one.path.cmp(&other.path));
    assert_eq!(kept, told);
    // What is moved away is not named any more.
    fs::remove_file(world.source().join("film.mp4")).expect("removed");
    world.shares.rescan(&share, NOW).expect("scanned");
    let left = world.shares.left_out(&share).expect("read");
    assert!(left.len() == 2 && !left.iter().any(|it| it.path.ends_with("film.mp4")));
    world.shares.unshare(&share, NOW).expect("taken back");
    assert_eq!(world.shares.left_out(&share).expect("read"), []);
}

#[test]
fn names_that_an_older_version_did_not_keep_are_there_after_the_first_look() {
    let world = World::new();
    world.write("sea.jpg", &taken_somewhere(b"sea"));
    world.write("film.mp4", b"\0\0\0\x18ftypmp42 and a place somewhere");
    let head = share_bare(&world).expect("shared").head;
    let names = world.shares.left_out(&head.share).expect("read");
    assert_eq!(names.len(), 1);
    store::run(world.shares.database(), |connection| {
        connection.execute("DELETE FROM share_left_out", [])
    })
    .expect("as it was before there were names");
    world.shares.look(&head, NOW);
    assert_eq!(world.shares.left_out(&head.share).expect("read"), names);
    assert_eq!(world.shares.mine().expect("read")[0].head, head, "no news");
}

#[tokio::test]
async fn a_picture_that_is_edited_later_is_bare_before_it_is_served() {
    let world = World::new();
    world.write("a.jpg", &bare(b"first"));
    let share = share_bare(&world).expect("shared").head.share;
    // Nobody looks before somebody asks.
    world.write("a.jpg", &taken_somewhere(b"a place was added"));
    let got = fetched(&world, share, "out").await;
    assert_eq!(got, [("a.jpg".to_owned(), bare(b"a place was added"))]);
}

#[tokio::test]
async fn a_picture_that_was_half_there_is_noticed_when_it_is_whole() {
    let world = World::new();
    world.write("a.jpg", &taken_somewhere(b"first"));
    world.write("b.jpg", &taken_somewhere(b"second")[..30]);
    let shared = share_bare(&world).expect("shared");
    assert_eq!(shared.left_out_count, 1);
    world.write("b.jpg", &taken_somewhere(b"second"));
    let got = fetched(&world, shared.head.share, "out").await;
    assert_eq!(got[1], ("b.jpg".to_owned(), bare(b"second")));
    assert_eq!(world.shares.mine().expect("read")[0].left_out, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_head_that_a_followed_folder_ever_gets_has_a_picture_with_a_place() {
    let world = World::new();
    let share = share_bare(&world).expect("shared").head.share;
    let (following, mut changes) = followed(&world).await;
    for number in 1..=3_u64 {
        let pixels = vec![7; 40_000];
        world.write(&format!("{number}.jpg"), &taken_somewhere(&pixels));
        loop {
            let head = next(&mut changes).await;
            let size = bare(&pixels).len() as u64;
            assert_eq!(head.totals.bytes, head.totals.files * size);
            if head.totals.files == number {
                break;
            }
        }
    }
    following.abort();
    let got = fetched(&world, share, "out").await;
    assert!(got.len() == 3 && got.iter().all(|(_, picture)| !says_place(picture)));
}

#[tokio::test]
async fn a_copy_that_is_lost_or_damaged_is_made_again() {
    let world = World::new();
    world.write("a.jpg", &taken_somewhere(b"pixels"));
    let first = share_bare(&world).expect("shared").head;
    let copies = world.folder.path().join("blobs/bare");
    let copy = || {
        let mut entries = fs::read_dir(&copies).expect("there");
        entries.next().expect("a copy").expect("an entry").path()
    };
    fs::write(copy(), b"damaged").expect("written");
    let got = fetched(&world, first.share, "after damage").await;
    assert_eq!(got[0].1, bare(b"pixels"));
    fs::remove_file(copy()).expect("there");
    world.shares.rescan(&first.share, NOW).expect("read");
    let got = fetched(&world, first.share, "after loss").await;
    assert_eq!(got[0].1, bare(b"pixels"));
    let now = world.shares.mine().expect("read").remove(0);
    assert_eq!(now.head, first, "it is the same version");

    world.shares.unshare(&first.share, NOW).expect("shared");
    world.shares.sweep().expect("swept");
    assert_eq!(fs::read_dir(&copies).expect("there").count(), 0);
}

#[tokio::test]
async fn a_film_is_given_without_its_place_and_as_long_as_it_is() {
    let world = World::new();
    let film = filmed::with_place(PLACE, b"the pixels of a film");
    world.write("film.mov", &film);
    let shared = share_bare(&world).expect("shared");
    assert_eq!((shared.head.totals.files, shared.left_out_count), (1, 0));
    let got = fetched(&world, shared.head.share, "out").await;
    let (name, bare) = &got[0];
    assert_eq!((name.as_str(), bare.len()), ("film.mov", film.len()));
    assert!(says_place(&film) && !says_place(bare));
    assert!(bare.windows(20).any(|it| it == b"the pixels of a film"));
    let lies = fs::read(world.source().join("film.mov"));
    assert!(lies.expect("there") == film);
}

#[tokio::test]
async fn a_film_that_an_older_version_left_out_is_shared_after_the_first_look() {
    let world = World::new();
    let film = filmed::with_place(PLACE, b"pixels");
    // As nothing was known of films: its first bytes are another kind's.
    let unknown = [&film[..4], b"none", &film[8..]].concat();
    world.write("film.mov", &unknown);
    let head = share_bare(&world).expect("shared").head;
    world.write("film.mov", &film);
    let film_hash = hash::hash_bytes(&film).0;
    let made = store::run(world.shares.database(), |connection| {
        connection.execute("UPDATE share_bare SET original = ?1", params![film_hash.0])
    });
    assert_eq!(made.expect("written"), 1);
    let found = world.shares.rescan(&head.share, NOW).expect("read");
    assert!(found.is_none(), "it is known to be left out");
    assert!(SCHEMAS.contains(&KINDS_SCHEMA));
    let world = world.restarted(&[KINDS_SCHEMA]);
    let mine = world.shares.mine().expect("read").remove(0);
    world.shares.look(&mine.head, NOW);
    let got = fetched(&world, head.share, "out").await;
    assert!(got.len() == 1 && !says_place(&got[0].1));
}

/// This picture with words beside its pixels.
fn captioned(picture: &[u8]) -> Vec<u8> {
    [&picture[..2], b"\xff\xfe\0\x07words", &picture[2..]].concat()
}

#[tokio::test]
async fn copies_made_by_a_version_that_left_out_less_are_not_given_and_made_anew() {
    let world = World::new();
    let older = taken_somewhere(b"pixels");
    world.write("a.jpg", &captioned(&older));
    let share = share_bare(&world).expect("shared").head.share;
    // That version left out the words alone.
    let (copy, _) = hash::hash_bytes(&older);
    fs::write(world.shares.bare_pictures().path(&copy), &older).expect("written");
    let made = store::run(world.shares.database(), |connection| {
        connection.execute("UPDATE share_bare SET bare = ?1", params![copy.0])
    });
    assert_eq!(made.expect("written"), 1);
    let before = world.shares.rescan(&share, NOW).expect("read");
    let before = before.expect("another version");
    let got = fetched(&world, share, "before").await;
    assert_eq!(got, [("a.jpg".to_owned(), older)]);

    assert!(SCHEMAS.contains(&ANEW_SCHEMA));
    let world = world.restarted(&[ANEW_SCHEMA]);
    let request = Get {
        at: Some(before.head.manifest),
        out: world.folder.path().join("as it was"),
        ..world.request(share)
    };
    let refused = world.get(request).await.expect_err("it has a place");
    assert!(matches!(refused, GetError::Version), "{refused}");
    let got = fetched(&world, share, "after").await;
    assert_eq!(got, [("a.jpg".to_owned(), bare(b"pixels"))]);
    world.shares.sweep().expect("swept");
    let copies = fs::read_dir(world.folder.path().join("blobs/bare"));
    assert_eq!(copies.expect("there").count(), 1);
}

#[test]
fn a_picture_that_becomes_too_large_during_a_scan_is_not_remembered_as_one_to_leave_out() {
    let world = World::new();
    let picture = taken_somewhere(b"pixels");
    let lying = Blob {
        hash: hash::hash_bytes(&picture).0,
        size: picture.len() as u64,
    };
    // It was hashed, and is another when it is looked through.
    let path = world.source().join("a.jpg");
    let large = fs::File::create(&path).expect("room");
    large.set_len(PICTURE_BYTES_MAX + 1).expect("no room taken");
    let refused = world.shares.bare(&path, &lying).expect_err("another");
    assert!(matches!(refused, ScanError::Read { .. }), "{refused}");
    world.write("a.jpg", &picture);
    let shared = share_bare(&world).expect("shared");
    assert_eq!((shared.head.totals.files, shared.left_out_count), (1, 0));
}

#[test]
fn the_same_folder_shared_as_it_is_is_another_share() {
    let world = World::new();
    world.write("a.jpg", &taken_somewhere(b"pixels"));
    let bare_one = share_bare(&world).expect("shared").head;
    let as_it_is = world.share(Recipients::Contacts).head;
    assert_ne!(bare_one.share, as_it_is.share);
    assert_ne!(bare_one.manifest, as_it_is.manifest);
    let again = share_bare(&world).expect("shared").head;
    assert_eq!(again, bare_one);
}

#[test]
fn a_single_file_of_which_nothing_can_be_left_out_is_refused() {
    let world = World::new();
    world.write("film.mp4", b"a film");
    let new = NewShare {
        paths: vec![world.source().join("film.mp4")],
        recipients: Recipients::Contacts,
        name: None,
        bare: true,
    };
    let refused = world.shares.share(&new, &mut Random::new([7; 32]), NOW);
    let refused = refused.expect_err("nothing is left out of a film");
    assert!(
        refused
            .to_string()
            .contains("picture or film of a known kind"),
        "{refused}"
    );
    assert!(world.shares.mine().expect("read").is_empty());
}
