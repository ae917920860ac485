//! The grammar is sound, and takes what `contrib/` runs.

use std::fs;
use std::path::Path;

use clap::CommandFactory as _;

use super::*;

#[test]
fn the_grammar_is_well_formed() {
    Cli::command().debug_assert();
}

#[test]
fn the_command_lines_of_the_readme_are_ones_that_kith_takes() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let readme = fs::read_to_string(readme).expect("there");
    let blocks = readme.split("```").skip(1).step_by(2);
    let lines = blocks.flat_map(str::lines).filter_map(|line| {
        let (line, _) = line.split_once("  #").unwrap_or((line, ""));
        let typed = ["$ kith ", "| kith "];
        let typed = typed.iter().find_map(|it| line.split_once(it));
        typed.map(|(_, rest)| rest).or(line.strip_prefix("kith "))
    });
    let mut count = 0;
    for line in lines {
        count += 1;
        // As a shell parts it, which takes what is quoted for one word.
        let quoted = |(index, part): (usize, &str)| match index % 2 {
            1 => vec![part.to_owned()],
            _ => part.split_whitespace().map(str::to_owned).collect(),
        };
        let words = line.split('\'').enumerate().flat_map(quoted);
        let words: Vec<String> = std::iter::once("kith".to_owned()).chain(words).collect();
        let parsed = Cli::try_parse_from(&words);
        assert!(parsed.is_ok(), "{words:?}: {:?}", parsed.err());
    }
    assert!(count > 18, "{count}");
}

/// The command lines of `kith` in a file of `contrib/`: what a service runs, and what is run in a container.
fn command_lines(text: &str) -> Vec<Vec<String>> {
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect();
    let in_container = |line: &str| -> Option<Vec<String>> {
        let line = line.split_once("docker run ")?.1;
        let (line, _) = line.split_once(" #").unwrap_or((line, ""));
        // The image has the program's name, and is followed by its arguments.
        Some(words(&line[line.find(" kith ")?..]))
    };
    let of = |line: &str| {
        let service = line.strip_prefix("ExecStart=").map(words);
        let usual = || {
            let arguments: Vec<String> = serde_json::from_str(line.strip_prefix("CMD ")?).ok()?;
            Some([vec!["kith".to_owned()], arguments].concat())
        };
        service.or_else(|| in_container(line)).or_else(usual)
    };
    text.lines().filter_map(of).collect()
}

#[test]
fn the_command_lines_of_contrib_are_ones_that_kith_takes() {
    let contrib = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contrib");
    let files = [
        ("systemd/kith.service", 1),
        ("systemd/kith-introducer.service", 1),
        ("docker/Dockerfile", 3),
    ];
    for (file, count) in files {
        let text = fs::read_to_string(contrib.join(file)).expect("there");
        let lines = command_lines(&text);
        assert_eq!(lines.len(), count, "{file}: {lines:?}");
        for line in lines {
            let parsed = Cli::try_parse_from(&line);
            assert!(parsed.is_ok(), "{file}: {line:?}: {:?}", parsed.err());
        }
    }
}
