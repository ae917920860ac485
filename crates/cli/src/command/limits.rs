//! How fast content may move: `limits`.

use super::on::On;
use crate::api::limits::{LimitsChange, LimitsInfo};
use crate::args::LimitsArgs;
use crate::failure::Failure;
use crate::output;
use crate::start::Purpose;

/// Shows the limits, or changes some.
pub(super) async fn limits(on: &On, args: LimitsArgs) -> Result<(), Failure> {
    let change = LimitsChange {
        peer: args.peer,
        upload: args.upload,
        upload_each: args.upload_each,
        download: args.download,
        download_each: args.download_each,
        local: args.local,
    };
    let info: LimitsInfo = on
        .node(Purpose::Look, async |node| match change {
            LimitsChange {
                upload: None,
                upload_each: None,
                download: None,
                download_each: None,
                local: None,
                ..
            } => node.client().get("/limits").await,
            change => node.client().post("/limits", &change).await,
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
    if info.periods > 0 {
        lines.push(format!(
            "now; config.toml has {} periods of other rates",
            info.periods
        ));
    }
    for peer in &info.peers {
        let said = |cap: &Option<String>| cap.clone().unwrap_or_else(|| "as for each".to_owned());
        let (up, down) = (said(&peer.upload), said(&peer.download));
        lines.push(format!("{}: upload {up}, download {down}", peer.peer));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_told_in_lines() {
        let info = LimitsInfo {
            upload: Some(2 << 20),
            upload_each: None,
            download: None,
            download_each: None,
            local: false,
            periods: 0,
            peers: Vec::new(),
        };
        let text = describe(&info);
        assert!(text.starts_with("upload         2.0 MiB/s\nupload each    no limit\n"));
        assert!(text.ends_with("local network: no limit"), "{text}");
    }
}
