//! What a command prints: data on stdout, talk on stderr.

use std::io::{self, IsTerminal as _, Write as _};

use qrcode::render::unicode::Dense1x2;
use serde::Serialize;

use crate::failure::Failure;

/// Where and how to print.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    /// JSON lines, or text for people.
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether stdout is JSON lines.
    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    /// Whether a person looks at stderr, so that a bar can move there.
    pub(crate) fn has_bar(self) -> bool {
        !self.json && std::io::stderr().is_terminal()
    }

    /// Whether a person looks at stdout.
    pub(crate) fn is_terminal(self) -> bool {
        !self.json && std::io::stdout().is_terminal()
    }

    /// Prints one result: `value` as a JSON line, or `text`.
    ///
    /// # Errors
    /// When stdout is closed: [`Failure::unread`] where whoever read it has gone.
    pub(crate) fn line(
        self,
        value: &impl Serialize,
        text: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        let line = if self.json {
            serde_json::to_string(value).map_err(Failure::failed)?
        } else {
            harmless(&text(), |c| c == '\n')
        };
        let mut stdout = std::io::stdout().lock();
        let written = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
        written.map_err(unwritten)
    }

    /// Says something to a person, on stderr.
    pub(crate) fn talk(self, text: impl std::fmt::Display) {
        // A closed stderr leaves nobody to tell.
        let _ = writeln!(
            std::io::stderr(),
            "{}",
            harmless(&text.to_string(), |c| c == '\n')
        );
    }

    /// Says why the command failed, on stderr: a JSON line where a program reads, and words. Nothing where nobody reads what it prints any more.
    pub(crate) fn fail(self, failure: &Failure) {
        if failure.is_unread() {
            return;
        }
        if self.json {
            let line = serde_json::json!({ "error": failure });
            return self.talk(line);
        }
        self.talk(format_args!("kith: {failure}"));
    }

    /// Shows `text` as a QR code, where a person looks at it.
    pub(crate) fn qr(self, text: &str) {
        if !self.is_terminal() {
            return;
        }
        match drawn(text) {
            Some(code) => self.talk(code),
            None => self.talk("(too long for a QR code)"),
        }
    }
}

/// Why nothing more is written to stdout.
pub(crate) fn unwritten(error: io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::unread(),
        _ => error.into(),
    }
}

/// A name that somebody else has chosen, on one line.
pub(crate) fn name(name: &str) -> String {
    harmless(name, |_| false)
}

/// A text without characters that steer a terminal, or turn the order of those around them: these are written as numbers.
fn harmless(text: &str, is_meant: impl Fn(char) -> bool) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if (c.is_control() || turns) && !is_meant(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// A QR code (ISO/IEC 18004) in half blocks, two rows of modules a line, light ones filled: right on a dark terminal, and
/// inverted on a light one, which readers accept. `None` where the text is too long.
fn drawn(text: &str) -> Option<String> {
    // Upper case fits QR's alphanumeric mode: a third fewer modules.
    let code = qrcode::QrCode::new(text.to_uppercase()).ok()?;
    let mut renderer = code.render::<Dense1x2>();
    // It fills what it takes for dark, and terminals fill with their light colour.
    renderer.dark_color(Dense1x2::Light);
    renderer.light_color(Dense1x2::Dark);
    Some(renderer.quiet_zone(true).build())
}

/// A number of files as people read it.
pub(crate) fn files(count: u64) -> String {
    match count {
        1 => "1 file".to_owned(),
        count => format!("{count} files"),
    }
}

/// A number of bytes as people read it.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut unit = 0;
    let mut scale = 1u64;
    while unit + 1 < UNITS.len() && count / scale >= 1024 {
        scale = scale.saturating_mul(1024);
        unit += 1;
    }
    if unit == 0 {
        return format!("{count} B");
    }
    let tenths = u128::from(count) * 10 / u128::from(scale);
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

/// So many of something, such as `1 contact` and `2 contacts`.
pub(crate) fn count(number: usize, one: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        _ => format!("{number} {one}s"),
    }
}

