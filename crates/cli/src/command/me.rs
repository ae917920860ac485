//! Oneself: `id`, `invite`, `status`, `doctor`.

use std::process::ExitCode;

use super::on::On;
use crate::api::doctor::Check;
use crate::api::invites::{InviteMade, InviteRequest, OpenInvite};
use crate::api::node::{NodeInfo, Status, why_absent};
use crate::args::InviteArgs;
use crate::failure::Failure;
use crate::output;
use crate::path::segment;
use crate::start::Purpose;

/// Says who this node is.
pub(super) async fn id(on: &On) -> Result<(), Failure> {
    let info: NodeInfo = on
        .node(Purpose::Look, async |node| node.client().get("/node").await)
        .await?;
    on.output.line(&info, || info.peer_id.clone())?;
    on.output.qr(&format!("kith:{}", info.peer_id));
    Ok(())
}

/// Makes an invite, lists those that are open, or ends one.
pub(super) async fn invite(on: &On, args: InviteArgs) -> Result<(), Failure> {
    if args.list {
        return list_invites(on).await;
    }
    if let Some(id) = &args.end {
        let path = format!("/invites/{}", segment(id));
        let ended: OpenInvite = on
            .node(Purpose::Look, async |node| {
                node.client().delete(&path).await
            })
            .await?;
        return on.output.line(&ended, || format!("{} is ended", ended.id));
    }
    let request = InviteRequest {
        reusable: args.reusable,
        seconds: args.lifetime.as_secs(),
        addresses: !args.no_addresses,
    };
    let made: InviteMade = on
        .node(Purpose::Look, async |node| {
            node.client().post("/invites", &request).await
        })
        .await?;
    on.output.line(&made, || made.invite.clone())?;
    on.output.qr(&made.invite);
    if !made.leads_somewhere {
        on.output.talk(
            "kith: this invite cannot say where to find you: no node is running here, and there is no introducer. \
             Run 'kith up' first and make another.",
        );
    }
    Ok(())
}

async fn list_invites(on: &On) -> Result<(), Failure> {
    let open: Vec<OpenInvite> = on
        .node(Purpose::Look, async |node| {
            node.client().get("/invites").await
        })
        .await?;
    for invite in &open {
        on.output.line(invite, || {
            let whom = match invite.reusable {
                true => "for many",
                false => "for one",
            };
            let (made, ends) = (output::ago(invite.made), output::ahead(invite.expires));
            let users = invite.used_by.iter().map(|user| user.name.as_str());
            let users: Vec<&str> = users.collect();
            let users = match users.is_empty() {
                true => String::new(),
                false => format!(", used by {}", users.join(", ")),
            };
            format!("{}  {whom}, made {made}, ends {ends}{users}", invite.id)
        })?;
    }
    if open.is_empty() && !on.output.is_json() {
        on.output.talk("No invite is open.");
    }
    Ok(())
}

/// Shows what the node is doing.
pub(super) async fn status(on: &On) -> Result<(), Failure> {
    let status: Status = on
        .node(Purpose::Look, async |node| {
            node.client().get("/status").await
        })
        .await?;
    on.output.line(&status, || describe(&status))
}

/// Looks for what keeps one from being reached. Fails when there is something.
pub(super) async fn doctor(on: &On) -> Result<ExitCode, Failure> {
    let checks: Vec<Check> = on
        .node(Purpose::Reach, async |node| {
            node.client().post("/doctor", &()).await
        })
        .await?;
    for check in &checks {
        on.output.line(check, || {
            let mark = if check.ok { "ok  " } else { "LACK" };
            let advice = check.advice.iter();
            let advice = advice.map(|advice| format!("\n       -> {advice}"));
            let shell = check.shell.iter().map(|shell| format!(" ({shell})"));
            let help: String = advice.chain(shell).collect();
            format!("{mark}  {}: {}{help}", check.check, check.message)
        })?;
    }
    Ok(if checks.iter().all(|check| check.ok) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn describe(status: &Status) -> String {
    let running = match status.daemon {
        true => format!("up for {} s", status.seconds),
        false => "not running; this is what a command of its own sees".to_owned(),
    };
    let mut text = format!(
        "{}\nkith {}, {running}\n{}, {}, {}",
        status.peer_id,
        status.version,
        output::count(status.introducers.len(), "introducer"),
        output::count(status.contacts, "contact"),
        output::count(status.sessions.len(), "session"),
    );
    for session in &status.sessions {
        let who = session.name.as_ref().or(session.peer_id.as_ref());
        let who = who.map_or("a stranger", String::as_str);
        text.push_str(&format!(
            "\n  {who}: {} ({} face), {}, {} sent, {} received",
            session.path.name(),
            session.face,
            output::count(
                usize::try_from(session.streams).unwrap_or(usize::MAX),
                "stream"
            ),
            output::bytes(session.bytes_sent),
            output::bytes(session.bytes_received),
        ));
    }
    for contact in &status.left_alone {
        let why = contact.takes_you_for.words();
        text.push_str(&format!("\n  {}: {why}", contact.name));
    }
    for share in &status.absent {
        let (what, at) = (&share.name, share.path.display().to_string());
        let (what, at) = (output::name(what), output::name(&at));
        text.push_str(&format!(
            "\n  {what}: it is shared, and {}: {at}",
            why_absent(share.silent)
        ));
    }
    text
}
