//! What is being fetched and served: `transfers`.

use super::on::On;
use crate::api::priority::FilePriority;
use crate::api::transfers::{CancelRequest, TransferInfo};
use crate::args::TransfersCommand;
use crate::failure::Failure;
use crate::output;
use crate::path::segment;
use crate::start::Purpose;

/// Lists transfers, or says how some of them go on.
pub(super) async fn transfers(on: &On, command: Option<TransfersCommand>) -> Result<(), Failure> {
    let infos: Vec<TransferInfo> = on
        .node(Purpose::Look, async |node| match command {
            None => node.client().get("/transfers").await,
            Some(TransfersCommand::Pause { id }) => {
                node.client().post(&path(&id, "pause"), &()).await
            }
            Some(TransfersCommand::Resume { id }) => {
                node.client().post(&path(&id, "resume"), &()).await
            }
            Some(TransfersCommand::Priority {
                id,
                path: file,
                level,
            }) => {
                let request = FilePriority { path: file, level };
                node.client().post(&path(&id, "priority"), &request).await
            }
            Some(TransfersCommand::Cancel { id, keep }) => {
                let request = CancelRequest { keep };
                node.client().post(&path(&id, "cancel"), &request).await
            }
        })
        .await?;
    for info in &infos {
        on.output.line(info, || describe(info))?;
    }
    Ok(())
}

fn path(id: &str, what: &str) -> String {
    format!("/transfers/{}/{what}", segment(id))
}

/// A line for people: number, state, how far, how fast, how long, what and whose; and why it failed.
pub(super) fn describe(info: &TransferInfo) -> String {
    let id = info.id.map_or_else(|| "-".to_owned(), |id| id.to_string());
    let bytes = output::bytes(info.bytes);
    let size = match info.total {
        Some(total) => format!("{bytes} of {}", output::bytes(total)),
        None => bytes,
    };
    let rate = match info.rate {
        0 => String::new(),
        rate => format!("{}/s", output::bytes(rate)),
    };
    let left = info.seconds_left.map_or_else(String::new, span);
    // Whose link it is, who is no contact, has no name here.
    let is_unnamed = info.by_link && info.peer == info.peer_id;
    let peer = match is_unnamed {
        true => "its owner",
        false => info.peer.as_deref().unwrap_or("a stranger"),
    };
    let what = match info.direction.as_str() {
        "upload" => format!("{} to {peer}", info.what),
        _ if is_unnamed => format!("{}, by a link", info.what),
        _ => format!("{peer}/{}", info.what),
    };
    let line = format!(
        "{id:>4}  {:<9}  {size:>22}  {rate:>13}  {left:>7}  {what}",
        info.state
    );
    let said = info.priorities.iter().map(|said| match said.path.as_str() {
        "" => format!("\n      {}: everything else", said.level),
        path => format!("\n      {}: {}", said.level, output::name(path)),
    });
    let examining = info.examining.then(|| {
        format!("\n      {peer} is looking at the folder anew: something in it has changed")
    });
    let absent = info
        .absent
        .then(|| format!("\n      it is not where {peer} shares it from, and is waited for"));
    let failure = info.failure.iter().map(|it| format!("\n      {it}"));
    let more: String = said.chain(examining).chain(absent).chain(failure).collect();
    line + &more
}

/// Seconds as people read them.
fn span(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{}:{:02}", seconds / 60, seconds % 60),
        _ => format!("{} h {:02}", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info() -> TransferInfo {
        TransferInfo {
            id: Some(3),
            direction: "download".to_owned(),
            state: "running".to_owned(),
            absent: false,
            examining: false,
            peer: Some("ann".to_owned()),
            peer_id: None,
            by_link: false,
            what: "holiday/day1".to_owned(),
            bytes: 1536,
            total: Some(4096),
            files: 1,
            rate: 1024,
            seconds_left: Some(63),
            background: true,
            out: None,
            failure: None,
            priorities: Vec::new(),
            selects: false,
            sources: Vec::new(),
            updated: None,
        }
    }

    #[test]
    fn a_transfer_is_one_line_and_its_failure_another() {
        let mut info = info();
        let expected =
            "   3  running        1.5 KiB of 4.0 KiB      1.0 KiB/s     1:03  ann/holiday/day1";
        assert_eq!(describe(&info), expected);
        info.priorities = vec![FilePriority {
            path: "a.jpg".to_owned(),
            level: "high".to_owned(),
        }];
        assert_eq!(describe(&info), format!("{expected}\n      high: a.jpg"));
        info.failure = Some(Failure::failed("the disk is full"));
        assert!(describe(&info).ends_with("\n      the disk is full"));
        info.direction = "upload".to_owned();
        info.peer = None;
        assert!(describe(&info).contains("holiday/day1 to a stranger"));
    }

    #[test]
    fn whose_link_it_is_has_no_name_here_unless_they_are_a_contact() {
        let mut info = info();
        (info.by_link, info.absent) = (true, true);
        info.peer_id = Some("peer1somebody".to_owned());
        assert!(describe(&info).contains("  ann/holiday/day1"));
        info.peer = info.peer_id.clone();
        let line = describe(&info);
        assert!(line.contains("  holiday/day1, by a link\n"), "{line}");
        assert!(!line.contains("peer1") && line.contains("where its owner shares it from"));
    }

    #[test]
    fn spans_are_readable() {
        assert_eq!(span(59), "59 s");
        assert_eq!(span(3599), "59:59");
        assert_eq!(span(7260), "2 h 01");
    }
}
