//! The table `[limits]` of `config.toml`: how fast content may move.
//!
//! ```toml
//! [limits]
//! upload = "2 MiB/s"          # to all distant peers together; this is the default, "none" is as fast as it goes
//! upload_each = "1 MiB/s"     # to each of them
//! download = "20 Mbit/s"      # from all of them together
//! download_each = "none"
//! local = true                # within the local network too; false by default
//!
//! [[limits.schedule]]
//! days = ["mon", "tue"]       # all days when left out
//! hours = "22:00-06:00"       # by the clock on the wall; over midnight too, then of the day on which they begin
//! upload = "none"
//!
//! [limits.peers.peer1…]       # one peer, near and far, at all hours
//! download = "500 KiB/s"
//! ```

use std::collections::BTreeMap;
use std::path::Path;

use kith_core::content::limits::{
    Cap, Caps, DAY_MINUTES, PEERS_MAX, PERIODS_MAX, PeerCaps, Period, Plan, RATE_MIN,
};
use kith_core::ids::PeerId;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, value};

/// The units that a rate may be written in, and their bytes a second (bits, where they are bits).
const UNITS: [(&str, u64, u64); 10] = [
    ("b", 1, 1),
    ("kib", 1 << 10, 1),
    ("mib", 1 << 20, 1),
    ("gib", 1 << 30, 1),
    ("kb", 1_000, 1),
    ("mb", 1_000_000, 1),
    ("gb", 1_000_000_000, 1),
    ("kbit", 1_000, 8),
    ("mbit", 1_000_000, 8),
    ("gbit", 1_000_000_000, 8),
];

/// The word for no limit.
const NONE: &str = "none";

