//! Trees that are read by a walker: how often each node is asked for, in which order they are read, and how much is held meanwhile.

use proptest::prelude::*;

use super::*;
use crate::data::builder::Built;
use crate::data::manifest::Entry;
use crate::data::trees::{Store, build, directory, file};

/// A directory of so many files, with these in it.
#[derive(Clone, Debug)]
struct Shape {
    files: u8,
    children: Vec<Shape>,
}

fn shapes() -> impl Strategy<Value = Shape> {
    let leaf = (0..20u8).prop_map(|files| Shape {
        files,
        children: Vec::new(),
    });
    leaf.prop_recursive(5, 80, 9, |inner| {
        (0..20u8, proptest::collection::vec(inner, 0..9))
            .prop_map(|(files, children)| Shape { files, children })
    })
}

/// The tree of a shape; no two of its nodes are the same.
fn tree(store: &mut Store, shape: &Shape) -> Built {
    let children = shape.children.iter().enumerate();
    let mut entries: Vec<Entry> = children
        .map(|(place, child)| directory(&format!("d{place:04}"), &tree(store, child)))
        .collect();
    let number = store.len();
    entries.extend((0..=shape.files).map(|at| file(&format!("f{number:06} {at:03}"))));
    build(store, entries)
}

fn walk(built: &Built) -> Walk {
    Walk::new(built.node, built.totals, 0, 0)
}

/// As [`Walker::new`], with little room, and depth first from this on.
fn narrow(store: &Store, built: &Built, asked_max: usize, any_order_bytes: u64) -> Walker {
    let largest = store.values().map(Vec::len).max().expect("a root");
    let bounds = Bounds {
        asked_max,
        held_bytes_max: 2 * largest,
        any_order_bytes,
    };
    Walker::bounded(walk(built), bounds)
}

/// A tree of a shape, and a walker of it with little room that asks for so many of its nodes at once.
fn grown(shape: &Shape, (asked_max, any_order_bytes): (usize, u64)) -> (Store, Built, Walker) {
    let mut store = Store::new();
    let built = tree(&mut store, shape);
    let walker = narrow(&store, &built, asked_max, any_order_bytes);
    (store, built, walker)
}

/// The bounds of a walker with little room: how much it asks for at once, and up to which size a tree is read in any order.
fn bounds() -> impl Strategy<Value = (usize, u64)> {
    let any_order_bytes = proptest::sample::select(vec![0, 2_000, ANY_ORDER_BYTES]);
    (1..9usize, any_order_bytes)
}

/// Gives a walker what it asks for, some of it at a time, in an order that goes by `picks`.
struct Shell<'a> {
    walker: Walker,
    store: &'a Store,
    is_kept: bool,
    picks: std::iter::Cycle<std::slice::Iter<'a, u16>>,
    /// What is on its way.
    coming: Vec<BlobHash>,
    asked: Vec<BlobHash>,
    read: Vec<BlobHash>,
    items: usize,
}

impl<'a> Shell<'a> {
    fn new(walker: Walker, store: &'a Store, is_kept: bool, picks: &'a [u16]) -> Self {
        Self {
            walker,
            store,
            is_kept,
            picks: picks.iter().cycle(),
            coming: Vec::new(),
            asked: Vec::new(),
            read: Vec::new(),
            items: 0,
        }
    }

    fn run(mut self) -> Self {
        while !self.walker.is_done() {
            let news = self.asked.len() + self.read.len();
            while let Some(output) = self.walker.poll_output() {
                self.check();
                self.perform(output);
                self.check();
            }
            let is_still = news == self.asked.len() + self.read.len();
            assert!(!is_still || !self.coming.is_empty(), "it stands still");
            self.some_come(1);
        }
        assert_eq!(self.walker.poll_output(), None);
        self
    }

    fn perform(&mut self, output: Output) {
        match output {
            Output::Ask(node) if self.pick(5) == 0 && !self.coming.is_empty() => {
                self.walker.handle_refused(node);
            }
            Output::Ask(node) => {
                self.asked.push(node);
                self.coming.push(node);
            }
            Output::Read { node, held } => {
                // Others come while it is read.
                self.some_come(0);
                let bytes = held.unwrap_or_else(|| self.store[&node].clone());
                self.items += self.walker.handle_read(&bytes).expect("sound").len();
                self.read.push(node);
            }
        }
    }

    fn some_come(&mut self, least: usize) {
        let most = (least + self.pick(3)).min(self.coming.len());
        for _ in 0..most {
            let place = self.pick(self.coming.len());
            let node = self.coming.swap_remove(place);
            match self.is_kept {
                true => self.walker.handle_kept(node),
                false => (self.walker).handle_node(node, self.store[&node].clone()),
            }
            self.check();
        }
    }

    /// What must hold after each step.
    fn check(&self) {
        let walker = &self.walker;
        let sum: usize = walker.held.values().map(Vec::len).sum();
        assert_eq!(walker.held_bytes, sum);
        assert!(sum <= walker.bounds.held_bytes_max);
        assert!(walker.asked.len() <= walker.bounds.asked_max);
        let known = walker.asked.len() + walker.kept.len() + walker.held.len();
        assert!(known <= walker.walk.upcoming().count());
    }

