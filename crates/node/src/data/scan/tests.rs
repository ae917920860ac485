//! What is in a scanned tree, and what is not.

use super::*;

fn scan_all(paths: &[PathBuf]) -> (Result<Scanned, ScanError>, Vec<Found>) {
    let blobs = tempfile::tempdir().expect("temporary folder");
    let outboards = Outboards::open(blobs.path().to_owned()).expect("created");
    let found = Mutex::new(Vec::new());
    let keep = |thing| {
        found.lock().expect("no panic").push(thing);
        Ok(())
    };
    let roots: Vec<Root> = paths.iter().cloned().map(Root::of).collect();
    let scanned = scan(&roots, &outboards, &|_, _| None, &keep, None);
    (scanned, found.into_inner().expect("no panic"))
}

#[test]
fn the_same_content_gives_the_same_tree_wherever_it_lies() {
    let folders =
        [tempfile::tempdir(), tempfile::tempdir()].map(|folder| folder.expect("temporary folder"));
    let roots = folders.each_ref().map(|folder| {
        let sub = folder.path().join("sub");
        fs::create_dir(&sub).expect("created");
        let file = sub.join("file");
        fs::write(&file, vec![1; 40_000]).expect("written");
        let times = fs::FileTimes::new().set_modified(std::time::UNIX_EPOCH);
        fs::File::options()
            .write(true)
            .open(&file)
            .and_then(|file| file.set_times(times))
            .expect("set");
        let (scanned, found) = scan_all(&[folder.path().to_owned()]);
        assert_eq!(found.len(), 3);
        scanned.expect("scanned").root
    });
    assert_eq!(roots[0], roots[1]);
    assert_eq!((roots[0].totals.bytes, roots[0].totals.files), (40_000, 1));
}

#[test]
fn what_is_taken_away_while_it_is_scanned_is_no_empty_folder() {
    let parent = tempfile::tempdir().expect("temporary folder");
    let [folder, away] = ["folder", "away"].map(|name| parent.path().join(name));
    fs::create_dir(&folder).expect("created");
    for name in ["one", "two"] {
        fs::write(folder.join(name), name).expect("written");
    }
    let blobs = tempfile::tempdir().expect("temporary folder");
    let outboards = Outboards::open(blobs.path().to_owned()).expect("created");
    let take_away = |_: &Path, _| {
        // The second file's turn may come as well.
        let _ = fs::rename(&folder, &away);
        None
    };
    let roots = [Root::of(folder.clone())];
    let scanned = scan(&roots, &outboards, &take_away, &|_| Ok(()), None);
    assert!(
        matches!(&scanned, Err(ScanError::Read { path, .. }) if *path == folder),
        "{scanned:?}"
    );
}

#[cfg(unix)]
#[test]
fn what_cannot_be_in_a_tree_is_left_out_and_told() {
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().expect("temporary folder");
    let at = |name: &str| folder.path().join(name);
    for name in ["fine", "README", "readme", "nul.txt", "dot."] {
        fs::write(at(name), b"x").expect("written");
    }
    fs::write(
        folder.path().join(std::ffi::OsStr::from_bytes(b"\xff")),
        b"x",
    )
    .expect("written");
    symlink("../outside", at("out")).expect("link");
    symlink("fine", at("in")).expect("link");
    let listener = std::os::unix::net::UnixListener::bind(at("socket")).expect("bound");
    let (scanned, _) = scan_all(&[folder.path().to_owned()]);
    drop(listener);
    let scanned = scanned.expect("the rest");
    let mut left_out: Vec<_> = scanned
        .left_out
        .iter()
        .map(|left_out| {
            left_out
                .path
                .file_name()
                .expect("name")
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    left_out.sort();
    assert_eq!(
        left_out,
        ["dot.", "nul.txt", "out", "readme", "socket", "\u{fffd}"]
    );
    assert_eq!(scanned.root.entries, 3);
}

#[test]
fn a_data_directory_is_in_no_share() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let data = folder.path().join("kith");
    let album = data.join("albums/holiday");
    fs::create_dir_all(&album).expect("created");
    fs::write(album.join("picture"), b"x").expect("written");
    fs::write(data.join("identity.key"), b"secret").expect("written");
    let (scanned, _) = scan_all(&[folder.path().to_owned()]);
    let scanned = scanned.expect("the rest");
    assert_eq!((scanned.root.entries, scanned.left_out_count), (0, 1));
    assert_eq!(scanned.left_out[0].path, data);
    for paths in [vec![data.clone()], vec![data.clone(), album.clone()]] {
        let (refused, found) = scan_all(&paths);
        assert!(matches!(refused, Err(ScanError::Unfit(_))));
        assert!(
            !found
                .iter()
                .any(|it| matches!(it, Found::File { path, .. } if path.ends_with("identity.key")))
        );
    }
    let (scanned, _) = scan_all(&[album]);
    assert_eq!(scanned.expect("an album that lies there").root.entries, 1);
}

#[test]
fn a_tree_of_more_than_ten_million_entries_is_refused() {
    let folder = tempfile::tempdir().expect("temporary folder");
    for name in ["a", "b", "c"] {
        fs::write(folder.path().join(name), b"x").expect("written");
    }
    let blobs = tempfile::tempdir().expect("temporary folder");
    let outboards = Outboards::open(blobs.path().to_owned()).expect("created");
    let after = |entries| {
        let scan = Scan {
            outboards: &outboards,
            known: &|_, _| None,
            keep: &|_| Ok(()),
            entries: AtomicU64::new(entries),
            left_out: Mutex::default(),
            in_place: None,
        };
        scan.folder(folder.path(), 0, &Lineage::default())
    };
    assert_eq!(after(TREE_ENTRIES_MAX - 3).expect("just fits").entries, 3);
    assert!(matches!(
        after(TREE_ENTRIES_MAX - 2),
        Err(ScanError::Manifest(ManifestError::TooMany))
    ));
}

#[cfg(target_os = "linux")]
#[test]
fn of_two_names_that_only_differ_in_normalisation_one_is_left_out() {
    let folder = tempfile::tempdir().expect("temporary folder");
    for name in ["caf\u{e9}", "cafe\u{301}"] {
        fs::write(folder.path().join(name), b"x").expect("written");
    }
    let scanned = scan_all(&[folder.path().to_owned()]).0.expect("the other");
    assert_eq!((scanned.root.entries, scanned.left_out_count), (1, 1));
}

#[test]
fn what_is_not_there_is_an_error_that_names_it() {
    let (scanned, _) = scan_all(&[PathBuf::from("/nowhere/at-all")]);
    assert!(
        scanned
            .expect_err("missing")
            .to_string()
            .contains("/nowhere/at-all")
    );
}

#[test]
fn a_file_known_by_its_stamp_is_not_read_again() {
    let folder = tempfile::tempdir().expect("temporary folder");
    fs::write(folder.path().join("f"), b"content").expect("written");
    let blobs = tempfile::tempdir().expect("temporary folder");
    let outboards = Outboards::open(blobs.path().to_owned()).expect("created");
    let pretended = BlobHash([9; 32]);
    let found = Mutex::new(Vec::new());
    let keep = |thing| {
        found.lock().expect("no panic").push(thing);
        Ok(())
    };
    scan(
        &[Root::of(folder.path().join("f"))],
        &outboards,
        &|_, _| Some(pretended),
        &keep,
        None,
    )
    .expect("scanned");
    let found = found.into_inner().expect("no panic");
    assert!(
        found
            .iter()
            .any(|thing| matches!(thing, Found::File { blob, .. } if blob.hash == pretended))
    );
}
