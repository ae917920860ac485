//! The address book.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path as InPath, Query, State};
use kith::core::identity::{Contact, ContactState, Invite};
use kith::core::peer::Regard;
use kith::core::protocol::ProtocolName;
use kith::core::time::Time;
use kith::routing::{PathKind, PathSummary};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::answer::{Answer, Asked};
use super::door::Door;
use crate::failure::Failure;

/// How long who adds somebody waits for a refusal: a dial by a relay that has to be reached first, over a slow line. The maker of
/// an invite may as well be away, and nobody shall wait long for that.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// A contact as it is now.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct ContactInfo {
    /// The petname.
    pub(crate) name: String,
    /// Who it is.
    pub(crate) peer_id: String,
    /// How far they are let in.
    pub(crate) state: Standing,
    /// Whether a session stands.
    pub(crate) online: bool,
    /// What carries it.
    pub(crate) path: Path,
    /// Its round trip, in milliseconds.
    pub(crate) rtt_ms: Option<f64>,
    /// Its tags.
    pub(crate) tags: Vec<String>,
    /// What the owner wrote down about them; empty where nothing is. Nobody else is told.
    pub(crate) note: String,
    /// What they were last known to speak.
    pub(crate) speaks: Vec<String>,
    /// How they were last found since the node runs: `invite`, `session`, `introducer` or `lan`.
    pub(crate) source: Option<String>,
    /// Whether they are known to have this node in their book.
    pub(crate) mutual: bool,
    /// What they take this node for, where their last answer says that they want no session with it.
    pub(crate) takes_you_for: Option<Taken>,
    /// When they were last here, in milliseconds since 1970: now, where a session stands, and nothing where they never were. Nobody
    /// else is told.
    #[serde(default)]
    pub(crate) last_seen: Option<u64>,
}

/// What somebody takes this node for who wants no session with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Taken {
    /// For a stranger: it is not in their book, any more or at all, or blocked there.
    Stranger,
    /// For a guest: they have not confirmed it.
    Guest,
}

impl Taken {
    /// In words, after a name.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Stranger => "does not have you as a contact (any more)",
            Self::Guest => "has not confirmed you yet",
        }
    }

    /// What a node knows of it.
    pub(crate) fn of(regard: Regard) -> Self {
        match regard {
            Regard::Stranger => Self::Stranger,
            Regard::Guest => Self::Guest,
        }
    }
}

/// How far a contact is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Standing {
    /// One of the audience `contacts`.
    Confirmed,
    /// Came by a reusable invite, and waits to be confirmed.
    Pending,
    /// Gets nothing.
    Blocked,
}

/// What carries a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Path {
    /// UDP between the two devices.
    Direct,
    /// A relay between them.
    Relay,
    /// There is no session.
    None,
}

impl Path {
    /// In a word.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Relay => "relay",
            Self::None => "none",
        }
    }
}

impl Standing {
    /// In a word.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Pending => "pending",
            Self::Blocked => "blocked",
        }
    }
}

/// Which contacts to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ContactFilter {
    /// Only those with this tag.
    pub(crate) tag: Option<String>,
    /// Only those who speak this protocol.
    pub(crate) speaks: Option<String>,
}

/// Somebody's invite.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct AddRequest {
    /// The invite.
    pub(crate) invite: String,
    /// What to call its maker; what they call themselves when left out.
    pub(crate) name: Option<String>,
}

/// Who was added.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Added {
    /// Who it is.
    pub(crate) peer_id: String,
    /// The petname.
    pub(crate) name: String,
    /// Whether they have yet to confirm this node before it is among their contacts: the invite is for many, and they have not shown that they have.
    /// Left out where they need not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) to_be_confirmed: bool,
}

/// Who was blocked.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Blocked {
    /// The contact as it is now.
    #[serde(flatten)]
    pub(crate) contact: ContactInfo,
    /// Whether a share of this node opens by its link: to whoever holds that, without asking who they are, and so to them as well.
    #[serde(default)]
    pub(crate) links_open: bool,
}

