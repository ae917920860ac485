//! README's tour, done as it stands there: its commands in their order, and what they print compared with what is shown.
//!
//! Two things are as on this machine: nobody listens beyond the loopback, and long texts that README cuts (…) are those that came before.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::person::{Person, Running};

/// The blocks that are done: how people meet, and hand a folder over. Those behind them need other people's programs and services.
const BLOCKS: usize = 3;

/// What is typed, by whom, and what is shown of the answer.
struct Step {
    who: String,
    args: Vec<String>,
    shown: Vec<String>,
}

/// The steps of the tour's first blocks.
fn steps(readme: &str) -> Vec<Step> {
    let (_, tour) = readme.split_once("\n## A tour\n").expect("there is one");
    let blocks = tour.split("```console\n").skip(1).take(BLOCKS);
    let mut steps: Vec<Step> = Vec::new();
    for line in blocks.flat_map(|block| block.split("```").next().unwrap_or_default().lines()) {
        match line.split_once("$ kith ") {
            Some((who, command)) => steps.push(Step {
                who: who.to_owned(),
                args: command.split(' ').map(str::to_owned).collect(),
                shown: Vec::new(),
            }),
            None => steps
                .last_mut()
                .expect("a command comes first")
                .shown
                .push(line.trim_end().to_owned()),
        }
    }
    steps
}

/// What texts begin with of which the rest differs from run to run.
const PREFIXES: [&str; 8] = [
    "kith:introducer1",
    "kith:invite1",
    "kith:link1",
    "(peer1",
    "(share1",
    "peer1",
    "blob1",
    "http://",
];

/// A word as it is in every run: numbers and ids are put aside, and of a path where it lies.
fn plain(word: &str) -> String {
    if let Some(prefix) = PREFIXES.iter().find(|prefix| word.starts_with(**prefix)) {
        return format!("{prefix}…");
    }
    let digits = word.trim_end_matches([':', ',']);
    if digits.parse::<f64>().is_ok() {
        return format!("N{}", &word[digits.len()..]);
    }
    match word.rsplit('/').take(2).collect::<Vec<_>>()[..] {
        [file, folder] if word.starts_with('/') => format!("/…/{folder}/{file}"),
        _ => word.to_owned(),
    }
}

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(plain).collect()
}

/// Whole texts in the place of those that README cuts, and no traffic beyond this machine.
fn whole(args: &[String], texts: &BTreeMap<&str, String>) -> Vec<String> {
    let whole = |arg: &String| {
        let cut = arg.strip_suffix('…');
        let known = cut.and_then(|cut| texts.iter().find(|(prefix, _)| cut.starts_with(**prefix)));
        known.map_or_else(|| arg.clone(), |(_, text)| text.clone())
    };
    let mut args: Vec<String> = args.iter().map(whole).collect();
    let here: &[&str] = match args[0].as_str() {
        "introducer" => &["--listen", "127.0.0.1:0"],
        "up" => &["--no-lan", "--bind", "127.0.0.1:0", "--api", "127.0.0.1:0"],
        _ => &[],
    };
    args.extend(here.iter().map(|it| (*it).to_owned()));
    args
}

/// A folder as README has it, but smaller.
fn handover(place: &Path) {
    fs::create_dir(place).expect("room");
    for number in 1..=6_u8 {
        fs::write(place.join(format!("{number}.bin")), vec![number; 300_000]).expect("room");
    }
}

#[tokio::test]
async fn the_tour_can_be_followed_as_it_stands() {
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");
    let steps = steps(&fs::read_to_string(readme).expect("there"));
    assert!(steps.len() > 8, "{} steps", steps.len());
    let people: BTreeMap<&str, Person> =
        ["", "alice", "bob"].map(|who| (who, Person::new())).into();
    for person in people.values() {
        // Nothing is said of the local network by a file: that is what the commands say.
        fs::remove_file(person.file("config.toml")).expect("there");
    }
    handover(&people["alice"].file("handover"));
    let mut texts: BTreeMap<&str, String> = BTreeMap::new();
    let mut running: Vec<Running> = Vec::new();
    for step in &steps {
        let person = &people[step.who.as_str()];
        let args = whole(&step.args, &texts);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let mut command = person.command(&args);
        // Names of files are those of the data directory.
        command.current_dir(person.data());
        let printed = if ["introducer", "up"].contains(&args[0]) {
            let mut goes_on = Running::spawn(command);
            let printed = goes_on.lines(step.shown.len()).await;
            running.push(goes_on);
            printed
        } else {
            let ran = crate::person::finish(command, b"").await;
            assert_eq!(ran.code, 0, "{args:?}: {ran:?}");
            let stdout = String::from_utf8(ran.stdout).expect("text");
            stdout.lines().map(str::to_owned).collect()
        };
        let expected: Vec<_> = step.shown.iter().map(|line| words(line)).collect();
        let found: Vec<_> = printed.iter().map(|line| words(line)).collect();
        assert_eq!(found, expected, "{args:?}");
        for word in printed.iter().flat_map(|line| line.split_whitespace()) {
            let prefix = PREFIXES.iter().find(|prefix| word.starts_with(**prefix));
            texts.extend(prefix.map(|prefix| (*prefix, word.to_owned())));
        }
    }
    let came = fs::read(people["bob"].file("received/handover/6.bin"));
    assert_eq!(came.expect("it arrived"), vec![6; 300_000]);
}
