//! Files that are read, refused and kept.

use std::net::Ipv4Addr;

use super::*;
use kith_core::ids::{DeviceKey, TlsPin};
use kith_core::introducer::{Ports, Trust};

fn introducer() -> Introducer {
    let ports = Ports {
        tcp: 1,
        udp: 2,
        discovery: 3,
    };
    let address = Ipv4Addr::LOCALHOST.into();
    let trust = Trust::Pin(TlsPin([2; 32]));
    Introducer::new(DeviceKey([1; 32]), vec![address], ports, trust)
}

#[test]
fn without_a_file_the_defaults_hold() {
    let path = tempfile::tempdir()
        .expect("a place")
        .path()
        .join("config.toml");
    let config = Config::load(&path).expect("no file is no mistake");
    assert_eq!(config, Config::default());
    assert_eq!(Config::parse("").expect("nothing is said"), config);
    assert!(!config.findable && !config.public_server && config.introducers.is_empty());
}

#[test]
fn every_setting_is_read() {
    let line = introducer().to_string();
    let text = format!(
        "name = 'Ann'\nintroducers = ['{line}']\nask_introducers = false\nuse_contact_relays = false\nlan = false\n\
         findable = true\nrelay_roots = '/etc/roots.pem'\npublic_server = true\nprovide = false\ncopies_mebibytes = 9\naudience = 'public'\nexpress = false\n\
         [relay_for_contacts]\nenabled = false\nmebibytes_per_day = 7\nkibibytes_per_second = 8\n\
         addresses = ['203.0.113.5']\nport = 7119\n[limits]\nlocal = true\n"
    );
    let expected = Config {
        name: "Ann".into(),
        introducers: vec![introducer()],
        ask_introducers: false,
        use_contact_relays: false,
        lan: false,
        findable: true,
        relay_roots: Some("/etc/roots.pem".into()),
        public_server: true,
        provide: false,
        copies_mebibytes: 9,
        audience: AudienceKind::Public,
        express: false,
        relay_for_contacts: RelayForContacts {
            enabled: false,
            mebibytes_per_day: 7,
            kibibytes_per_second: 8,
            addresses: vec![[203, 0, 113, 5].into()],
            port: 7119,
        },
        limits: Plan {
            local: true,
            ..Plan::default()
        },
    };
    assert_eq!(Config::parse(&text), Ok(expected));
}

