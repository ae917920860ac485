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
    /// QUIC connections of address discovery refused because a limit was reached.
    pub discovery_refused: Counter,
    /// Registry: records stored.
    pub records_published: Counter,
    /// Registry: records refused.
    pub records_refused: Counter,
    /// Registry: keys looked up.
    pub lookups: Counter,
    /// Registry: records kept now.
    pub records: Gauge,
    /// What the relay protocol's own service counts.
    pub(super) relay: Arc<RelayMetrics>,
}

impl Metrics {
    /// All counts as text, with the numbers of open and of half-open connections.
    pub(super) fn render(&self, open: usize, half_open: usize) -> String {
        let relay = &self.relay;
        let clients = relay.accepts.get().saturating_sub(relay.disconnects.get());
        let discovery = &self.discovery_accepted;
        let mut text = String::new();
        let mut line = |kind: &str, name: &str, help: &str, value: u64| {
            writeln!(
                text,
                "# HELP kith_{name} {help}\n# TYPE kith_{name} {kind}\nkith_{name} {value}"
            )
            .expect("writing to a String cannot fail");
        };
        let open = open as u64;
        let half_open = half_open as u64;
        line("gauge", "connections", "TCP connections open.", open);
        line(
            "gauge",
            "connections_half_open",
            "TLS handshakes in progress.",
            half_open,
        );
        line(
            "counter",
            "connections_accepted_total",
            "TCP connections taken.",
            self.accepted.get(),
        );
        line(
            "counter",
            "connections_refused_total",
            "TCP connections over a limit.",
            self.refused.get(),
        );
        line(
            "counter",
            "handshakes_timed_out_total",
            "TLS handshakes that took too long.",
            self.handshakes_timed_out.get(),
        );
        line(
            "counter",
            "handshakes_failed_total",
            "TLS handshakes that failed.",
            self.handshakes_failed.get(),
        );
        line(
            "gauge",
            "relay_clients",
            "Relay clients connected.",
            clients,
        );
        line(
            "counter",
            "relay_clients_refused_total",
            "Relay clients not let in.",
            self.relay_refused.get(),
        );
        line(
            "counter",
            "relay_bytes_received_total",
            "Bytes of datagrams from clients.",
            relay.bytes_recv.get(),
        );
        line(
            "counter",
            "relay_bytes_sent_total",
            "Bytes of datagrams to clients.",
            relay.bytes_sent.get(),
        );
        line(
            "counter",
            "relay_packets_dropped_total",
            "Packets to nobody connected.",
            relay.send_packets_dropped.get(),
        );
        line(
            "counter",
            "discovery_connections_total",
            "Address discoveries begun.",
            discovery.get(),
        );
        line(
            "counter",
            "discovery_refused_total",
            "Address discoveries over a limit.",
            self.discovery_refused.get(),
        );
        line(
            "gauge",
            "registry_records",
            "Records kept.",
            self.records.get(),
        );
        line(
            "counter",
            "registry_published_total",
            "Records stored.",
            self.records_published.get(),
        );
        line(
            "counter",
            "registry_refused_total",
            "Records refused.",
            self.records_refused.get(),
        );
        line(
            "counter",
            "registry_lookups_total",
            "Keys looked up.",
            self.lookups.get(),
        );
        text
    }
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
