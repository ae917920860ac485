//! Which characters a name may have, so that nothing in it hides, or reorders what stands around it (Unicode TR 36, UAX #31 on joiners).
//!
//! Persian, the languages of India and emoji are written with two joiners that have no width, and emoji and ideographs with selectors of their variants.
//! Those are taken where they do something to the character before them, and nowhere else.

use unicode_normalization::char::is_combining_mark;

/// Zero width non-joiner and joiner.
const JOINERS: [char; 2] = ['\u{200c}', '\u{200d}'];

/// What puts a digit into a key cap; the selector of an emoji's form stands between them.
const KEY_CAP: char = '\u{20e3}';

/// Whether a text may be a name: nothing in it is hidden, and each joiner and selector stands where it is written.
pub(super) fn is_sound(text: &str) -> bool {
    let mut before = None;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if is_hidden(c) || !stands(before, c, rest.peek().copied()) {
            return false;
        }
        before = Some(c);
    }
    true
}

/// The text without what [`is_sound`] would not let pass, in so many bytes at most.
pub(super) fn cleaned(text: &str, bytes_max: usize) -> String {
    let shown: Vec<char> = text.chars().filter(|c| !is_hidden(*c)).collect();
    let mut kept = String::new();
    for (at, &c) in shown.iter().enumerate() {
        if kept.len() + c.len_utf8() > bytes_max {
            break;
        }
        if stands(kept.chars().next_back(), c, shown.get(at + 1).copied()) {
            kept.push(c);
        }
    }
    // What stood behind may have been cut off.
    while !is_sound(&kept) {
        kept.pop();
    }
    kept
}

/// Whether a text in a format may be read: nothing in it reorders. Formats of before have names with what has no width, and stay readable.
pub(super) fn is_carried(text: &str) -> bool {
    text.chars().all(|c| {
        let is_barred = matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e00ff}' | '\u{e01f0}'..='\u{e0fff}');
        !c.is_control() && !is_barred
    })
}

/// The text as two are compared by eye: without joiners and the variants of ideographs.
pub(super) fn without_joiners(text: &str) -> String {
    let is_left_out = |c: char| JOINERS.contains(&c) || is_ideographic_selector(c);
    text.chars().filter(|c| !is_left_out(*c)).collect()
}

/// Neither seen nor of use in a name: controls, what reorders, and what is shown as nothing (Unicode's `Default_Ignorable_Code_Point`, but for joiners and
/// selectors; a blank of Braille; marks of annotations). The app shows the same ones as escapes; a test of its own compares the two.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}'
            | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e00ff}' | '\u{e01f0}'..='\u{e0fff}')
}

/// Whether a character may stand between these two, if it is a joiner or a selector.
fn stands(before: Option<char>, c: char, after: Option<char>) -> bool {
    if JOINERS.contains(&c) {
        let is_joined = |c: char| is_letter(c) || is_emoji(c);
        let follows = |c: char| is_joined(c) || is_combining_mark(c) || is_selector(c);
        return before.is_some_and(follows) && after.is_some_and(is_joined);
    }
    if is_ideographic_selector(c) {
        return before.is_some_and(|c| is_letter(c) && c >= '\u{2e80}');
    }
    if is_selector(c) {
        return before.is_some_and(is_emoji) || after == Some(KEY_CAP);
    }
    true
}

/// A letter of a script that has joiners; of ASCII's none has.
fn is_letter(c: char) -> bool {
    !c.is_ascii() && c.is_alphabetic()
}

/// Pictures, arrows and symbols, their colours of skin among them.
fn is_emoji(c: char) -> bool {
    matches!(c,
        '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}' | '\u{2190}'..='\u{27ff}' | '\u{2900}'..='\u{2bff}'
        | '\u{3030}' | '\u{303d}' | '\u{3297}' | '\u{3299}' | '\u{1f000}'..='\u{1faff}')
}

/// Chooses the text's or the picture's form of an emoji, among others.
fn is_selector(c: char) -> bool {
    matches!(c, '\u{fe00}'..='\u{fe0f}')
}

/// Chooses a variant of an ideograph.
fn is_ideographic_selector(c: char) -> bool {
    matches!(c, '\u{e0100}'..='\u{e01ef}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joiners_stand_between_letters_and_between_emoji() {
        for name in [
            "علی\u{200c}رضا",
            "क\u{94d}\u{200d}ष",
            "Bob 👨\u{200d}👩\u{200d}👧",
            "🏳\u{fe0f}\u{200d}🌈",
            "❤\u{fe0f}",
            "1\u{fe0f}\u{20e3}",
            "葛\u{e0100}城",
        ] {
            assert!(is_sound(name), "{name:?}");
            assert_eq!(cleaned(name, 64), name);
        }
    }

    #[test]
    fn joiners_that_do_nothing_are_none() {
        for (name, kept) in [
            ("\u{200c}علی", "علی"),
            ("علی\u{200d}", "علی"),
            ("ع\u{200c}\u{200d}ل", "ع\u{200d}ل"),
            ("ع\u{200c} ل", "ع ل"),
            ("A\u{200d}da", "Ada"),
            ("Ada\u{fe0f}", "Ada"),
            ("Ada\u{e0100}", "Ada"),
            ("\u{200d}", ""),
        ] {
            assert!(!is_sound(name), "{name:?}");
            assert_eq!(cleaned(name, 64), kept, "{name:?}");
        }
        assert_eq!(cleaned("علی\u{200c}رضا", 10), "علی", "cut behind a joiner");
    }

    #[test]
    fn what_is_shown_as_nothing_is_in_no_name() {
        for hidden in "\u{ad}\u{34f}\u{115f}\u{1160}\u{17b4}\u{180e}\u{200b}\u{202e}\u{2066}\u{2800}\u{3164}\u{ffa0}\u{e0041}".chars() {
            let name = format!("a{hidden}b");
            assert!(!is_sound(&name), "{name:?}");
            assert_eq!(cleaned(&name, 64), "ab");
        }
    }
}