/// How long ago a time was, in milliseconds since 1970, as people say it.
pub(crate) fn ago(time: u64) -> String {
    let seconds = kith::clock::now().0.saturating_sub(time) / 1_000;
    span_ago(seconds)
}

fn span_ago(seconds: u64) -> String {
    span(seconds).map_or_else(|| "just now".to_owned(), |span| format!("{span} ago"))
}

/// How far ahead a time is, in milliseconds since 1970, as people say it.
pub(crate) fn ahead(time: u64) -> String {
    let seconds = time.saturating_sub(kith::clock::now().0) / 1_000;
    span(seconds).map_or_else(|| "in a moment".to_owned(), |span| format!("in {span}"))
}

/// A span in its largest unit, rounded down; none under a minute.
fn span(seconds: u64) -> Option<String> {
    const UNITS: [(u64, &str); 3] = [(86_400, "day"), (3_600, "hour"), (60, "minute")];
    let (unit, name) = UNITS.into_iter().find(|(unit, _)| seconds >= *unit)?;
    let number = usize::try_from(seconds / unit).unwrap_or(usize::MAX);
    Some(count(number, name))
}

#[cfg(test)]
mod tests {
    /// What a reader of QR codes sees in lines of half blocks, with so many dots for each module.
    fn read(drawn: &str, light: u8) -> String {
        const DOTS: usize = 4;
        let lines: Vec<Vec<char>> = drawn.lines().map(|line| line.chars().collect()).collect();
        let (width, height) = (lines[0].len() * DOTS, lines.len() * 2 * DOTS);
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| {
            let is_upper = (y / DOTS).is_multiple_of(2);
            let is_filled = match lines[y / DOTS / 2].get(x / DOTS) {
                Some('█') => true,
                Some('▀') => is_upper,
                Some('▄') => !is_upper,
                _ => false,
            };
            if is_filled { light } else { 255 - light }
        });
        let grids = image.detect_grids();
        assert_eq!(grids.len(), 1, "one code:\n{drawn}");
        grids[0].decode().expect("readable").1
    }

    #[test]
    fn a_drawn_qr_code_is_read_as_what_it_says() {
        for text in [
            "kith:invite1qqqsyqcyq5rqwzqf".to_owned(),
            format!("kith:link1{}", "q0p9z8x7".repeat(80)),
        ] {
            let drawn = super::drawn(&text).expect("short enough");
            // Text forms may be written in either case.
            assert_eq!(read(&drawn, 255).to_lowercase(), text);
        }
        assert_eq!(super::drawn(&"q".repeat(5000)), None);
    }

    #[test]
    fn times_are_told_as_people_do() {
        assert_eq!(super::span_ago(59), "just now");
        assert_eq!(super::span_ago(60), "1 minute ago");
        assert_eq!(super::span_ago(3 * 3_600 + 59 * 60), "3 hours ago");
        assert_eq!(super::span_ago(86_400 * 400), "400 days ago");
    }

    #[test]
    fn names_cannot_steer_a_terminal_or_pretend_to_be_others() {
        assert_eq!(super::name("\u{1b}[2Jx\ny"), "\\u{1b}[2Jx\\ny");
        assert_eq!(super::name("cod\u{202e}gpj.exe"), "cod\\u{202e}gpj.exe");
        assert_eq!(super::name("ünï 日本 👩‍👩‍👧 שלום"), "ünï 日本 👩‍👩‍👧 שלום");
        assert_eq!(super::harmless("a\nb\u{7}", |c| c == '\n'), "a\nb\\u{7}");
    }

    #[test]
    fn sizes_are_readable() {
        assert_eq!(super::bytes(0), "0 B");
        assert_eq!(super::bytes(1023), "1023 B");
        assert_eq!(super::bytes(1536), "1.5 KiB");
        assert_eq!(super::bytes(u64::MAX), "16777215.9 TiB");
    }
}
