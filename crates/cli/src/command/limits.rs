//! How fast content may move: `limits`.

use super::on::On;
use crate::api::limits::{LimitsChange, LimitsInfo, PeriodInfo};
use crate::args::LimitsArgs;
use crate::failure::Failure;
use crate::output;
use crate::start::Purpose;

/// Shows the limits, or changes some.
pub(super) async fn limits(on: &On, args: LimitsArgs) -> Result<(), Failure> {
    let change = LimitsChange {
        peer: args.peer,
        hours: args.hours,
        days: args.days,
        upload: args.upload,
        upload_each: args.upload_each,
        download: args.download,
        download_each: args.download_each,
        local: args.local,
    };
    let info: LimitsInfo = on
        .node(Purpose::Look, async |node| {
            if change == LimitsChange::default() {
                return node.client().get("/limits").await;
            }
            node.client().post("/limits", &change).await
        })
        .await?;
    on.output.line(&info, || describe(&info))
}

fn describe(info: &LimitsInfo) -> String {
    let rate = |rate: Option<u64>| {
        rate.map_or_else(
            || "no limit".to_owned(),
            |rate| format!("{}/s", output::bytes(rate)),
        )
    };
    let mut lines = vec![
        format!("upload         {}", rate(info.upload)),
        format!("upload each    {}", rate(info.upload_each)),
        format!("download       {}", rate(info.download)),
        format!("download each  {}", rate(info.download_each)),
        match info.local {
            true => "the local network too",
            false => "but within the local network: no limit",
        }
        .to_owned(),
    ];
    lines.extend(info.schedule.iter().map(describe_period));
    for peer in &info.peers {
        let said = |cap: &Option<String>| cap.clone().unwrap_or_else(|| "as for each".to_owned());
        let (up, down) = (said(&peer.upload), said(&peer.download));
        lines.push(format!("{}: upload {up}, download {down}", peer.peer));
    }
    lines.join("\n")
}

/// A line for the rates of certain hours.
fn describe_period(period: &PeriodInfo) -> String {
    let mut said = Vec::new();
    for (name, rate) in [
        ("upload", &period.upload),
        ("upload each", &period.upload_each),
        ("download", &period.download),
        ("download each", &period.download_each),
    ] {
        if let Some(rate) = rate {
            said.push(format!("{name} {rate}"));
        }
    }
    let days = match period.days.is_empty() {
        true => String::new(),
        false => format!("{} ", period.days.join(",")),
    };
    format!("{days}{}: {}", period.hours, said.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::limits::UsualLimitsInfo;

    #[test]
    fn limits_are_told_in_lines() {
        let mut info = LimitsInfo {
            upload: Some(2 << 20),
            upload_each: None,
            download: None,
            download_each: None,
            usual: UsualLimitsInfo {
                upload: "2 MiB/s".to_owned(),
                upload_each: "none".to_owned(),
                download: "none".to_owned(),
                download_each: "none".to_owned(),
            },
            local: false,
            schedule: Vec::new(),
            peers: Vec::new(),
        };
        let text = describe(&info);
        assert!(text.starts_with("upload         2.0 MiB/s\nupload each    no limit\n"));
        assert!(text.ends_with("local network: no limit"), "{text}");
        info.schedule.push(PeriodInfo {
            days: vec!["sat".to_owned(), "sun".to_owned()],
            hours: "22:00-06:00".to_owned(),
            upload: Some("none".to_owned()),
            upload_each: None,
            download: None,
            download_each: Some("1 MiB/s".to_owned()),
        });
        let text = describe(&info);
        let period = "\nsat,sun 22:00-06:00: upload none, download each 1 MiB/s";
        assert!(text.ends_with(period), "{text}");
    }
}
