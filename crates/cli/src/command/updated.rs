//! What came of `get --update`, for people: in a line, and what stayed as it is here, each with its reason and what can be done about it.

use super::on::On;
use crate::api::getting::{GetUpdated, KeptHere, KeptWhy};
use crate::output;

/// What came of bringing something up to date, in a line on it.
pub(super) fn what_came(updated: &GetUpdated) -> String {
    let GetUpdated {
        added,
        replaced,
        kept_count,
        deleted,
        ..
    } = updated;
    let gone = match deleted {
        0 => String::new(),
        _ => format!(", {deleted} deleted here"),
    };
    format!(", {added} added, {replaced} replaced, {kept_count} kept{gone}")
}

/// Says what was not brought up to date, and why.
pub(super) fn tell_what_stayed(on: &On, updated: &GetUpdated) {
    for line in updated.kept.iter().flat_map(kept) {
        on.output.talk(line);
    }
    if updated.deleted > 0 {
        on.output.talk(format_args!(
            "deleted here: {} stay so; get it into another folder (--out) to have them again",
            output::files(updated.deleted)
        ));
    }
}

/// What stayed for one reason: a line for each that is named, one for the rest, and what can be done.
fn kept(kept: &KeptHere) -> Vec<String> {
    let (one, several, advice) = words(kept.why);
    let named = kept.paths.iter().map(|path| {
        let path = output::name(path);
        format!("kept: {path} {one}")
    });
    let more = kept.count.saturating_sub(kept.paths.len() as u64);
    let rest = match more {
        0 => None,
        1 => Some(format!("kept: 1 more {one}")),
        _ => Some(format!("kept: {more} more {several}")),
    };
    named.chain(rest).chain([advice.to_owned()]).collect()
}

/// Why one stays, why several do, and what can be done.
fn words(why: KeptWhy) -> (&'static str, &'static str, &'static str) {
    const MOVE_AWAY: &str = "  move it away and update again to have the owner's";
    match why {
        KeptWhy::Changed => ("was changed here", "were changed here", MOVE_AWAY),
        KeptWhy::Unknown => (
            "was made here, or nothing is known of how it came",
            "were made here, or nothing is known of how they came",
            MOVE_AWAY,
        ),
        KeptWhy::Occupied => (
            "has something else in its place here, or on the way to it",
            "have something else in their places here, or on the way to them",
            "  move what is there away and update again to have the owner's",
        ),
        KeptWhy::Closed => (
            "cannot be read or written here now",
            "cannot be read or written here now",
            "  open it to yourself, or wait until no other program writes to it, and update again",
        ),
        KeptWhy::Later => (
            "waits for the next update: no more are replaced in one go",
            "wait for the next update: no more are replaced in one go",
            "  update again",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_named_with_its_reason_and_the_rest_are_counted() {
        let here = |why, count| KeptHere {
            why,
            paths: vec!["a\u{1b}b".to_owned()],
            count,
        };
        let lines = kept(&here(KeptWhy::Changed, 1));
        assert_eq!(lines[0], "kept: a\\u{1b}b was changed here");
        assert!(lines.len() == 2 && lines[1].contains("move it away"));
        let several = |count| kept(&here(KeptWhy::Later, count))[1].clone();
        assert!(several(2).starts_with("kept: 1 more waits for"));
        assert!(several(3).starts_with("kept: 2 more wait for"));
        let all = [
            KeptWhy::Changed,
            KeptWhy::Unknown,
            KeptWhy::Occupied,
            KeptWhy::Closed,
            KeptWhy::Later,
        ];
        let told = all.map(|why| kept(&here(why, 1)).concat());
        for (number, one) in told.iter().enumerate() {
            assert!(!told[..number].contains(one), "{one}");
        }
    }
}
