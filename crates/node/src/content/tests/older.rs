//! What arrived of one version is not fetched again for the next.

use std::fs;
use std::time::{Duration, UNIX_EPOCH};

use super::world::{Fault, World, bytes, snapshot};
use crate::content::{GetError, Recipients};

/// The files of the share,
const FILES: u64 = 20;

/// and the size of each.
const FILE_BYTES: usize = 300_000;

/// After how much the first transfer is cut off.
const CUT_AT: u64 = 3_500_000;

#[tokio::test]
async fn a_new_version_takes_over_what_arrived_of_the_one_before() {
    let mut world = World::new();
    for number in 0..FILES {
        world.write(
            &format!("d{}/f{number}", number % 3),
            &bytes(number, FILE_BYTES),
        );
    }
    let share = world.share(Recipients::Contacts).head.share;
    world.fault = Fault::Cut(CUT_AT);
    let mut arrived = 0;
    let cut = world.get_reporting(world.request(share), |now| arrived = now.bytes);
    let cut = cut.await.expect_err("cut off");
    assert!(matches!(cut, GetError::Connection(_)), "{cut}");
    assert!(arrived > CUT_AT / 2, "{arrived}");
    assert_eq!(world.out_names().len(), 1, "a staging folder");

    world.fault = Fault::None;
    world.write("d1/f1", &bytes(77, FILE_BYTES + 10));
    world.write("d2/f2", &bytes(78, FILE_BYTES));
    let head = world.share(Recipients::Contacts).head;
    let got = world.get(world.request(share)).await.expect("fetched");
    assert_eq!(got.head.manifest, head.manifest, "the new version");
    let edited = 2 * FILE_BYTES as u64 + 10;
    let missing = head.totals.bytes - arrived;
    assert!(
        got.fetched <= missing + edited,
        "{} of {missing}",
        got.fetched
    );
    assert!(snapshot(&got.target) == snapshot(&world.source()));
    assert_eq!(world.out_names(), ["holiday"], "nothing else is left");
}

#[tokio::test]
async fn what_has_another_name_in_the_new_version_is_taken_over_whole_or_in_part() {
    let mut world = World::new();
    let large = 6_000_000;
    for number in 0..FILES {
        let name = format!("f{number:02}");
        world.write(&name, &bytes(number, FILE_BYTES));
        // By which it is seen below that each is another.
        let file = fs::File::options()
            .write(true)
            .open(world.source().join(name));
        let time = UNIX_EPOCH + Duration::from_secs(1_000_000 + number);
        file.and_then(|file| file.set_modified(time)).expect("set");
    }
    world.write("g", &bytes(50, large));
    let share = world.share(Recipients::Contacts).head.share;
    world.fault = Fault::Cut(3 * CUT_AT);
    let mut arrived = 0;
    let cut = world.get_reporting(world.request(share), |now| arrived = now.bytes);
    cut.await.expect_err("cut off");
    let total = FILES * FILE_BYTES as u64 + large as u64;
    assert!(arrived > CUT_AT && arrived < total, "{arrived}");

    // All are renamed: each small one is called as another of its size was, and the large one lies elsewhere.
    world.fault = Fault::None;
    let source = world.source();
    fs::create_dir(source.join("sub")).expect("made");
    fs::rename(source.join("g"), source.join("sub/h")).expect("renamed");
    for number in 0..FILES {
        fs::rename(
            source.join(format!("f{number:02}")),
            source.join(format!("sub/f{:02}", (number + 1) % FILES)),
        )
        .expect("renamed");
    }
    for number in 0..FILES {
        let name = format!("f{number:02}");
        fs::rename(source.join("sub").join(&name), source.join(&name)).expect("renamed");
    }
    let head = world.share(Recipients::Contacts).head;
    let before = world.received();
    let got = world.get(world.request(share)).await.expect("fetched");
    assert_eq!(got.head.manifest, head.manifest, "the new version");
    let missing = total - arrived;
    assert!(got.fetched <= missing, "{} of {missing}", got.fetched);
    let came = world.received() - before;
    // With it the inner nodes, and the manifest.
    assert!(came < missing + missing / 64 + 100_000, "{came}");
    assert!(snapshot(&got.target) == snapshot(&source));
    assert_eq!(world.out_names(), ["holiday"], "nothing else is left");
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_taken_over_is_executable_only_where_the_new_version_says_so() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut world = World::new();
    let set = |world: &World, name: &str, mode: u32| {
        let permissions = fs::Permissions::from_mode(mode);
        fs::set_permissions(world.source().join(name), permissions).expect("set");
    };
    let names = ["a-yes", "b-no"];
    for (name, mode) in names.into_iter().zip([0o644, 0o755]) {
        world.write(name, &bytes(mode.into(), FILE_BYTES));
        set(&world, name, mode);
    }
    world.write("later", &bytes(1, 2_000_000));
    let share = world.share(Recipients::Contacts).head.share;
    world.fault = Fault::Cut(1_800_000);
    world.get(world.request(share)).await.expect_err("cut off");
    world.fault = Fault::None;
    for (name, mode) in names.into_iter().zip([0o755, 0o644]) {
        set(&world, name, mode);
        // Seen by the time of the folder.
        world.write(&format!("{name}-too"), b"x");
    }
    world.share(Recipients::Contacts);
    let got = world.get(world.request(share)).await.expect("fetched");
    let is_executable = |name: &str| {
        let metadata = fs::metadata(got.target.join(name)).expect("there");
        metadata.permissions().mode() & 0o111 != 0
    };
    assert_eq!(names.map(is_executable), [true, false]);
    assert!(got.fetched < 2_000_000, "{}", got.fetched);
}
