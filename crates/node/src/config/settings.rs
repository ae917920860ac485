//! The settings that a running node changes, written into `config.toml` beside whatever else it says.

use serde::Deserialize as _;
use serde::de::{Deserializer, Error as _};
use toml_edit::{DocumentMut, TableLike, value};

use crate::content::AudienceKind;

/// The longest suggested name, in bytes: what an invite has room for.
pub const NAME_BYTES_MAX: usize = 64;

/// What is to be otherwise; what is left out stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// What to call me.
    pub name: Option<String>,
    /// Whether introducers are asked, and relay.
    pub ask_introducers: Option<bool>,
    /// Whether contacts' relays are used where no introducer answers.
    pub use_contact_relays: Option<bool>,
    /// Whether contacts on the same network find this node without anybody's help.
    pub lan: Option<bool>,
    /// Whether whoever knows the PeerId can look up the public face.
    pub findable: Option<bool>,
    /// Whether the public face has addresses, which strangers learn; from the next start on.
    pub public_server: Option<bool>,
    /// Whether this node relays for its contacts, where they can reach it.
    pub relay_for_contacts: Option<bool>,
    /// Whether what was fetched is provided to others who may have it.
    pub provide: Option<bool>,
    /// How much is kept for the sake of copies, in MiB.
    pub copies_mebibytes: Option<u64>,
    /// With whom something is shared where nothing is said; see [`check_audience`].
    pub audience: Option<AudienceKind>,
}

/// Whether a text can be a suggested name.
///
/// # Errors
/// Why not.
pub fn check_name(name: &str) -> Result<(), String> {
    if name.len() > NAME_BYTES_MAX {
        return Err(format!("a name has at most {NAME_BYTES_MAX} bytes"));
    }
    if name.chars().any(char::is_control) {
        return Err("a name has no line breaks or other control characters".to_owned());
    }
    Ok(())
}

/// Whether something can be shared with this audience where nothing is said.
///
/// # Errors
/// Why not: [`AudienceKind::Named`] says nothing without names.
pub fn check_audience(audience: AudienceKind) -> Result<(), String> {
    match audience {
        AudienceKind::Named => {
            Err("'named' names nobody; the usual audience is contacts, link or public".to_owned())
        }
        AudienceKind::Contacts | AudienceKind::Link | AudienceKind::Public => Ok(()),
    }
}

/// Reads one that passes [`check_audience`].
pub(super) fn read_audience<'de, D: Deserializer<'de>>(value: D) -> Result<AudienceKind, D::Error> {
    let audience = AudienceKind::deserialize(value)?;
    check_audience(audience).map_err(D::Error::custom)?;
    Ok(audience)
}

/// `text`, which is sound, with other settings.
pub(super) fn with_change(text: &str, change: &Change) -> Option<String> {
    let mut document: DocumentMut = text.parse().ok()?;
    let flag = |flag: Option<bool>| flag.map(toml_edit::Value::from);
    let mebibytes = change.copies_mebibytes.map(|it| it.min(i64::MAX as u64));
    for (key, to) in [
        ("name", change.name.as_deref().map(toml_edit::Value::from)),
        ("ask_introducers", flag(change.ask_introducers)),
        ("use_contact_relays", flag(change.use_contact_relays)),
        ("lan", flag(change.lan)),
        ("findable", flag(change.findable)),
        ("public_server", flag(change.public_server)),
        ("provide", flag(change.provide)),
        (
            "copies_mebibytes",
            mebibytes.map(|it| it.cast_signed().into()),
        ),
        ("audience", change.audience.map(|it| it.as_str().into())),
    ] {
        set(document.as_table_mut(), key, to);
    }
    if let Some(to) = change.relay_for_contacts {
        let table = document.entry("relay_for_contacts");
        let table = table.or_insert_with(toml_edit::table);
        set(table.as_table_like_mut()?, "enabled", Some(to.into()));
    }
    Some(document.to_string())
}

/// Sets one of them, where it is to be otherwise.
fn set(table: &mut dyn TableLike, key: &str, to: Option<toml_edit::Value>) {
    let Some(mut to) = to else {
        return;
    };
    match table.get_mut(key).and_then(|item| item.as_value_mut()) {
        Some(present) => {
            // A comment behind it stays.
            *to.decor_mut() = present.decor().clone();
            *present = to;
        }
        None => drop(table.insert(key, value(to))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn what_is_written_is_read_again_and_all_else_stays() {
        let text = "# mine\nlan = true # home\nname = 'Ann'\n\n[limits]\nlocal = true\n";
        let change = Change {
            name: Some("Ännchen \"A\"".to_owned()),
            ask_introducers: Some(false),
            use_contact_relays: Some(false),
            lan: Some(false),
            findable: Some(true),
            public_server: Some(true),
            relay_for_contacts: Some(false),
            provide: Some(false),
            copies_mebibytes: Some(7),
            audience: Some(AudienceKind::Link),
        };
        let changed = with_change(text, &change).expect("sound");
        let config = Config::parse(&changed).expect("sound");
        assert_eq!(config.name, "Ännchen \"A\"");
        assert!(
            !config.ask_introducers
                && !config.use_contact_relays
                && !config.lan
                && config.findable
                && config.public_server
                && !config.provide
                && config.limits.local
        );
        assert!(!config.relay_for_contacts.enabled);
        assert_eq!(config.copies_mebibytes, 7);
        assert_eq!(config.audience, AudienceKind::Link);
        assert!(
            changed.starts_with("# mine\nlan = false # home\n"),
            "{changed}"
        );
        assert_eq!(with_change(&changed, &Change::default()), Some(changed));
    }

    #[test]
    fn what_else_is_said_of_relaying_stays() {
        let change = Change {
            relay_for_contacts: Some(true),
            ..Change::default()
        };
        for text in [
            "[relay_for_contacts] # mine\nenabled = false # no\nport = 7\n",
            "relay_for_contacts = { enabled = false, port = 7 }\n",
            "[relay_for_contacts]\nport = 7\n",
        ] {
            let changed = with_change(text, &change).expect("sound");
            let relaying = Config::parse(&changed).expect("sound").relay_for_contacts;
            assert!(relaying.enabled && relaying.port == 7, "{changed}");
            assert_eq!(changed.contains("# no"), text.contains("# no"), "{changed}");
        }
    }

    #[test]
    fn an_audience_is_written_as_it_is_read() {
        for audience in [
            AudienceKind::Contacts,
            AudienceKind::Link,
            AudienceKind::Public,
        ] {
            let config = Config::parse(&format!("audience = '{audience}'"));
            assert_eq!(config.expect("sound").audience, audience);
        }
        assert!(Config::parse("audience = 'friends'").is_err());
        let (line, mistake) = Config::parse("\naudience = 'named'").expect_err("nobody");
        assert_eq!(line, 2);
        assert!(mistake.to_string().contains("names nobody"), "{mistake}");
    }
}
