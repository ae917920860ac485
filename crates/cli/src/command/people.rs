//! The address book: `add`, `contacts`, `contact`.

use std::time::{Duration, Instant};

use kith::core::identity::Invite;
use serde_json::Value;

use super::on::On;
use crate::api::contacts::{
    AddRequest, Added, Blocked, ContactInfo, NoteRequest, Path, RenameRequest, SafetyWords,
    Standing, TagRequest,
};
use crate::api::node::NodeInfo;
use crate::args::ContactCommand;
use crate::client::Client;
use crate::failure::Failure;
use crate::output;
use crate::path::{query, segment};
use crate::start::Purpose;

/// How long a node of the command's own stays to tell the maker of an invite, or to leave them a sealed reply: a dial to an
/// introducer over a slow line, which fails first over a relay that is away.
const TOLD_WITHIN: Duration = Duration::from_secs(10);

/// How long a running node may take to say whether they know already.
const KNOWN_WITHIN: Duration = Duration::from_millis(500);

/// Becomes the contact of an invite's maker.
pub(super) async fn add(on: &On, invite: String, name: Option<String>) -> Result<(), Failure> {
    // A typo is told before a node is started for it.
    let _: Invite = invite.parse().map_err(kith::Error::from)?;
    let request = AddRequest { invite, name };
    on.node(Purpose::Reach, async |node| {
        let begun = Instant::now();
        let added: Added = node.client().post("/contacts", &request).await?;
        let info: NodeInfo = node.client().get("/node").await?;
        let deadline = match info.daemon {
            // It goes on trying, and has waited for an answer already.
            true => Instant::now() + KNOWN_WITHIN,
            false => begun + TOLD_WITHIN,
        };
        let told = told(node.client(), &added, deadline).await?;
        on.output
            .line(&added, || format!("{} ({})", added.name, added.peer_id))?;
        if let Some(words) = not_yet(&added, told, info.daemon) {
            on.output.talk(words);
        }
        Ok(())
    })
    .await
}

/// Waits until whoever was added knows of it, or a sealed reply waits for them. Whether that was before the deadline.
async fn told(client: &Client, added: &Added, deadline: Instant) -> Result<bool, Failure> {
    let path = format!("/contacts/{}/told", segment(&added.peer_id));
    let told = client.post::<ContactInfo>(&path, &Value::Null);
    match tokio::time::timeout_at(deadline.into(), told).await {
        Ok(told) => told.map(|_| true),
        Err(_) => Ok(false),
    }
}

/// What is still to come until the two are contacts of each other.
fn not_yet(added: &Added, is_told: bool, is_daemon: bool) -> Option<String> {
    let name = &added.name;
    if !is_told {
        let next = match is_daemon {
            true => "This node goes on trying.".to_owned(),
            false => format!("'kith up', or any command that reaches for {name}, tries again."),
        };
        return Some(format!(
            "{name} does not know of you yet: neither {name} nor an introducer of theirs could be reached. {next}"
        ));
    }
    added.to_be_confirmed.then(|| {
        format!("This invite is for many: {name} has to confirm you before you are among their contacts.")
    })
}

/// Lists contacts.
pub(super) async fn contacts(
    on: &On,
    tag: Option<String>,
    speaks: Option<String>,
) -> Result<(), Failure> {
    let path = query(
        "/contacts",
        &[("tag", tag.as_deref()), ("speaks", speaks.as_deref())],
    );
    let contacts: Vec<ContactInfo> = on
        .node(Purpose::Book, async |node| node.client().get(&path).await)
        .await?;
    let width = contacts
        .iter()
        .map(|contact| contact.name.chars().count())
        .max()
        .unwrap_or(0);
    for contact in &contacts {
        on.output.line(contact, || row(contact, width))?;
    }
    if contacts.is_empty() && !on.output.is_json() {
        on.output.talk(match (&tag, &speaks) {
            (None, None) => "Nobody. 'kith invite' makes an invite; 'kith add INVITE' accepts one.",
            _ => "None of your contacts; 'kith contacts' lists all of them.",
        });
    }
    Ok(())
}