/// The days by their names.
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Written {
    upload: Option<CapText>,
    upload_each: Option<CapText>,
    download: Option<CapText>,
    download_each: Option<CapText>,
    local: bool,
    schedule: Vec<WrittenPeriod>,
    peers: BTreeMap<PeerText, WrittenPeer>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenPeriod {
    days: Option<DaysText>,
    hours: HoursText,
    upload: Option<CapText>,
    upload_each: Option<CapText>,
    download: Option<CapText>,
    download_each: Option<CapText>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct WrittenPeer {
    upload: Option<CapText>,
    download: Option<CapText>,
}

/// A cap as it is written.
struct CapText(Cap);

/// A peer by their PeerId.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct PeerText(PeerId);

/// Days, Monday first.
struct DaysText([bool; DAYS.len()]);

/// From and until, in minutes of the day.
struct HoursText(u16, u16);

/// Reads a cap such as `2 MiB/s`, `500 kB/s`, `16 Mbit/s`, or `none`.
///
/// # Errors
/// What is wrong with it.
pub fn read_cap(text: &str) -> Result<Cap, String> {
    let wrong =
        || format!("{text:?} is no rate: write it as in \"2 MiB/s\", \"16 Mbit/s\" or \"{NONE}\"");
    let plain = text.trim().to_ascii_lowercase();
    if plain == NONE {
        return Ok(Cap::Unlimited);
    }
    let plain = plain.strip_suffix("/s").unwrap_or(&plain).trim_end();
    let unit_at = plain.find(|c: char| c.is_ascii_alphabetic());
    let (number, unit) = plain.split_at(unit_at.ok_or_else(wrong)?);
    let known = UNITS.iter().find(|(name, ..)| *name == unit.trim());
    let (_, scale, bits) = known.ok_or_else(wrong)?;
    let (whole, fraction) = number.trim().split_once('.').unwrap_or((number.trim(), ""));
    // Digits beyond a millionth of the unit are nobody's wish.
    let is_sound = |digits: &str| digits.len() <= 6 && digits.bytes().all(|it| it.is_ascii_digit());
    if whole.is_empty() || whole.len() > 12 || !whole.bytes().all(|it| it.is_ascii_digit()) {
        return Err(wrong());
    }
    if !is_sound(fraction) || (number.contains('.') && fraction.is_empty()) {
        return Err(wrong());
    }
    let millionths: u128 = format!("{whole}{fraction:0<6}")
        .parse()
        .map_err(|_| wrong())?;
    let rate = millionths * u128::from(*scale) / u128::from(*bits) / 1_000_000;
    let rate = u64::try_from(rate).map_err(|_| wrong())?;
    if rate < RATE_MIN {
        let least = RATE_MIN >> 10;
        return Err(format!(
            "{text:?} is less than {least} KiB/s, with which nothing arrives; write \"{NONE}\" for no limit, and pause transfers to stop them"
        ));
    }
    Ok(Cap::Rate(rate))
}

/// A cap as [`read_cap`] reads it.
pub fn write_cap(cap: Cap) -> String {
    let rate = match cap {
        Cap::Unlimited => return NONE.to_owned(),
        Cap::Rate(rate) => rate,
    };
    let whole = [
        ("GiB", 1 << 30),
        ("MiB", 1 << 20),
        ("KiB", 1 << 10),
        ("Mbit", 125_000),
        ("kbit", 125),
    ];
    let fits = |(_, bytes): &(&str, u64)| rate > 0 && rate.is_multiple_of(*bytes);
    match whole.into_iter().find(fits) {
        Some((unit, bytes)) => format!("{} {unit}/s", rate / bytes),
        None => format!("{rate} B/s"),
    }
}

/// Reads the hours of a period, such as `22:00-06:00`: the minutes of the day from which and until which it holds.
///
/// # Errors
/// What is wrong with them.
pub fn read_hours(text: &str) -> Result<(u16, u16), String> {
    let minute = |text: &str| {
        let (hour, minute) = text.trim().split_once(':')?;
        let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
        let total = hour.checked_mul(60)?.checked_add(minute)?;
        (minute < 60 && total <= DAY_MINUTES).then_some(total)
    };
    let hours = text.split_once('-');
    let hours = hours.and_then(|(from, until)| Some((minute(from)?, minute(until)?)));
    let sound = hours.filter(|(from, _)| *from < DAY_MINUTES);
    sound.ok_or_else(|| format!("{text:?} are no hours, such as \"22:00-06:00\""))
}

/// The hours of a period as [`read_hours`] reads them.
pub fn write_hours(period: &Period) -> String {
    let time = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    format!("{}-{}", time(period.from), time(period.until))
}

/// Reads the days of a period, each such as `mon`; all of them where none is named.
///
/// # Errors
/// Which of them is none.
pub fn read_days<Name: AsRef<str>>(names: &[Name]) -> Result<[bool; DAYS.len()], String> {
    let mut days = [names.is_empty(); DAYS.len()];
    for name in names {
        let name = name.as_ref();
        let day = DAYS.iter().position(|day| day.eq_ignore_ascii_case(name));
        let wrong = || format!("{name:?} is no day: {}", DAYS.join(", "));
        days[day.ok_or_else(wrong)?] = true;
    }
    Ok(days)
}

/// The days of a period as [`read_days`] reads them; none for all.
pub fn write_days(period: &Period) -> Vec<&'static str> {
    let days = DAYS.iter().zip(period.days);
    match period.days.contains(&false) {
        true => days
            .filter(|(_, holds)| *holds)
            .map(|(day, _)| *day)
            .collect(),
        false => Vec::new(),
    }
}

/// Reads the table; what is left out is as in [`Plan::default`].
pub(super) fn read<'de, D: Deserializer<'de>>(table: D) -> Result<Plan, D::Error> {
    let written = Written::deserialize(table)?;
    if written.schedule.len() > PERIODS_MAX {
        return Err(D::Error::custom(format!("at most {PERIODS_MAX} periods")));
    }
    if written.peers.len() > PEERS_MAX {
        return Err(D::Error::custom(format!(
            "at most {PEERS_MAX} peers with limits of their own"
        )));
    }
    let mut plan = Plan {
        local: written.local,
        ..Plan::default()
    };
    plan.usual = plan.usual.overridden(Caps {
        upload: cap(written.upload),
        upload_each: cap(written.upload_each),
        download: cap(written.download),
        download_each: cap(written.download_each),
    });
    plan.schedule = written.schedule.into_iter().map(period).collect();
    for (peer, caps) in written.peers {
        let caps = PeerCaps {
            upload: cap(caps.upload),
            download: cap(caps.download),
        };
        plan.peers.insert(peer.0, caps);
    }
    Ok(plan)
}

fn period(written: WrittenPeriod) -> Period {
    Period {
        days: written.days.map_or([true; DAYS.len()], |days| days.0),
        from: written.hours.0,
        until: written.hours.1,
        caps: Caps {
            upload: cap(written.upload),
            upload_each: cap(written.upload_each),
            download: cap(written.download),
            download_each: cap(written.download_each),
        },
    }
}

fn cap(text: Option<CapText>) -> Option<Cap> {
    text.map(|text| text.0)
}

impl<'de> Deserialize<'de> for CapText {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        let text = String::deserialize(value)?;
        read_cap(&text).map(Self).map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for PeerText {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        let text = String::deserialize(value)?;
        let wrong = |_| format!("{text:?} is no PeerId; 'kith contacts --json' tells them");
        text.parse()
            .map(Self)
            .map_err(wrong)
            .map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for DaysText {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        let names = Vec::<String>::deserialize(value)?;
        read_days(&names).map(Self).map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for HoursText {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        let text = String::deserialize(value)?;
        let (from, until) = read_hours(&text).map_err(D::Error::custom)?;
        Ok(Self(from, until))
    }
}

/// `text`, which is sound, with the limits of `plan` in place of its own; the schedule's comments go with it when it changes.
pub(super) fn with_limits(text: &str, plan: &Plan) -> Option<String> {
    let mut document: DocumentMut = text.parse().ok()?;
    let limits = document
        .entry("limits")
        .or_insert(Item::Table(Table::new()));
    let limits = limits.as_table_mut()?;
    set_caps(limits, plan.usual);
    match plan.local {
        true => limits["local"] = value(true),
        false => drop(limits.remove("local")),
    }
    let mut peers = Table::new();
    peers.set_implicit(true);
    for (peer, caps) in &plan.peers {
        let mut table = Table::new();
        set_cap(&mut table, "upload", caps.upload);
        set_cap(&mut table, "download", caps.download);
        peers.insert(&peer.to_string(), Item::Table(table));
    }
    limits.remove("peers");
    if !peers.is_empty() {
        limits.insert("peers", Item::Table(peers));
    }
    let mut schedule = ArrayOfTables::new();
    for period in &plan.schedule {
        schedule.push(period_table(period));
    }
    limits.remove("schedule");
    if !schedule.is_empty() {
        limits.insert("schedule", Item::ArrayOfTables(schedule));
    }
    Some(document.to_string())
}

fn period_table(period: &Period) -> Table {
    let mut table = Table::new();
    let days: toml_edit::Array = write_days(period).into_iter().collect();
    if !days.is_empty() {
        table.insert("days", value(days));
    }
    table.insert("hours", value(write_hours(period)));
    set_caps(&mut table, period.caps);
    table
}

fn set_caps(table: &mut Table, caps: Caps) {
    set_cap(table, "upload", caps.upload);
    set_cap(table, "upload_each", caps.upload_each);
    set_cap(table, "download", caps.download);
    set_cap(table, "download_each", caps.download_each);
}

fn set_cap(table: &mut Table, name: &str, cap: Option<Cap>) {
    match cap {
        Some(cap) => table[name] = value(write_cap(cap)),
        None => drop(table.remove(name)),
    }
}

/// Writes the limits into the file at `path`; all else in it stays as it was written.
///
/// # Errors
/// What the system says, or why the file cannot be written to.
pub(super) fn keep(path: &Path, text: &str, plan: &Plan) -> std::io::Result<()> {
    let changed = with_limits(text, plan)
        .ok_or_else(|| std::io::Error::other("its limits are no table of their own"))?;
    if changed == text {
        return Ok(());
    }
    crate::durable::replace(path, changed.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use kith_core::content::limits::UPLOAD_DEFAULT;

    const PEER: PeerId = PeerId([7; 32]);

    /// A plan that says something of everything.
    fn plan() -> Plan {
        let rate = |mebibytes: u64| Some(Cap::Rate(mebibytes << 20));
        let usual = Caps {
            upload: rate(3),
            upload_each: Some(Cap::Unlimited),
            download: rate(20),
            download_each: None,
        };
        let caps = Caps {
            upload: Some(Cap::Unlimited),
            ..Caps::default()
        };
        let mut days = [false; 7];
        days[4] = true;
        let own = PeerCaps {
            upload: rate(1),
            download: None,
        };
        Plan {
            usual,
            local: true,
            schedule: vec![
                Period {
                    days,
                    from: 22 * 60,
                    until: 6 * 60 + 30,
                    caps,
                },
                Period {
                    days: [true; 7],
                    from: 0,
                    until: DAY_MINUTES,
                    caps,
                },
            ],
            peers: [(PEER, own)].into(),
        }
    }

    #[test]
    fn rates_are_read_in_the_units_people_use() {
        for (text, rate) in [
            ("2 MiB/s", 2 << 20),
            ("1.5MiB", 3 << 19),
            ("500 kB/s", 500_000),
            ("16 Mbit/s", 2_000_000),
            ("0.25 GB/s", 250_000_000),
            ("16384 B/s", RATE_MIN),
        ] {
            assert_eq!(read_cap(text), Ok(Cap::Rate(rate)), "{text}");
        }
        assert_eq!(read_cap(" None "), Ok(Cap::Unlimited));
        for text in [
            "",
            "2",
            "MiB/s",
            "2 miles",
            "-1 MiB/s",
            "1e3 MiB",
            "0 MiB/s",
            "16383 B/s",
            "1. MiB",
            "1.2.3 MiB",
            "9999999999999 GiB",
            "999999999999 GiB",
            "\u{661} MiB",
        ] {
            assert!(read_cap(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        for rate in [RATE_MIN, 1 << 20, 3 << 30, 1_234_567] {
            let cap = Cap::Rate(rate);
            assert_eq!(read_cap(&write_cap(cap)), Ok(cap));
        }
        for text in ["2 MiB/s", "1536 KiB/s", "16 Mbit/s", "500 kbit/s", "none"] {
            assert_eq!(read_cap(text).map(write_cap).as_deref(), Ok(text));
        }
        let text = with_limits("# mine\nlan = false # home\n", &plan()).expect("sound");
        let config = Config::parse(&text).expect("sound");
        assert_eq!(config.limits, plan(), "{text}");
        assert!(text.starts_with("# mine\nlan = false # home\n"), "{text}");
        assert!(!config.lan);
        let less = with_limits(&text, &Plan::default()).expect("sound");
        let config = Config::parse(&less).expect("sound");
        assert_eq!(config.limits, Plan::default(), "{less}");
    }

    #[test]
    fn without_a_word_only_uploads_to_distant_peers_are_limited() {
        for text in ["", "[limits]", "[limits]\ndownload = 'none'"] {
            let plan = Config::parse(text).expect("sound").limits;
            assert_eq!(plan.usual.upload, Some(Cap::Rate(UPLOAD_DEFAULT)), "{text}");
        }
    }

    #[test]
    fn mistakes_are_refused_in_their_line() {
        for text in [
            "\n[limits]\nupload = 'fast'",
            "\n[limits]\nuplaod = '1 MiB/s'",
            "\n[[limits.schedule]]\nhours = '25:00-06:00'",
            "\n[[limits.schedule]]\nhours = '24:00-06:00'",
            "\n[[limits.schedule]]\nhours = '6-7'",
            "\n[[limits.schedule]]\ndays = ['mon']",
            "\n[[limits.schedule]]\nhours = '1:00-2:00'\ndays = ['moon']",
            "\n[limits.peers.ann]\nupload = '1 MiB/s'",
        ] {
            let (line, mistake) = Config::parse(text).expect_err(text);
            assert!((2..=4).contains(&line), "{text:?}: line {line}: {mistake}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_readers_panic(text in "\\PC{0,40}", digits in "[0-9.:-]{0,16} ?[kKmMgG]?i?[bB]?(it)?(/s)?") {
            let _ = (read_cap(&text), read_hours(&text));
            let _ = (read_cap(&digits), read_hours(&digits));
        }
    }
}
