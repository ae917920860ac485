//! What keeps a node from being reached, and what helps.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use futures_util::future::join_all;
use kith::Node;
use kith::core::identity::ContactState;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::Answer;
use super::contacts::milliseconds;
use super::door::Door;
use super::node;
use crate::output;

/// How long an introducer may take to answer: a slow mobile network's handshake, twice.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// One thing looked at.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Check {
    /// What was looked at, in a word.
    pub(crate) check: String,
    /// Whether it is as it should be.
    pub(crate) ok: bool,
    /// What was found.
    pub(crate) message: String,
    /// What helps, where something does.
    pub(crate) advice: Option<String>,
    /// How that is done in a terminal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) shell: Option<String>,
}

impl Check {
    fn fine(check: &str, message: impl Into<String>) -> Self {
        Self {
            check: check.to_owned(),
            ok: true,
            message: message.into(),
            advice: None,
            shell: None,
        }
    }

    fn lacking(check: &str, message: impl Into<String>, advice: &str, shell: &str) -> Self {
        let advice = Some(advice.to_owned());
        let shell = (!shell.is_empty()).then(|| shell.to_owned());
        Self {
            check: check.to_owned(),
            ok: false,
            message: message.into(),
            advice,
            shell,
        }
    }
}

/// Whether the introducers are there, and how far away.
async fn introducers(node: &Node) -> Result<Check, kith::Error> {
    if !node.preferences().await?.ask_introducers {
        return Ok(Check::lacking(
            "introducers",
            "they are switched off: contacts find you on the same network, or where they last met you",
            "switch them on under Settings, if you want to be found from elsewhere",
            "'kith up --introducer WHERE' does, too",
        ));
    }
    let introducers = node.introducers().await?;
    let asked = introducers
        .iter()
        .map(|it| node.ping_introducer(it, ANSWER_WITHIN));
    let answers = join_all(asked).await;
    let round_trips: Vec<String> = answers
        .iter()
        .flatten()
        .map(|took| format!("{:.1} ms", milliseconds(*took)))
        .collect();
    let away = answers.len() - round_trips.len();
    Ok(match introducers.len() {
        0 => Check::lacking(
            "introducers",
            "no introducer is set: contacts find you on the same network, or where they last met you",
            "run an introducer on a machine everybody can reach, and add it here",
            "'kith introducer' there, and 'kith up --introducer WHERE' here",
        ),
        count if away == 0 => Check::fine(
            "introducers",
            match count {
                1 => format!("it answers, in {}", round_trips.join(", ")),
                _ => format!("all {count} answer, in {}", round_trips.join(", ")),
            },
        ),
        count => Check::lacking(
            "introducers",
            format!("{away} of {count} do not answer"),
            "check that they run, and that this network lets UDP or TCP to their ports pass",
            "",
        ),
    })
}

/// The contacts that relay for this node, and whether it relays for them; nothing where there is nothing to say.
async fn relays(node: &Node) -> Result<Vec<Check>, kith::Error> {
    let mut checks = Vec::new();
    let (used, own) = (node.contact_relays().await?, node.own_relay().await?);
    if !used.is_empty() {
        let message = format!("{} of your contacts relay for you", used.len());
        checks.push(Check::fine("relays", message));
    }
    if own.is_some() {
        checks.push(Check::fine("relaying", "you relay for your contacts"));
    }
    Ok(checks)
}

/// What is shared and cannot be given; nothing where all can be.
async fn absent(node: &Node) -> Result<Option<Check>, kith::Error> {
    let absent = node::absent(node).await?;
    let Some(first) = absent.first() else {
        return Ok(None);
    };
    let more = match absent.len() - 1 {
        0 => String::new(),
        more => format!("; {more} more of what you share cannot either"),
    };
    let what = output::name(&first.name);
    let at = output::name(&first.path.display().to_string());
    let why = node::why_absent(first.silent);
    let message = format!("{what} cannot be given, for {why}: {at}{more}");
    Ok(Some(Check::lacking(
        "shares",
        message,
        "plug its disk in and mount it, or put it back; or share it no longer",
        "'kith shares' names them; 'kith unshare NAME' takes one back",
    )))
}

/// Looks at what it takes to be reached.
#[utoipa::path(post, path = "/api/v1/doctor", responses((status = 200, body = Vec<Check>)))]
pub(super) async fn examine(State(door): State<Door>) -> Answer<Vec<Check>> {
    let node = door.node();
    let mut checks = vec![match door.is_daemon() {
        true => Check::fine(
            "node",
            "a node is running, so contacts can reach you at any time",
        ),
        false => Check::lacking(
            "node",
            "no node is running: you can be reached only while a command runs",
            "keep one running",
            "'kith up', or the systemd unit under contrib/",
        ),
    }];
    checks.push(introducers(node).await?);
    checks.extend(relays(node).await?);
    checks.extend(absent(node).await?);
    let contacts = node.address_book().contacts().await?;
    let online = contacts
        .iter()
        .filter(|contact| node.path_to(contact.peer).is_some())
        .count();
    checks.push(match contacts.len() {
        0 => Check::lacking(
            "contacts",
            "the address book is empty",
            "make an invite and hand it to someone",
            "'kith invite'",
        ),
        count => Check::fine("contacts", format!("{online} of {count} online")),
    });
    let pending = contacts
        .iter()
        .filter(|contact| contact.state == ContactState::Pending)
        .count();
    if pending > 0 {
        checks.push(Check::lacking(
            "pending",
            format!("{pending} came by a reusable invite and wait"),
            "compare safety words with them, and let them in or not",
            "'kith contacts' names them; 'kith contact confirm NAME' lets one in",
        ));
    }
    Ok(Json(checks))
}