/// Another name.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct RenameRequest {
    /// The new petname.
    pub(crate) name: String,
}

/// Tags to give and to take away.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
pub(crate) struct TagRequest {
    /// To give.
    #[serde(default)]
    pub(crate) add: Vec<String>,
    /// To take away.
    #[serde(default)]
    pub(crate) remove: Vec<String>,
}

/// Something to remember about somebody.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct NoteRequest {
    /// The text, in place of the last; empty for none. At most 4096 bytes.
    pub(crate) note: String,
}

/// Words to compare.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct SafetyWords {
    /// The petname.
    pub(crate) name: String,
    /// Who it is.
    pub(crate) peer_id: String,
    /// The words; both sides see the same ones.
    pub(crate) words: String,
}

/// All contacts, by name.
#[utoipa::path(get, path = "/api/v1/contacts", params(ContactFilter),
    responses((status = 200, body = Vec<ContactInfo>)))]
pub(super) async fn list(
    State(door): State<Door>,
    Query(filter): Query<ContactFilter>,
) -> Answer<Vec<ContactInfo>> {
    let speaks = filter.speaks.as_deref().map(protocol).transpose()?;
    let book = door.node().address_book();
    let contacts = book.search(filter.tag.as_deref(), speaks.as_ref()).await?;
    let (regards, seen) = (book.regards().await?, book.last_seen().await?);
    let described = contacts.iter().map(|contact| {
        let (regard, seen) = (regards.get(&contact.peer), seen.get(&contact.peer));
        describe(&door, contact, regard, seen)
    });
    Ok(Json(described.collect()))
}

/// Becomes the contact of an invite's maker.
///
/// Waits up to 5 s for them to let this node in: where they refuse, nobody is added and this fails (`not_found`); where they are
/// away, they learn of it later.
#[utoipa::path(post, path = "/api/v1/contacts", request_body = AddRequest,
    responses((status = 200, body = Added)))]
pub(super) async fn add(
    State(door): State<Door>,
    Asked(asked): Asked<AddRequest>,
) -> Answer<Added> {
    let invite: Invite = asked.invite.parse().map_err(kith::Error::from)?;
    let added = door
        .node()
        .address_book()
        .add_unless_refused(invite, asked.name.as_deref(), ANSWER_WITHIN)
        .await?;
    Ok(Json(Added {
        peer_id: added.contact.peer.to_string(),
        name: added.contact.petname.to_string(),
        to_be_confirmed: added.to_be_confirmed,
    }))
}

/// Waits until the maker of an accepted invite knows of this node, or finds a sealed reply at an introducer.
///
/// Fails where they refuse (`not_found`); nobody is added then.
#[utoipa::path(post, path = "/api/v1/contacts/{name}/told", params(("name", description = "petname or PeerId")),
    responses((status = 200, body = ContactInfo)))]
pub(super) async fn told(
    State(door): State<Door>,
    InPath(name): InPath<String>,
) -> Answer<ContactInfo> {
    let contact = door.node().find(&name).await?;
    let book = door.node().address_book();
    book.wait_until_told(contact.peer).await?;
    describe_now(&door, &contact.peer.to_string()).await
}

/// One contact.
#[utoipa::path(get, path = "/api/v1/contacts/{name}", params(("name", description = "petname or PeerId")),
    responses((status = 200, body = ContactInfo)))]
pub(super) async fn read(
    State(door): State<Door>,
    InPath(name): InPath<String>,
) -> Answer<ContactInfo> {
    describe_now(&door, &name).await
}

/// Forgets a contact. Answers who it was.
#[utoipa::path(delete, path = "/api/v1/contacts/{name}", params(("name", description = "petname or PeerId")),
    responses((status = 200, body = ContactInfo)))]