/// Changes a contact.
pub(super) async fn contact(on: &On, command: ContactCommand) -> Result<(), Failure> {
    on.node(Purpose::Book, async |node| {
        change(on, node.client(), command).await
    })
    .await
}

async fn change(on: &On, client: &Client, command: ContactCommand) -> Result<(), Failure> {
    let at = |name: &str, what: &str| format!("/contacts/{}{what}", segment(name));
    let changed: ContactInfo = match command {
        ContactCommand::Words { name, live: true } => {
            // Who is nobody is told before anybody waits.
            let _: SafetyWords = client.get(&at(&name, "/words")).await?;
            on.output.talk(format_args!(
                "waiting until {name} runs 'kith contact words --live' too; then read the words to each other"
            ));
            let words: SafetyWords = client.post(&at(&name, "/words/live"), &Value::Null).await?;
            return on.output.line(&words, || words.words.clone());
        }
        ContactCommand::Words { name, live: false } => {
            let words: SafetyWords = client.get(&at(&name, "/words")).await?;
            return on.output.line(&words, || words.words.clone());
        }
        ContactCommand::Rename { name, new_name } => {
            client
                .post(&at(&name, "/rename"), &RenameRequest { name: new_name })
                .await?
        }
        ContactCommand::Tag { name, tags, remove } => {
            let request = match remove {
                true => TagRequest {
                    remove: tags,
                    ..TagRequest::default()
                },
                false => TagRequest {
                    add: tags,
                    ..TagRequest::default()
                },
            };
            client.post(&at(&name, "/tags"), &request).await?
        }
        ContactCommand::Note { name, text } => {
            client
                .post(&at(&name, "/note"), &NoteRequest { note: text })
                .await?
        }
        ContactCommand::Confirm { name } => {
            client.post(&at(&name, "/confirm"), &Value::Null).await?
        }
        ContactCommand::Block { name } => {
            let blocked: Blocked = client.post(&at(&name, "/block"), &Value::Null).await?;
            if blocked.links_open {
                on.output.talk(
                    "Whoever holds the link of a share still gets that share, and need not say who they are: 'kith shares' lists yours, \
                     'kith unshare' ends one.",
                );
            }
            let width = blocked.contact.name.chars().count();
            return on.output.line(&blocked, || row(&blocked.contact, width));
        }
        ContactCommand::Unblock { name } => {
            let changed: ContactInfo = client.post(&at(&name, "/unblock"), &Value::Null).await?;
            on.output.talk(
                "Nothing is shared with them since they were blocked. To meet again, one of you needs a new invite from the other: \
                 'kith invite' makes one, 'kith add' takes theirs.",
            );
            changed
        }
        ContactCommand::Remove { name } => {
            let removed: ContactInfo = client.delete(&at(&name, "")).await?;
            return on
                .output
                .line(&removed, || format!("{} is forgotten", removed.name));
        }
    };
    on.output
        .line(&changed, || row(&changed, changed.name.chars().count()))
}

/// A contact in a line for people.
fn row(contact: &ContactInfo, width: usize) -> String {
    let here = match (contact.path, contact.rtt_ms) {
        (Path::None, _) | (_, None) => "offline".to_owned(),
        (path, Some(rtt)) => format!("{} {rtt:.1} ms", path.name()),
    };
    let state = match contact.state {
        Standing::Confirmed => String::new(),
        other => format!("  {}", other.name()),
    };
    let taken = contact
        .takes_you_for
        .map(|taken| format!("  {}", taken.words()));
    let taken = taken.unwrap_or_default();
    let tags: String = contact.tags.iter().map(|tag| format!("  #{tag}")).collect();
    let note = match contact.note.is_empty() {
        true => String::new(),
        // On the one line: the note may have several.
        false => format!("  {}", output::name(&contact.note)),
    };
    format!("{:width$}  {here}{state}{taken}{tags}{note}", contact.name)
        .trim_end()
        .to_owned()
}
