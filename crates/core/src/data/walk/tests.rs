//! Trees that are read whole, and trees that are refused.

use super::*;
use crate::data::builder::Built;
use crate::data::manifest::Symlink;
use crate::data::trees::{Store, build, directory, file};

fn link(name: &str, target: &str) -> Entry {
    Entry::Symlink(Symlink {
        name: name.to_owned(),
        target: target.to_owned(),
    })
}

fn walk(store: &Store, root: &Built, depth_above: usize) -> Result<Vec<Item>, WalkError> {
    let mut walk = Walk::new(root.node, root.totals, depth_above, 0);
    let mut items = Vec::new();
    while let Some(wanted) = walk.first() {
        items.extend(walk.handle_node(wanted.ticket, &store[&wanted.node])?);
    }
    assert!(walk.is_done());
    assert_eq!(walk.held_bytes(), 0);
    Ok(items)
}

#[test]
fn a_tree_is_read_whole_with_directories_before_their_content() {
    let mut store = Store::new();
    let inner = build(&mut store, vec![link("up", "../a"), file("x")]);
    let root = build(&mut store, vec![file("a"), directory("d", &inner)]);
    let items = walk(&store, &root, 0).expect("sound");
    let position = |path: &str| {
        items.iter().position(|item| match item {
            Item::Directory { path: at }
            | Item::File { path: at, .. }
            | Item::Symlink { path: at, .. }
            | Item::Outside { path: at } => at == path,
        })
    };
    assert_eq!(items.len(), 4);
    assert!(position("d").expect("there") < position("d/x").expect("there"));
    assert!(position("d/up").is_some());
}

#[test]
fn a_divided_directory_is_read_whole_and_nodes_may_come_in_any_order() {
    let mut store = Store::new();
    let name = |number: usize| format!("{number:06}{}", "y".repeat(240));
    let root = build(
        &mut store,
        (0..12_000).map(|number| file(&name(number))).collect(),
    );
    let mut walk = Walk::new(root.node, root.totals, 0, 0);
    let top = walk.first().expect("the root");
    walk.handle_node(top.ticket, &store[&top.node])
        .expect("parts");
    let parts: Vec<Wanted> = walk.upcoming().collect();
    assert!(parts.len() > 2);
    let mut count = 0;
    for wanted in parts.into_iter().rev() {
        count += walk
            .handle_node(wanted.ticket, &store[&wanted.node])
            .expect("sound")
            .len();
    }
    assert!(walk.is_done());
    assert_eq!(count, 12_000);
}

#[test]
fn totals_that_do_not_add_up_are_found() {
    let mut store = Store::new();
    let mut inner = build(&mut store, vec![file("x")]);
    inner.totals.bytes += 1;
    let root = build(&mut store, vec![directory("d", &inner)]);
    assert_eq!(walk(&store, &root, 0), Err(WalkError::Totals("d".into())));
}

#[test]
fn a_link_out_of_the_share_is_refused_and_one_out_of_the_selection_is_left_out() {
    let mut store = Store::new();
    let inner = build(&mut store, vec![link("l", "../a")]);
    let refused = walk(&store, &inner, 0).expect_err("escapes");
    assert!(matches!(
        refused,
        WalkError::Path {
            error: PathError::SymlinkEscapes,
            ..
        }
    ));
    assert_eq!(
        walk(&store, &inner, 1),
        Ok(vec![Item::Outside { path: "l".into() }])
    );
}

#[test]
fn a_tree_deeper_than_allowed_is_refused() {
    let mut store = Store::new();
    let mut built = build(&mut store, vec![file("x")]);
    for _ in 0..DEPTH_MAX {
        built = build(&mut store, vec![directory("d", &built)]);
    }
    assert!(walk(&store, &built, 0).is_ok());
    built = build(&mut store, vec![directory("d", &built)]);
    let refused = walk(&store, &built, 0).expect_err("too deep");
    assert!(matches!(
        refused,
        WalkError::Path {
            error: PathError::TooDeep,
            ..
        }
    ));
}

/// So many directories in each, all of them the same, and so on downwards.
fn repeated(store: &mut Store, names: &[String], levels: usize) -> Built {
    let empty = build(store, Vec::new());
    (0..levels).fold(empty, |built, _| {
        let entries = names.iter().map(|name| directory(name, &built)).collect();
        build(store, entries)
    })
}

#[test]
fn a_tree_that_names_one_node_too_often_is_refused_and_little_is_held_of_it() {
    let mut store = Store::new();
    let names: Vec<String> = (0..100).map(|number| format!("{number:03}")).collect();
    let built = repeated(&mut store, &names, 16);
    let mut walk = Walk::new(built.node, built.totals, 0, 0);
    walk.entries = TREE_ENTRIES_MAX - 20_000;
    let (mut nodes, mut most) = (0, 0);
    let error = loop {
        let wanted = walk.first().expect("100^16 entries do not end");
        nodes += 1;
        if let Err(error) = walk.handle_node(wanted.ticket, &store[&wanted.node]) {
            break error;
        }
        most = most.max(walk.held_bytes());
    };
    assert_eq!(error, WalkError::Node(ManifestError::TooMany));
    assert!(nodes > 200, "{nodes}");
    let siblings = 16 * 100;
    assert!(most < siblings * 400, "{most} bytes");
}

#[test]
fn a_tree_too_wide_and_too_deep_to_be_held_is_refused() {
    let mut store = Store::new();
    let names: Vec<String> = (0..1_500).map(|number| format!("{number:04}")).collect();
    let mut built = repeated(&mut store, &names, 4);
    // Far down, so that each path is long.
    for _ in 0..100 {
        built = build(&mut store, vec![directory(&"y".repeat(250), &built)]);
    }
    let mut walk = Walk::new(built.node, built.totals, 0, 0);
    let error = loop {
        let wanted = walk.first().expect("it does not end");
        if let Err(error) = walk.handle_node(wanted.ticket, &store[&wanted.node]) {
            break error;
        }
        assert!(walk.held_bytes() <= HELD_BYTES_MAX);
    };
    assert_eq!(error, WalkError::Wide);
}

#[test]
fn a_node_nobody_asked_for_is_refused() {
    let mut walk = Walk::new(BlobHash([0; 32]), Totals::default(), 0, 0);
    assert_eq!(walk.handle_node(99, &[]), Err(WalkError::Unasked));
}