pub(super) async fn remove(
    State(door): State<Door>,
    InPath(name): InPath<String>,
) -> Answer<ContactInfo> {
    let contact = door.node().find(&name).await?;
    let book = door.node().address_book();
    let seen = book.last_seen().await?;
    let was = describe(&door, &contact, None, seen.get(&contact.peer));
    book.remove(contact.peer).await?;
    Ok(Json(was))
}

/// Calls a contact something else.
#[utoipa::path(post, path = "/api/v1/contacts/{name}/rename", params(("name", description = "petname or PeerId")),
    request_body = RenameRequest, responses((status = 200, body = ContactInfo)))]
pub(super) async fn rename(
    State(door): State<Door>,
    InPath(name): InPath<String>,
    Asked(asked): Asked<RenameRequest>,
) -> Answer<ContactInfo> {
    let contact = door.node().find(&name).await?;
    door.node()
        .address_book()
        .rename(contact.peer, &asked.name)
        .await?;
    describe_now(&door, &contact.peer.to_string()).await
}

/// Gives a contact tags, and takes others away.
#[utoipa::path(post, path = "/api/v1/contacts/{name}/tags", params(("name", description = "petname or PeerId")),
    request_body = TagRequest, responses((status = 200, body = ContactInfo)))]
pub(super) async fn tag(
    State(door): State<Door>,
    InPath(name): InPath<String>,
    Asked(asked): Asked<TagRequest>,
) -> Answer<ContactInfo> {
    let contact = door.node().find(&name).await?;
    let book = door.node().address_book();
    for tag in &asked.remove {
        book.untag(contact.peer, tag).await?;
    }
    for tag in &asked.add {
        book.tag(contact.peer, tag).await?;
    }
    describe_now(&door, &contact.peer.to_string()).await
}

/// Writes down something about a contact, in place of what was there. It is told to nobody.
#[utoipa::path(post, path = "/api/v1/contacts/{name}/note", params(("name", description = "petname or PeerId")),
    request_body = NoteRequest, responses((status = 200, body = ContactInfo)))]
pub(super) async fn note(
    State(door): State<Door>,
    InPath(name): InPath<String>,
    Asked(asked): Asked<NoteRequest>,
) -> Answer<ContactInfo> {
    let contact = door.node().find(&name).await?;
    let book = door.node().address_book();
    book.note(contact.peer, &asked.note).await?;
    describe_now(&door, &contact.peer.to_string()).await
}

/// The words by which two people check that nobody stands between them.
#[utoipa::path(get, path = "/api/v1/contacts/{name}/words", params(("name", description = "petname or PeerId")),
    responses((status = 200, body = SafetyWords)))]
pub(super) async fn words(
    State(door): State<Door>,
    InPath(name): InPath<String>,
) -> Answer<SafetyWords> {
    let contact = door.node().find(&name).await?;
    let words = door.node().address_book().safety_words(contact.peer);
    let (name, peer_id) = (contact.petname.to_string(), contact.peer.to_string());
    Ok(Json(SafetyWords {
        name,
        peer_id,
        words,
    }))
}

/// Compares four words made for this one time, over the session that stands. Both sides have to ask; waits for the other.
#[utoipa::path(post, path = "/api/v1/contacts/{name}/words/live", params(("name", description = "petname or PeerId")),
    responses((status = 200, body = SafetyWords)))]
pub(super) async fn compare_words(
    State(door): State<Door>,
    InPath(name): InPath<String>,
) -> Answer<SafetyWords> {
    let contact = door.node().find(&name).await?;
    let words = door
        .node()
        .address_book()
        .compare_words(contact.peer)
        .await?;
    let (name, peer_id) = (contact.petname.to_string(), contact.peer.to_string());
    Ok(Json(SafetyWords {
        name,
        peer_id,
        words,
    }))
}

/// Lets a pending contact into the audience `contacts`.
///
/// Fails (`not_allowed`) for somebody who was blocked, until both have met anew by an invite.
#[utoipa::path(post, path = "/api/v1/contacts/{name}/confirm", params(("name", description = "petname or PeerId")),
    responses((status = 200, body = ContactInfo)))]
