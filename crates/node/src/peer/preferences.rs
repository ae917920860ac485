//! What the owner prefers of a running node: changed at once, and kept in `config.toml`.

use std::collections::BTreeMap;
use std::time::Duration;

use kith_core::identity::Petname;
use kith_core::introducer::Introducer;

use super::input::Input;
use super::node::Node;
use crate::config::settings::{Change, check_audience, check_name};
use crate::config::{Config, INTRODUCERS_MAX};
use crate::content::AudienceKind;
use crate::error::Error;

/// What the owner prefers now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preferences {
    /// What the owner is to be called, as a suggestion to others; empty for none.
    pub name: String,
    /// Whether introducers are asked, and relay.
    pub ask_introducers: bool,
    /// Whether contacts' relays are used where no introducer answers.
    pub use_contact_relays: bool,
    /// Those that would be, where none is.
    pub introducers_off: Vec<Introducer>,
    /// Whether contacts on the same network find this node without anybody's help.
    pub lan: bool,
    /// Whether that can be switched on: not where the node was started without.
    pub lan_possible: bool,
    /// Whether whoever knows the PeerId can look up the public face.
    pub findable: bool,
    /// Whether the public face has addresses, which strangers learn, from the next start on.
    pub public_server: bool,
    /// Whether it has them now.
    pub is_public_server: bool,
    /// Whether this node relays for its contacts, where they can reach it.
    pub relay_for_contacts: bool,
    /// Whether what was fetched is provided to others who may have it.
    pub provide: bool,
    /// How much is kept for the sake of copies, in MiB.
    pub copies_mebibytes: u64,
    /// With whom something is shared where nothing is said.
    pub audience: AudienceKind,
}

/// An introducer that is used, as this node finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntroducerState {
    /// Which.
    pub introducer: Introducer,
    /// Whether it answered when it was asked last, as far as it was.
    pub answers: bool,
    /// How long the way to it and back took then; `None` where it does not answer, or was not asked yet.
    pub round_trip: Option<Duration>,
    /// Bytes sent and received through its relay, as UDP, on the paths that are open now.
    pub bytes: (u64, u64),
}

impl Node {
    /// What the owner prefers now.
    ///
    /// # Errors
    /// [`Error::Closed`], and [`Error::Usage`] for a mistake in `config.toml`.
    pub async fn preferences(&self) -> Result<Preferences, Error> {
        let kept = Config::load(&self.home().config()).map_err(usage)?;
        let now = self.look(|machine, _| (machine.name().to_owned(), machine.is_findable()));
        let (name, findable) = now.await?;
        let lan_possible = self.0.place.lan_possible;
        Ok(Preferences {
            name,
            findable,
            public_server: kept.public_server,
            is_public_server: self.0.place.is_public_server,
            ask_introducers: kept.ask_introducers,
            use_contact_relays: kept.use_contact_relays,
            introducers_off: match kept.ask_introducers {
                true => Vec::new(),
                false => kept.introducers,
            },
            lan: kept.lan && lan_possible,
            lan_possible,
            relay_for_contacts: kept.relay_for_contacts.enabled,
            provide: self.shares().others().provides(),
            copies_mebibytes: self.shares().others().room_bytes() >> 20,
            audience: kept.audience,
        })
    }

    /// Changes what the owner prefers, from now on and in `config.toml`.
    ///
    /// # Errors
    /// [`Error::Name`] for a name that nobody could call the owner, [`Error::Usage`] for an audience that is not the usual one of anybody, or where `config.toml` cannot be written; nothing has changed then.
    pub async fn change_preferences(&self, change: Change) -> Result<(), Error> {
        if let Some(name) = &change.name {
            check_name(name).map_err(Error::Usage)?;
            // Others are told it as it is, or not at all.
            if !name.is_empty() {
                name.parse::<Petname>()?;
            }
        }
        if let Some(audience) = change.audience {
            check_audience(audience).map_err(Error::Usage)?;
        }
        // Of two changes at one time the one that is written last is the one that holds.
        let _changing = self.0.place.changing.lock().await;
        if change.ask_introducers == Some(false) {
            // Those that only this run was given are asked again, too, when others are.
            let path = self.home().config();
            let mut listed = Config::load(&path).map_err(usage)?.introducers;
            let before = listed.len();
            for used in self.introducers().await? {
                if !listed.iter().any(|known| known.key == used.key) {
                    listed.push(used);
                }
            }
            if listed.len() > before && listed.len() <= INTRODUCERS_MAX {
                Config::keep_introducers(&path, &listed).map_err(usage)?;
            }
        }
        Config::keep_settings(&self.home().config(), &change).map_err(usage)?;
        if let Some(is_on) = change.lan {
            self.tell(Input::Lan(is_on));
        }
        if change.ask_introducers.is_some() {
            let kept = Config::load(&self.home().config()).map_err(usage)?;
            self.set_introducers(kept.asked_introducers()).await?;
        }
        let relaying = match change.relay_for_contacts {
            Some(true) => {
                let kept = Config::load(&self.home().config()).map_err(usage)?;
                Some(Some(kept.relay_for_contacts.addresses))
            }
            Some(false) => Some(None),
            None => None,
        };
        let others = self.shares().others();
        if let Some(provides) = change.provide {
            others.set_provides(provides);
        }
        if let Some(mebibytes) = change.copies_mebibytes {
            others.set_room_bytes(mebibytes.saturating_mul(1 << 20));
        }
        let (name, findable, relays) = (change.name, change.findable, change.use_contact_relays);
        self.ask(move |machine, now| {
            if let Some(name) = name {
                machine.handle_name(now, name);
            }
            if let Some(findable) = findable {
                machine.handle_findable(now, findable);
            }
            if let Some(uses) = relays {
                machine.handle_contact_relays(now, uses);
            }
            if let Some(wanted) = relaying {
                machine.handle_relaying(now, wanted);
            }
        })
        .await
    }