#[test]
fn a_typo_gives_the_line_the_key_and_the_nearest_setting() {
    let directory = tempfile::tempdir().expect("a place");
    let path = directory.path().join("config.toml");
    std::fs::write(&path, "# mine\nlan = true\nfindabel = true\n").expect("room");
    let error = Config::load(&path).expect_err("a typo");
    let expected = format!(
        "{}, line 3: there is no setting \"findabel\"; did you mean \"findable\"?",
        path.display()
    );
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_typo_in_a_table_is_compared_with_the_settings_of_that_table() {
    let text = "lan = true\n[relay_for_contacts]\n\nmebibytes_pro_day = 1\n";
    let (line, mistake) = Config::parse(text).expect_err("a typo");
    assert_eq!(line, 4);
    assert!(
        matches!(mistake, Mistake::UnknownKey { nearest: Some(name), .. }
        if name == "mebibytes_per_day")
    );
}

#[test]
fn a_key_like_no_other_lists_them_all() {
    let (line, mistake) = Config::parse("colour = 'red'").expect_err("unknown");
    assert_eq!(line, 1);
    let text = mistake.to_string();
    assert!(
        text.contains("introducers") && !text.contains("mean"),
        "{text}"
    );
}

#[test]
fn wrong_values_are_refused_in_their_line() {
    let long = format!("\nname = '{}'", "x".repeat(NAME_BYTES_MAX + 1));
    for text in [
        "\nlan = 'yes'",
        "\nname = \"a\\nb\"",
        &long,
        "\nintroducers = ['kith:introducer1qqqq']",
        "\nlan = true\nlan = true",
        "\n[relay_for_contacts]\nmebibytes_per_day = -1",
        "\n[relay_for_contacts]\naddresses = ['my router']",
        "\n[relay_for_contacts]\naddresses = ['0.0.0.0']",
        "\n[relay_for_contacts]\naddresses = ['::1', '::2', '::3', '::4', '::5']",
        "\nlan = ",
    ] {
        let (line, mistake) = Config::parse(text).expect_err(text);
        let last = text.lines().count();
        assert!(
            (2..=last).contains(&line),
            "{text:?}: line {line}: {mistake}"
        );
        assert!(matches!(mistake, Mistake::Value(_)), "{text:?}: {mistake}");
    }
}

#[test]
fn too_many_introducers_are_refused() {
    let line = introducer().to_string();
    let list = |count| format!("introducers = {:?}", vec![line.clone(); count]);
    assert!(Config::parse(&list(INTRODUCERS_MAX)).is_ok());
    assert!(Config::parse(&list(INTRODUCERS_MAX + 1)).is_err());
}

#[test]
fn kept_introducers_leave_the_rest_of_the_file_as_it_was() {
    let directory = tempfile::tempdir().expect("a place");
    let path = directory.path().join("config.toml");
    let keep = |introducers: &[Introducer]| Config::keep_introducers(&path, introducers);
    keep(&[introducer()]).expect("a new file");
    assert_eq!(
        Config::load(&path).expect("sound").introducers,
        [introducer()]
    );

    let rest = "# mine\nlan = false # home\n\n[relay_for_contacts]\nenabled = false\n";
    std::fs::write(&path, rest).expect("room");
    keep(&[introducer()]).expect("sound");
    let text = std::fs::read_to_string(&path).expect("there");
    assert!(text.ends_with(rest), "{text}");
    assert_eq!(
        Config::load(&path).expect("sound").introducers,
        [introducer()]
    );

    keep(&[]).expect("sound");
    let text = std::fs::read_to_string(&path).expect("there");
    assert_eq!(text, format!("introducers = [\n]\n{rest}"));

    std::fs::write(&path, "lam = true").expect("room");
    keep(&[introducer()]).expect_err("a mistake");
    assert_eq!(std::fs::read_to_string(&path).expect("there"), "lam = true");
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(
        text in "(\\PC|\n){0,60}",
        key in "[a-z_`']{0,12}",
    ) {
        let _ = Config::parse(&text);
        let _ = Config::parse(&format!("{key} = {text}"));
    }
}

/// The tables of docs/config.md: of each the keys, with the default and what is told of the values.
fn documented() -> Vec<(String, Vec<[String; 3]>)> {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/config.md");
    let page = std::fs::read_to_string(page).expect("there");
    let sections = page.split("\n## ").skip(1).map(|section| {
        let heading = section.lines().next().expect("a heading");
        let rows = section.lines().filter(|line| line.starts_with("| `"));
        let rows = rows.map(|row| {
            let mut cells = row.split('|').skip(1).map(|cell| cell.trim().to_owned());
            [(); 3].map(|()| cells.next().expect("a cell"))
        });
        (heading.replace('`', ""), rows.collect())
    });
    sections.collect()
}

#[test]
fn the_page_has_every_setting_with_its_default_and_nothing_else() {
    let peer = kith_core::ids::PeerId([9; 32]);
    let peer = format!("[limits.peers.{peer}]");
    let places = [
        ("Before all tables", ""),
        ("[relay_for_contacts]", "[relay_for_contacts]"),
        ("[limits]", "[limits]"),
        ("[[limits.schedule]]", "[[limits.schedule]]"),
        ("[limits.peers.peer1…]", &peer),
    ];
    let documented = documented();
    assert_eq!(documented.len(), places.len());
    let mut defaults = String::new();
    for ((heading, rows), (expected, table)) in documented.iter().zip(places) {
        assert_eq!(heading, expected);
        let typo = format!("{table}\nno_such_setting = 1");
        let (_, mistake) = Config::parse(&typo).expect_err("there is none such");
        let Mistake::UnknownKey { mut known, .. } = mistake else {
            panic!("{heading}: {mistake}");
        };
        let plain = |cell: &String| cell.trim_matches('`').to_owned();
        let mut told: Vec<String> = rows.iter().map(|[key, ..]| plain(key)).collect();
        // Tables of the file have pages' sections of their own.
        match heading.as_str() {
            "Before all tables" => told.extend(["relay_for_contacts", "limits"].map(str::to_owned)),
            _ => defaults.push_str(&format!("# {heading}\n")),
        }
        known.sort();
        told.sort();
        assert_eq!(told, known, "{heading}");
        let said = rows.iter().filter(|[_, default, _]| default != "none");
        let said: Vec<_> = said.collect();
        if !said.is_empty() {
            defaults.push_str(&format!("{table}\n"));
        }
        for [key, default, _] in said {
            defaults.push_str(&format!("{} = {}\n", plain(key), plain(default)));
        }
    }
    assert_eq!(
        Config::parse(&defaults),
        Ok(Config::default()),
        "{defaults}"
    );
}

#[test]
fn the_page_has_the_bounds_of_the_settings() {
    use kith_core::content::limits::{PEERS_MAX, PERIODS_MAX, RATE_MIN};
    use kith_core::introducer::INTRODUCER_ADDRESSES_MAX;

    let documented = documented();
    let takes = |wanted: &str| {
        let rows = documented.iter().flat_map(|(_, rows)| rows);
        let mut cells = rows.filter(|[key, ..]| key.trim_matches('`') == wanted);
        cells
            .next()
            .map(|[_, _, takes]| takes.clone())
            .expect(wanted)
    };
    for (key, bound) in [
        ("name", format!("{NAME_BYTES_MAX} bytes at most")),
        ("introducers", format!("{INTRODUCERS_MAX} at most")),
        ("mebibytes_per_day", format!("to {}", u32::MAX)),
        ("kibibytes_per_second", format!("to {}", u32::MAX)),
        ("addresses", format!("{INTRODUCER_ADDRESSES_MAX} at most")),
        ("port", format!("0 to {}", u16::MAX)),
        ("schedule", format!("{PERIODS_MAX} periods at most")),
        ("peers", format!("{PEERS_MAX} PeerIds at most")),
    ] {
        assert!(takes(key).contains(&bound), "{key}: {bound}");
    }
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/config.md");
    let page = std::fs::read_to_string(page).expect("there");
    assert!(page.contains(&format!("{} KiB/s at least", RATE_MIN >> 10)));
}