    fn pick(&mut self, below: usize) -> usize {
        usize::from(*self.picks.next().expect("a cycle")) % below
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn each_node_that_is_kept_is_asked_for_once_and_read_once(
        shape in shapes(),
        bounds in bounds(),
        picks in proptest::collection::vec(any::<u16>(), 2..40),
    ) {
        let (store, _, walker) = grown(&shape, bounds);
        let ran = Shell::new(walker, &store, true, &picks).run();
        for mut nodes in [ran.asked, ran.read] {
            nodes.sort_unstable();
            prop_assert_eq!(nodes.iter().collect::<Vec<_>>(), store.keys().collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_tree_is_read_whole_within_the_room_of_two_nodes(
        shape in shapes(),
        bounds in bounds(),
        picks in proptest::collection::vec(any::<u16>(), 2..40),
    ) {
        let (store, built, walker) = grown(&shape, bounds);
        let narrow = Shell::new(walker, &store, false, &picks).run();
        prop_assert_eq!(narrow.read.len(), store.len());
        let roomy = Shell::new(Walker::new(walk(&built), bounds.0), &store, false, &picks).run();
        prop_assert_eq!(roomy.asked.len(), store.len(), "nothing had to make room");
        prop_assert_eq!(roomy.items, narrow.items);
    }

    #[test]
    fn beyond_what_may_be_read_in_any_order_a_tree_is_read_depth_first(
        shape in shapes(),
        picks in proptest::collection::vec(any::<u16>(), 2..40),
    ) {
        let (store, built, walker) = grown(&shape, (8, 0));
        let ran = Shell::new(walker, &store, true, &picks).run();
        let (mut walk, mut depth_first) = (walk(&built), Vec::new());
        while let Some(first) = walk.first() {
            depth_first.push(first.node);
            walk.handle_node(first.ticket, &store[&first.node]).expect("sound");
        }
        prop_assert_eq!(ran.read, depth_first);
    }
}

/// A walker that has read a root of so many directories, and what it asks for then.
fn wide(count: usize, asked_max: usize) -> (Walker, Vec<BlobHash>) {
    let mut store = Store::new();
    let empty = Shape {
        files: 0,
        children: Vec::new(),
    };
    let shape = Shape {
        files: 0,
        children: vec![empty; count],
    };
    let built = tree(&mut store, &shape);
    let mut walker = Walker::new(walk(&built), asked_max);
    assert_eq!(walker.poll_output(), Some(Output::Ask(built.node)));
    assert_eq!(walker.poll_output(), None);
    walker.handle_kept(built.node);
    let read = walker.poll_output();
    assert!(matches!(read, Some(Output::Read { held: None, .. })));
    walker.handle_read(&store[&built.node]).expect("sound");
    let asked = asks(&mut walker);
    (walker, asked)
}

/// What it asks for, up to what it has read.
fn asks(walker: &mut Walker) -> Vec<BlobHash> {
    let mut asked = Vec::new();
    while let Some(Output::Ask(node)) = walker.poll_output() {
        asked.push(node);
    }
    asked
}

#[test]
fn of_nodes_larger_than_any_before_few_are_held_and_few_asked_for() {
    let (mut walker, asked) = wide(1_000, 250);
    assert_eq!(asked.len(), 250);
    for node in &asked {
        walker.handle_node(*node, vec![0; NODE_BYTES_MAX]);
        assert!(walker.held_bytes <= HELD_BYTES_MAX);
        assert!(
            walker.is_here(&asked[0]),
            "without the first nothing goes on"
        );
    }
    let held = walker.held.len();
    assert!(held < 16, "one more may come: {held}");
    assert_eq!(asks(&mut walker).len(), 16 - held);
}

#[test]
fn what_could_not_be_asked_for_is_asked_for_again_when_another_came() {
    let (mut walker, asked) = wide(1_000, 4);
    let [first, .., last] = asked[..] else {
        panic!("four may be asked for")
    };
    walker.handle_refused(last);
    assert_eq!(walker.poll_output(), None);
    walker.handle_kept(first);
    assert_eq!(walker.poll_output(), Some(Output::Ask(last)));
}

#[test]
fn what_nobody_asked_for_or_came_before_is_not_held() {
    let (mut walker, asked) = wide(10, 4);
    walker.handle_node(BlobHash([9; 32]), vec![0; 10]);
    walker.handle_node(asked[1], vec![0; 10]);
    walker.handle_node(asked[1], vec![0; 10]);
    walker.handle_kept(asked[1]);
    assert_eq!((walker.held_bytes, walker.kept.len()), (10, 0));
}

#[test]
fn nothing_is_read_that_was_not_to_be() {
    let (mut walker, _) = wide(10, 4);
    assert_eq!(walker.handle_read(&[]), Err(WalkError::Unasked));
}

#[test]
fn a_node_that_is_in_the_tree_many_times_is_asked_for_each_time_and_held_once() {
    let mut store = Store::new();
    let mut built = build(&mut store, Vec::new());
    for _ in 0..3 {
        let entries = (0..10).map(|place| directory(&format!("d{place}"), &built));
        built = build(&mut store, entries.collect());
    }
    assert_eq!(store.len(), 4);
    let walker = narrow(&store, &built, 8, ANY_ORDER_BYTES);
    let ran = Shell::new(walker, &store, false, &[1, 2, 3]).run();
    assert_eq!((ran.read.len(), ran.items), (1_111, 1_110));
}
