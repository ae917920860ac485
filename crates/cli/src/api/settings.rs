//! What the owner wants of the node, as far as it changes while it runs; `config.toml` has it and more.

use axum::Json;
use axum::extract::State;
use kith::config::settings::Change;
use kith::content::AudienceKind;
use kith::core::introducer::Introducer;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::{Answer, Asked};
use super::door::Door;
use super::network::{IntroducerInfo, introducers, introducers_off};

/// What holds.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct SettingsInfo {
    /// What the owner is to be called, as a suggestion to others; empty for none.
    pub(crate) name: String,
    /// Whether introducers are asked, and relay.
    pub(crate) ask_introducers: bool,
    /// Whether contacts' relays are used where no introducer answers.
    pub(crate) use_contact_relays: bool,
    /// Whether contacts on the same network find this node without anybody's help.
    pub(crate) lan: bool,
    /// Whether that can be switched on: not while the node runs with `--no-lan`.
    pub(crate) lan_possible: bool,
    /// Whether whoever knows the PeerId can find the public face.
    pub(crate) findable: bool,
    /// Whether this is a public server, whose addresses strangers learn, from the next start on.
    pub(crate) public_server: bool,
    /// Whether it is one now.
    pub(crate) is_public_server: bool,
    /// Whether this node relays for its contacts, where they can reach it.
    pub(crate) relay_for_contacts: bool,
    /// Whether what was fetched is provided to others who may have it.
    pub(crate) provide: bool,
    /// How much is kept for the sake of copies, in MiB.
    pub(crate) copies_mebibytes: u64,
    /// With whom something is shared where nothing is said: `contacts`, `link` or `public`.
    #[schema(value_type = String)]
    pub(crate) audience: AudienceKind,
    /// The introducers that are used, or would be if they were asked.
    pub(crate) introducers: Vec<IntroducerInfo>,
    /// What is taken of the disk.
    pub(crate) storage: StorageInfo,
}

/// Bytes on the disk, by what they are for.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct StorageInfo {
    /// What providing copies and own shares takes beside the files.
    pub(crate) copies: u64,
    /// What is being fetched, and what was read of others' shares.
    pub(crate) partial: u64,
    /// The files of albums.
    pub(crate) albums: u64,
    /// Small pictures of pictures, made here and given by others.
    pub(crate) previews: u64,
    /// Address book, shares, and all else that is known.
    pub(crate) database: u64,
    /// What is free on the disk; `null` where the system does not say.
    pub(crate) free: Option<u64>,
}

/// What is to be otherwise; what is left out stays.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SettingsChange {
    /// What to call the owner, as a petname may be; empty for nothing.
    pub(crate) name: Option<String>,
    /// Whether introducers are asked, and relay; off keeps their lines.
    pub(crate) ask_introducers: Option<bool>,
    /// Whether contacts' relays are used where no introducer answers.
    pub(crate) use_contact_relays: Option<bool>,
    /// Whether contacts on the same network find this node without anybody's help.
    pub(crate) lan: Option<bool>,
    /// Whether whoever knows the PeerId can find the public face.
    pub(crate) findable: Option<bool>,
    /// Whether this is a public server, whose addresses strangers learn: from the next start on.
    pub(crate) public_server: Option<bool>,
    /// Whether this node relays for its contacts, where they can reach it.
    pub(crate) relay_for_contacts: Option<bool>,
    /// Whether what was fetched is provided to others who may have it.
    pub(crate) provide: Option<bool>,
    /// How much is kept for the sake of copies, in MiB.
    pub(crate) copies_mebibytes: Option<u64>,
    /// With whom something is shared where nothing is said: `contacts`, `link` or `public`.
    #[schema(value_type = Option<String>)]
    pub(crate) audience: Option<AudienceKind>,
}

/// An introducer by its line.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct IntroducerRequest {
    /// `kith:introducer1…`
    pub(crate) line: String,
}

/// What holds.
#[utoipa::path(get, path = "/api/v1/settings", responses((status = 200, body = SettingsInfo)))]
pub(super) async fn read(State(door): State<Door>) -> Answer<SettingsInfo> {
    Ok(Json(describe(&door).await?))
}

/// Changes what holds, from now on (`public_server`: from the next start on) and in config.toml.
#[utoipa::path(post, path = "/api/v1/settings", request_body = SettingsChange,
    responses((status = 200, body = SettingsInfo)))]
pub(super) async fn change(
    State(door): State<Door>,
    Asked(asked): Asked<SettingsChange>,
) -> Answer<SettingsInfo> {
    let change = Change {
        name: asked.name,
        ask_introducers: asked.ask_introducers,
        use_contact_relays: asked.use_contact_relays,
        lan: asked.lan,
        findable: asked.findable,
        public_server: asked.public_server,
        relay_for_contacts: asked.relay_for_contacts,
        provide: asked.provide,
        copies_mebibytes: asked.copies_mebibytes,
        audience: asked.audience,
    };
    door.node().change_preferences(change).await?;
    door.settings_changed();
    Ok(Json(describe(&door).await?))
}

/// Uses one more introducer, from now on and in config.toml.
#[utoipa::path(post, path = "/api/v1/introducers", request_body = IntroducerRequest,
    responses((status = 200, body = Vec<IntroducerInfo>)))]
pub(super) async fn add_introducer(
    State(door): State<Door>,
    Asked(asked): Asked<IntroducerRequest>,
) -> Answer<Vec<IntroducerInfo>> {
    let introducer: Introducer = asked.line.parse().map_err(kith::Error::from)?;
    door.node().add_introducer(introducer).await?;
    door.settings_changed();
    Ok(Json(introducers(&door).await?))
}

/// Uses an introducer no more, from now on and in config.toml.
#[utoipa::path(post, path = "/api/v1/introducers/remove", request_body = IntroducerRequest,
    responses((status = 200, body = Vec<IntroducerInfo>)))]
pub(super) async fn remove_introducer(
    State(door): State<Door>,
    Asked(asked): Asked<IntroducerRequest>,
) -> Answer<Vec<IntroducerInfo>> {
    let introducer: Introducer = asked.line.parse().map_err(kith::Error::from)?;
    door.node().remove_introducer(&introducer).await?;
    door.settings_changed();
    Ok(Json(introducers(&door).await?))
}

async fn describe(door: &Door) -> Result<SettingsInfo, kith::Error> {
    let settings = door.node().preferences().await?;
    let introducers = match settings.ask_introducers {
        true => introducers(door).await?,
        false => introducers_off(&settings.introducers_off),
    };
    let storage = door.node().contents().storage().await?;
    Ok(SettingsInfo {
        name: settings.name,
        ask_introducers: settings.ask_introducers,
        use_contact_relays: settings.use_contact_relays,
        lan: settings.lan,
        lan_possible: settings.lan_possible,
        findable: settings.findable,
        public_server: settings.public_server,
        is_public_server: settings.is_public_server,
        relay_for_contacts: settings.relay_for_contacts,
        provide: settings.provide,
        copies_mebibytes: settings.copies_mebibytes,
        audience: settings.audience,
        introducers,
        storage: StorageInfo {
            copies: storage.copies,
            partial: storage.partial,
            albums: storage.albums,
            previews: storage.previews,
            database: storage.database,
            free: storage.free,
        },
    })
}
