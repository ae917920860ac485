//! Which version of a file a caller has, and on what terms it wants another (RFC 9110, section 13): `If-Match`, `If-None-Match` and `If-Range`.
//!
//! Each version has one strong tag. There are no dates: one in `If-Range` is of no version, so all of the file is sent.

use axum::http::header::{AsHeaderName, IF_MATCH, IF_NONE_MATCH, IF_RANGE};
use axum::http::{HeaderMap, HeaderValue};

/// Whether something is sent to a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Terms {
    /// It is.
    Met,
    /// The caller has it.
    HasIt,
    /// It is not the version that the caller means.
    Another,
}

/// Whether the version with this tag is sent to whoever asks with these headers.
pub(super) fn terms(headers: &HeaderMap, tag: &str) -> Terms {
    let meant = tags(headers, IF_MATCH);
    if meant.is_some_and(|meant| !meant.iter().any(|it| it.is_any() || it.is_just(tag))) {
        return Terms::Another;
    }
    // Whatever is compared here may be weak.
    let has = tags(headers, IF_NONE_MATCH);
    match has.is_some_and(|has| has.iter().any(|it| it.is_any() || it.opaque == tag)) {
        true => Terms::HasIt,
        false => Terms::Met,
    }
}

/// Whether a range may be sent of the version with this tag; else all of it is.
pub(super) fn may_be_a_range(headers: &HeaderMap, tag: &str) -> bool {
    match tags(headers, IF_RANGE).as_deref() {
        None => true,
        Some([only]) => only.is_just(tag),
        Some(_) => false,
    }
}

/// A tag that a caller names.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Tag {
    is_weak: bool,
    /// With its quotation marks; `*` for any.
    opaque: String,
}

impl Tag {
    fn is_any(&self) -> bool {
        self.opaque == "*"
    }

    /// Whether it is this strong tag.
    fn is_just(&self, tag: &str) -> bool {
        !self.is_weak && self.opaque == tag
    }
}

/// The tags in all fields of this name; `None` where there is none. What is no tag is one that nothing has.
fn tags(headers: &HeaderMap, name: impl AsHeaderName) -> Option<Vec<Tag>> {
    let mut fields = headers.get_all(name).iter().peekable();
    fields.peek()?;
    let text = |field: &HeaderValue| field.to_str().unwrap_or_default().to_owned();
    Some(fields.flat_map(|field| listed(&text(field))).collect())
}

/// The tags in a list. One may hold commas.
fn listed(mut list: &str) -> Vec<Tag> {
    let mut tags = Vec::new();
    loop {
        list = list.trim_start_matches([' ', '\t', ',']);
        if list.is_empty() {
            return tags;
        }
        let (is_weak, rest) = match list.strip_prefix("W/") {
            Some(rest) => (true, rest),
            None => (false, list),
        };
        let closed = rest.strip_prefix('"').and_then(|inner| inner.find('"'));
        let length = match closed {
            Some(end) => end + 2,
            // No tag: up to the next.
            None => rest.find(',').unwrap_or(rest.len()),
        };
        let (opaque, after) = rest.split_at(length);
        let opaque = opaque.trim_end().to_owned();
        tags.push(Tag { is_weak, opaque });
        list = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAG: &str = "\"abc\"";

    fn headers(name: &'static str, fields: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(name, HeaderValue::from_static(field));
        }
        headers
    }

    #[test]
    fn who_has_it_is_told_so_and_who_means_another_too() {
        assert_eq!(terms(&HeaderMap::new(), TAG), Terms::Met);
        for (fields, told) in [
            (&["\"abc\""][..], Terms::HasIt),
            (&["W/\"abc\""], Terms::HasIt),
            (&["*"], Terms::HasIt),
            (&["\"a,b\", \"abc\""], Terms::HasIt),
            (&["\"x\"", "\"abc\""], Terms::HasIt),
            (&["\"x\",\"y\""], Terms::Met),
            (&["abc"], Terms::Met),
            (&["\"abc"], Terms::Met),
            (&[""], Terms::Met),
        ] {
            assert_eq!(
                terms(&headers("if-none-match", fields), TAG),
                told,
                "{fields:?}"
            );
        }
        for (fields, told) in [
            (&["\"abc\""][..], Terms::Met),
            (&["*"], Terms::Met),
            (&["\"x\" , \"abc\""], Terms::Met),
            (&["W/\"abc\""], Terms::Another),
            (&["\"x\""], Terms::Another),
            (&["abc"], Terms::Another),
            (&[""], Terms::Another),
        ] {
            assert_eq!(terms(&headers("if-match", fields), TAG), told, "{fields:?}");
        }
    }

    #[test]
    fn if_match_comes_before_if_none_match() {
        let mut both = headers("if-match", &["\"x\""]);
        both.insert("if-none-match", HeaderValue::from_static("\"abc\""));
        assert_eq!(terms(&both, TAG), Terms::Another);
    }

    #[test]
    fn a_range_is_sent_of_the_version_that_is_meant_and_of_no_other() {
        assert!(may_be_a_range(&HeaderMap::new(), TAG));
        for (field, may_be) in [
            ("\"abc\"", true),
            ("\"x\"", false),
            ("W/\"abc\"", false),
            ("*", false),
            ("Sat, 29 Oct 1994 19:43:31 GMT", false),
            ("\"x\", \"abc\"", false),
            ("", false),
        ] {
            let headers = headers("if-range", &[field]);
            assert_eq!(may_be_a_range(&headers, TAG), may_be, "{field}");
        }
    }
}
