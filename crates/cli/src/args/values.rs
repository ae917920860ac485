//! Values that are not plain words: local addresses and spans of time.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use kith::config::settings::check_name;

/// Reads an address with a port; `8000` and `localhost:8000` are the loopback interface's.
pub(super) fn parse_local(text: &str) -> Result<SocketAddr, String> {
    let port = text.strip_prefix("localhost:").unwrap_or(text);
    if let Ok(port) = port.parse::<u16>() {
        return Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    }
    text.parse()
        .map_err(|_| "an address with a port, as in 127.0.0.1:8000".to_owned())
}

/// Reads what somebody would like to be called.
pub(super) fn parse_own_name(text: &str) -> Result<String, String> {
    check_name(text).map(|()| text.to_owned())
}

/// Reads a span such as `90s`, `10m`, `2h`, `7d`.
pub(super) fn parse_span(text: &str) -> Result<Duration, String> {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let number = &text[..text.len() - unit.len()];
    let number: u64 = number
        .parse()
        .map_err(|_| "a number and a unit, as in 10m".to_owned())?;
    let seconds = match unit {
        "ms" => return Ok(Duration::from_millis(number)),
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return Err("the unit is one of ms, s, m, h, d, w".to_owned()),
    };
    number
        .checked_mul(seconds)
        .map(Duration::from_secs)
        .ok_or_else(|| "too long".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_alone_is_the_loopback_interfaces() {
        let web = SocketAddr::from((Ipv4Addr::LOCALHOST, 8000));
        for text in ["8000", "localhost:8000", "127.0.0.1:8000"] {
            assert_eq!(parse_local(text), Ok(web), "{text}");
        }
        assert!(parse_local("[::1]:8000").is_ok());
        assert!(parse_local("example.org:8000").is_err());
        assert!(parse_local("70000").is_err());
    }

    #[test]
    fn spans_need_a_number_and_a_known_unit() {
        assert_eq!(parse_span("7d"), Ok(Duration::from_secs(604_800)));
        assert_eq!(parse_span("250ms"), Ok(Duration::from_millis(250)));
        assert!(parse_span("7").is_err());
        assert!(parse_span("d").is_err());
        assert!(parse_span("7 days").is_err());
        assert!(parse_span("99999999999999999999s").is_err());
        assert!(parse_span("9999999999999999999w").is_err());
    }
}
