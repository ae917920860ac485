//! Paths of the API as they are written: segments and parameters, percent-encoded (RFC 3986, section 2.1).

/// A text as one segment of a path (RFC 3986 §2.1).
pub(crate) fn segment(text: &str) -> String {
    let mut segment = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'~' => {
                segment.push(byte.into())
            }
            // A dot too, so that no name can be a step up.
            _ => segment.push_str(&format!("%{byte:02X}")),
        }
    }
    segment
}

/// A path with those parameters that have a value.
pub(crate) fn query(path: &str, parameters: &[(&str, Option<&str>)]) -> String {
    let given = parameters
        .iter()
        .filter_map(|(name, value)| Some((name, (*value)?)));
    let given: Vec<String> = given
        .map(|(name, value)| format!("{name}={}", segment(value)))
        .collect();
    if given.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{}", given.join("&"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_is_one_segment() {
        assert_eq!(segment("ann"), "ann");
        assert_eq!(segment("../ü?#%"), "%2E%2E%2F%C3%BC%3F%23%25");
    }

    #[test]
    fn only_given_parameters_are_asked_for() {
        assert_eq!(query("/a", &[("b", None)]), "/a");
        assert_eq!(
            query("/a", &[("b", None), ("c", Some("d e")), ("f", Some(""))]),
            "/a?c=d%20e&f="
        );
    }
}