pub(super) async fn confirm(
    State(door): State<Door>,
    InPath(name): InPath<String>,
) -> Answer<ContactInfo> {
    let contact = door.node().find(&name).await?;
    door.node().address_book().confirm(contact.peer).await?;
    describe_now(&door, &name).await
}

/// Serves and answers a contact nothing from now on.
#[utoipa::path(post, path = "/api/v1/contacts/{name}/block", params(("name", description = "petname or PeerId")),
    responses((status = 200, body = Blocked)))]
pub(super) async fn block(
    State(door): State<Door>,
    InPath(name): InPath<String>,
) -> Answer<Blocked> {
    let contact = door.node().find(&name).await?;
    door.node().address_book().block(contact.peer).await?;
    let Json(contact) = describe_now(&door, &name).await?;
    // They are blocked, whether this is known or not.
    let links_open = door.node().contents().opens_by_link().await;
    Ok(Json(Blocked {
        contact,
        links_open: links_open.unwrap_or(false),
    }))
}

/// Undoes a block. Nothing is shared with them any more: to meet again takes a new invite, by either.
#[utoipa::path(post, path = "/api/v1/contacts/{name}/unblock", params(("name", description = "petname or PeerId")),
    responses((status = 200, body = ContactInfo)))]
pub(super) async fn unblock(
    State(door): State<Door>,
    InPath(name): InPath<String>,
) -> Answer<ContactInfo> {
    let contact = door.node().find(&name).await?;
    door.node().address_book().unblock(contact.peer).await?;
    describe_now(&door, &name).await
}

/// Reads a protocol's name.
pub(super) fn protocol(text: &str) -> Result<ProtocolName, Failure> {
    text.parse().map_err(|error| {
        Failure::usage(format!(
            "{text:?} is no protocol name ({error}); one looks like /chat/1"
        ))
    })
}

/// A path as the API tells it.
pub(super) fn path_of(summary: Option<PathSummary>) -> (Path, Option<f64>) {
    match summary {
        None => (Path::None, None),
        Some(PathSummary { kind, rtt }) => {
            let path = match kind {
                PathKind::Direct => Path::Direct,
                PathKind::Relay => Path::Relay,
            };
            (path, Some(milliseconds(rtt)))
        }
    }
}

/// A duration in milliseconds, to the microsecond.
pub(super) fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

async fn describe_now(door: &Door, name: &str) -> Answer<ContactInfo> {
    let contact = door.node().find(name).await?;
    let book = door.node().address_book();
    let (regards, seen) = (book.regards().await?, book.last_seen().await?);
    let (regard, seen) = (regards.get(&contact.peer), seen.get(&contact.peer));
    Ok(Json(describe(door, &contact, regard, seen)))
}

fn describe(
    door: &Door,
    contact: &Contact,
    regard: Option<&Regard>,
    seen: Option<&Time>,
) -> ContactInfo {
    let path = door.node().path_to(contact.peer);
    let source = door.node().found_by(contact.peer);
    let (path, rtt_ms) = path_of(path);
    ContactInfo {
        name: contact.petname.to_string(),
        peer_id: contact.peer.to_string(),
        state: match contact.state {
            ContactState::Confirmed => Standing::Confirmed,
            ContactState::Pending => Standing::Pending,
            ContactState::Blocked => Standing::Blocked,
        },
        online: path != Path::None,
        path,
        rtt_ms,
        tags: contact
            .tags
            .iter()
            .map(|tag| tag.as_str().to_owned())
            .collect(),
        note: contact.note.clone(),
        speaks: contact.speaks.iter().map(ToString::to_string).collect(),
        source: source.map(|source| source.name().to_owned()),
        mutual: contact.mutual,
        takes_you_for: regard.copied().map(Taken::of),
        last_seen: seen.map(|at| at.0),
    }
}
