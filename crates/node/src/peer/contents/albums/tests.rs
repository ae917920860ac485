//! Names in an album: which are free, and which lead elsewhere.

use super::*;

fn names(path: &str) -> Vec<String> {
    path.split('/').map(str::to_owned).collect()
}

#[test]
fn folders_of_one_name_are_told_apart() {
    let albums = tempfile::tempdir().expect("a place");
    let first = make_folder(albums.path(), "sea").expect("room");
    let second = make_folder(albums.path(), "sea").expect("room");
    assert_eq!(first, albums.path().join("sea"));
    assert_eq!(second, albums.path().join("sea (2)"));
}

#[test]
fn a_file_goes_no_way_that_leads_elsewhere() {
    let root = tempfile::tempdir().expect("a place");
    let outside = tempfile::tempdir().expect("a place");
    fs::write(root.path().join("file"), b"x").expect("room");
    #[cfg(unix)]
    std::os::unix::fs::symlink(outside.path(), root.path().join("link")).expect("room");
    for path in ["link/a.jpg", "link", "file/a.jpg"] {
        let refused = make_way(root.path(), &names(path));
        assert!(matches!(refused, Err(AlbumError::InTheWay(_))), "{path}");
    }
    make_way(root.path(), &names("day 1/sea/a.jpg")).expect("folders are made");
    assert!(root.path().join("day 1/sea").is_dir());
    let over = make_way(root.path(), &names("day 1"));
    assert!(matches!(over, Err(AlbumError::InTheWay(_))));
    make_way(root.path(), &names("file")).expect("a file may be replaced");
}

#[test]
fn names_that_are_the_same_on_some_system_do_not_lie_beside_each_other() {
    let root = tempfile::tempdir().expect("a place");
    fs::write(root.path().join("Sea.jpg"), b"x").expect("room");
    let refused = make_way(root.path(), &names("sea.JPG"));
    assert!(matches!(
        refused,
        Err(AlbumError::Path(PathError::Collision))
    ));
}

#[test]
fn what_is_added_beside_one_of_its_name_gets_a_number_and_replaces_nothing() {
    let root = tempfile::tempdir().expect("a place");
    let put = |path: &str, content: &str| {
        let mut file = NamedTempFile::new_in(root.path()).expect("room");
        file.write_all(content.as_bytes()).expect("room");
        add(file, root.path(), names(path)).map(|(names, there)| (names.join("/"), there))
    };
    for (path, content, name) in [
        ("day/IMG_1.jpg", "one", "day/IMG_1.jpg"),
        ("day/IMG_1.jpg", "two", "day/IMG_1 (2).jpg"),
        ("day/img_1.JPG", "three", "day/img_1 (3).JPG"),
        ("day", "a file where a folder is", "day (2)"),
    ] {
        assert_eq!(put(path, content).expect("room"), (name.to_owned(), false));
    }
    // Whoever lost the answer asks again, and adds nothing by that.
    for (content, name) in [("one", "day/IMG_1.jpg"), ("two", "day/IMG_1 (2).jpg")] {
        let again = put("day/IMG_1.jpg", content).expect("room");
        assert_eq!(again, (name.to_owned(), true));
    }
    let there = fs::read_dir(root.path().join("day")).expect("there");
    assert_eq!(there.count(), 3);
    for (name, content) in [
        ("day/IMG_1.jpg", "one"),
        ("day/IMG_1 (2).jpg", "two"),
        ("day/img_1 (3).JPG", "three"),
    ] {
        let there = fs::read_to_string(root.path().join(name)).expect("there");
        assert_eq!(there, content);
    }
    let refused = put("Day/a.jpg", "");
    assert!(matches!(
        refused,
        Err(AlbumError::Path(PathError::Collision))
    ));
}

#[test]
fn a_full_disk_is_named() {
    let error = AlbumError::from(io::Error::from(io::ErrorKind::StorageFull));
    assert!(matches!(error, AlbumError::NoSpace));
}
