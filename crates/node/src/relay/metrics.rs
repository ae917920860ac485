//! Counts of the whole server, in Prometheus's text form (version 0.0.4). Nothing here tells clients apart.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use iroh_relay::server::Metrics as RelayMetrics;

/// The media type of Prometheus's text form.
pub const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds one.
    pub fn increment(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// The count since the start.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A number that rises and falls.
#[derive(Debug, Default)]
pub struct Gauge(AtomicU64);

impl Gauge {
    /// Sets it.
    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// What it was set to last.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Everything an introducer counts.
#[derive(Debug, Default)]
pub struct Metrics {
    /// TCP connections taken.
    pub accepted: Counter,
    /// TCP connections closed at once because a limit was reached.
    pub refused: Counter,
    /// TLS handshakes that took too long.
    pub handshakes_timed_out: Counter,
    /// TLS handshakes that failed.
    pub handshakes_failed: Counter,
    /// Relay clients that did not prove their key or were not let in.
    pub relay_refused: Counter,
    /// QUIC connections of address discovery that were taken.
    pub discovery_accepted: Counter,
    /// QUIC connections of address discovery that first had to show that they receive where they claim to be.
    pub discovery_retried: Counter,
    /// QUIC connections of address discovery refused because a limit was reached.
    pub discovery_refused: Counter,
    /// Registry: records stored.
    pub records_published: Counter,
    /// Registry: requests refused.
    pub registry_refused: Counter,
    /// Registry: keys looked up.
    pub lookups: Counter,
    /// Registry: records kept now.
    pub records: Gauge,
    /// Registry: 1 while what it took cannot be written, else 0.
    pub registry_unwritable: Gauge,
    /// What the relay protocol's own service counts.
    pub(super) relay: Arc<RelayMetrics>,
}

impl Metrics {
    /// All counts as text, with the numbers of open and of half-open connections.
    pub(super) fn render(&self, open: usize, half_open: usize) -> String {
        let mut text = String::new();
        for (name, help, value) in self.gauges(open as u64, half_open as u64) {
            write_metric(&mut text, "gauge", name, help, value);
        }
        for (name, help, value) in self.counters() {
            write_metric(&mut text, "counter", &format!("{name}_total"), help, value);
        }
        text
    }

    /// What goes up and down: name, help, value.
    fn gauges(&self, open: u64, half_open: u64) -> [(&'static str, &'static str, u64); 5] {
        [
            ("connections", "TCP connections open.", open),
            (
                "connections_half_open",
                "TLS handshakes in progress.",
                half_open,
            ),
            (
                "relay_clients",
                "Relay clients connected.",
                self.relay_clients(),
            ),
            ("registry_records", "Records kept.", self.records.get()),
            (
                "registry_unwritable",
                "1 while records cannot be written.",
                self.registry_unwritable.get(),
            ),
        ]
    }

    /// What only goes up: name, help, value.
    fn counters(&self) -> [(&'static str, &'static str, u64); 14] {
        let relay = &self.relay;
        [
            (
                "connections_accepted",
                "TCP connections taken.",
                self.accepted.get(),
            ),
            (
                "connections_refused",
                "TCP connections over a limit.",
                self.refused.get(),
            ),
            (
                "handshakes_timed_out",
                "TLS handshakes that took too long.",
                self.handshakes_timed_out.get(),
            ),
            (
                "handshakes_failed",
                "TLS handshakes that failed.",
                self.handshakes_failed.get(),
            ),
            (
                "relay_clients_refused",
                "Relay clients not let in.",
                self.relay_refused.get(),
            ),
            (
                "relay_bytes_received",
                "Bytes of datagrams from clients.",
                relay.bytes_recv.get(),
            ),
            (
                "relay_bytes_sent",
                "Bytes of datagrams to clients.",
                relay.bytes_sent.get(),
            ),
            (
                "relay_packets_dropped",
                "Packets to nobody connected.",
                relay.send_packets_dropped.get(),
            ),
            (
                "discovery_connections",
                "Address discoveries begun.",
                self.discovery_accepted.get(),
            ),
            (
                "discovery_retried",
                "Address discoveries sent a Retry.",
                self.discovery_retried.get(),
            ),
            (
                "discovery_refused",
                "Address discoveries over a limit.",
                self.discovery_refused.get(),
            ),
            (
                "registry_published",
                "Records stored.",
                self.records_published.get(),
            ),
            (
                "registry_refused",
                "Registry requests refused.",
                self.registry_refused.get(),
            ),
            ("registry_lookups", "Keys looked up.", self.lookups.get()),
        ]
    }

    /// How many relay clients are connected.
    pub fn relay_clients(&self) -> u64 {
        let gone = self.relay.disconnects.get();
        self.relay.accepts.get().saturating_sub(gone)
    }
}

/// One metric: its help, its type, its value.
fn write_metric(text: &mut String, kind: &str, name: &str, help: &str, value: u64) {
    let name = format!("kith_{name}");
    writeln!(
        text,
        "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}"
    )
    .expect("writing to a String cannot fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_has_help_type_and_value() {
        let metrics = Metrics::default();
        metrics.lookups.increment();
        let text = metrics.render(3, 1);
        assert!(text.contains(
            "\n# TYPE kith_registry_lookups_total counter\nkith_registry_lookups_total 1\n"
        ));
        assert!(text.contains("\nkith_connections 3\n"));
        let lines: Vec<&str> = text.lines().collect();
        for group in lines.chunks(3) {
            let [help, kind, value] = group else {
                panic!("three lines a metric: {group:?}");
            };
            let name = value.split(' ').next().expect("a name");
            assert!(help.starts_with(&format!("# HELP {name} ")), "{help}");
            assert!(kind.starts_with(&format!("# TYPE {name} ")), "{kind}");
        }
    }
}
