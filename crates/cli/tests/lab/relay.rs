//! An introducer's relay, as its own metrics tell of it: how many bytes of others it carried.

use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use kith::core::introducer::Introducer;
use patchbay::Device;

/// The relay of an introducer that runs.
pub(crate) struct Relay {
    host: Device,
    metrics: String,
}

impl Relay {
    /// The relay of the introducer on `host` that `line` names.
    pub(crate) fn at(host: Device, line: &str) -> Result<Self> {
        let introducer: Introducer = line.parse()?;
        let address = host.ip().context("an address")?;
        let address = SocketAddr::from((address, introducer.tcp_port));
        let metrics = format!("https://{address}/metrics");
        Ok(Self { host, metrics })
    }

    /// How many bytes it has taken from its clients until now, to be sent on.
    pub(crate) fn bytes(&self) -> Result<u64> {
        let mut command = Command::new("curl");
        // Its key is pinned by the line, and nobody else is on this host.
        command.args(["--silent", "--show-error", "--insecure", &self.metrics]);
        let output = self.host.run_sync(move || Ok(command.output()?))?;
        let error = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "no metrics: {error}");
        let text = String::from_utf8(output.stdout)?;
        let mut lines = text.lines();
        let value = lines.find_map(|line| line.strip_prefix("kith_relay_bytes_received_total "));
        Ok(value
            .with_context(|| format!("not told: {text}"))?
            .parse()?)
    }

    /// How many bytes it takes while `activity` goes on, or for `span_min` where that is over sooner; and how long that was.
    pub(crate) async fn bytes_during(
        &self,
        span_min: Duration,
        activity: impl FnOnce() -> Result<()>,
    ) -> Result<(u64, Duration)> {
        let (start, before) = (Instant::now(), self.bytes()?);
        activity()?;
        // The time is what is measured, and nothing is waited for.
        tokio::time::sleep(span_min.saturating_sub(start.elapsed())).await;
        Ok((self.bytes()? - before, start.elapsed()))
    }
}