    /// The introducers that are used, and how it stands with each.
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub async fn introducer_states(&self) -> Result<Vec<IntroducerState>, Error> {
        let used = self.look(|machine, _| {
            let used = machine.introducers().iter();
            used.map(|it| (it.clone(), machine.introducer_answers(&it.key)))
                .collect::<Vec<_>>()
        });
        let (used, carried) = (used.await?, self.relayed_bytes());
        let states = used.into_iter().map(|(introducer, answers)| {
            let last = self.0.visitors.round_trip(&introducer.key);
            IntroducerState {
                round_trip: last.filter(|_| answers),
                bytes: carried
                    .get(&introducer.relay_url())
                    .copied()
                    .unwrap_or_default(),
                introducer,
                answers,
            }
        });
        Ok(states.collect())
    }

    /// Bytes sent and received on the paths that are open now, by the URL of the relay that carries them.
    fn relayed_bytes(&self) -> BTreeMap<String, (u64, u64)> {
        let mut carried = BTreeMap::<_, (u64, u64)>::new();
        for path in self.sessions().into_iter().flat_map(|it| it.paths) {
            if let Some(relay) = path.relay {
                let sum = carried.entry(relay).or_default();
                *sum = (sum.0 + path.bytes.0, sum.1 + path.bytes.1);
            }
        }
        carried
    }

    /// Uses one more introducer, from now on, unless none is asked, and in `config.toml`; one that is used already may have moved.
    ///
    /// # Errors
    /// [`Error::Usage`] where there are [`INTRODUCERS_MAX`], or `config.toml` cannot be written.
    pub async fn add_introducer(&self, introducer: Introducer) -> Result<(), Error> {
        let _changing = self.0.place.changing.lock().await;
        let mut used = self.listed_introducers().await?;
        used.retain(|known| known.key != introducer.key);
        if used.len() >= INTRODUCERS_MAX {
            let most =
                format!("at most {INTRODUCERS_MAX} introducers are used; take one out first");
            return Err(Error::Usage(most));
        }
        used.push(introducer);
        self.keep_introducers(used).await
    }

    /// Uses an introducer no more, from now on and in `config.toml`.
    ///
    /// # Errors
    /// [`Error::NotFound`] where it is not used, [`Error::Usage`] where `config.toml` cannot be written.
    pub async fn remove_introducer(&self, introducer: &Introducer) -> Result<(), Error> {
        let _changing = self.0.place.changing.lock().await;
        let mut used = self.listed_introducers().await?;
        let before = used.len();
        used.retain(|known| known.key != introducer.key);
        if used.len() == before {
            return Err(Error::NotFound("this introducer is not used".to_owned()));
        }
        self.keep_introducers(used).await
    }

    async fn keep_introducers(&self, used: Vec<Introducer>) -> Result<(), Error> {
        let path = self.home().config();
        Config::keep_introducers(&path, &used).map_err(usage)?;
        match Config::load(&path).map_err(usage)?.ask_introducers {
            true => self.set_introducers(used).await,
            false => Ok(()),
        }
    }

    /// Those that are used, or would be.
    async fn listed_introducers(&self) -> Result<Vec<Introducer>, Error> {
        let kept = Config::load(&self.home().config()).map_err(usage)?;
        match kept.ask_introducers {
            true => self.introducers().await,
            false => Ok(kept.introducers),
        }
    }
}

fn usage(error: impl std::fmt::Display) -> Error {
    Error::Usage(error.to_string())
}

#[cfg(test)]
mod tests;
