//! What introducers say of themselves takes the place of the lines they were named by.
//!
//! Each introducer is asked for its [`Notice`] at the start, when it is back, and every few hours; one that cannot be
//! reached is asked for at the others, where it may have left it. A newer notice replaces the lines held so far, on disk too,
//! and never the other way round: what is forged, over, or not newer changes nothing. A line that a person names later is
//! used as it is until the introducer has said something since.

use std::time::Duration;

use super::io::{Event, Output};
use super::lines::{Known, LINE_KIND};
use super::places::Purpose;
use super::state::Peer;
use crate::codec;
use crate::crypto::Scheme;
use crate::discovery::{Notice, Record};
use crate::ids::{DeviceKey, Face};
use crate::introducer::Introducer;
use crate::row::Row;
use crate::time::Time;

/// Between two looks at an introducer's notice while it stays up: a change is announced days ahead.
const NOTICE_EVERY: Duration = Duration::from_secs(6 * 60 * 60);

impl<S: Scheme> Peer<S> {
    /// These introducers are used from now on, and no others.
    pub fn handle_introducers(&mut self, now: Time, introducers: Vec<Introducer>) {
        self.now = now;
        self.lines.ask_at = (!introducers.is_empty()).then_some(now + NOTICE_EVERY);
        self.lines.named = introducers;
        self.forget_lines();
        self.introducers = self.lines.in_force(now);
        self.follow_introducers(now);
        self.ask_notices();
    }

    /// Asks each introducer for its own notice.
    fn ask_notices(&mut self) {
        for introducer in self.introducers.clone() {
            self.ask_notice(introducer.key, vec![introducer]);
        }
    }

    /// An introducer of ours is there: what did we miss?
    pub(super) fn ask_notice_of(&mut self, key: DeviceKey) {
        let there = self.introducers.iter().find(|it| it.key == key);
        if let Some(there) = there.cloned()
            && !self.finding.is_looking(self.now, Purpose::Notice(key))
        {
            self.ask_notice(key, vec![there]);
        }
    }

    /// An introducer of ours cannot be reached: has it left a notice elsewhere?
    pub(super) fn ask_notice_elsewhere(&mut self, key: DeviceKey) {
        let all = self.introducers.iter().cloned();
        let (own, others): (Vec<_>, Vec<_>) = all.partition(|it| it.key == key);
        if !own.is_empty() {
            self.ask_notice(key, others);
        }
    }

    fn ask_notice(&mut self, key: DeviceKey, introducers: Vec<Introducer>) {
        // An introducer has no visitor face, and knows of itself what it could ask.
        if introducers.is_empty() || self.faces.device(Face::Visitor).is_none() {
            return;
        }
        self.look_up(Notice::locator(key), Purpose::Notice(key), introducers);
    }

    /// What stands under an introducer's key.
    pub(super) fn take_notices(&mut self, now: Time, key: DeviceKey, records: &[Record]) {
        let held = self.lines.named.iter().filter(|line| line.key == key);
        let held: Vec<Introducer> = held.cloned().collect();
        for record in records {
            let known = self.lines.known.get(&key);
            if held.is_empty() || known.is_some_and(|known| record.sequence() <= known.sequence) {
                continue;
            }
            // Whatever is wrong with a record, there is nobody to tell.
            let Ok(notice) = Notice::open(&self.scheme, key, record, now) else {
                continue;
            };
            let known = Known::new(record.sequence(), notice, &held, known);
            self.outputs.push_back(Output::Store(vec![Row {
                kind: LINE_KIND,
                key: key.as_bytes().to_vec(),
                value: Some(codec::encode(&known)),
            }]));
            self.lines.known.insert(key, known);
        }
        self.change_lines(now);
    }

    /// Does what is due.
    pub(super) fn renew_lines(&mut self, now: Time) {
        self.change_lines(now);
        if self.lines.ask_at.is_some_and(|at| at <= now) {
            self.lines.ask_at = Some(now + NOTICE_EVERY);
            self.ask_notices();
        }
    }

    /// Uses what is in force now.
    fn change_lines(&mut self, now: Time) {
        let in_force = self.lines.in_force(now);
        if in_force == self.introducers {
            return;
        }
        let before = std::mem::replace(&mut self.introducers, in_force);
        for line in self.introducers.clone() {
            if !before.contains(&line) {
                self.tell(Event::IntroducerChanged { line });
            }
        }
        self.follow_introducers(now);
    }

    /// Forgets what introducers said that nobody uses any more.
    fn forget_lines(&mut self) {
        let named = &self.lines.named;
        let unused = |key: &&DeviceKey| named.iter().all(|line| line.key != **key);
        let unused: Vec<DeviceKey> = self.lines.known.keys().filter(unused).copied().collect();
        for key in unused {
            self.lines.known.remove(&key);
            self.outputs.push_back(Output::Store(vec![Row {
                kind: LINE_KIND,
                key: key.as_bytes().to_vec(),
                value: None,
            }]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{Ed25519, SecretKey};
    use crate::discovery::notice::NOTICE_LIFE;
    use crate::discovery::{NextPin, Request, Slot, Terms};
    use crate::ids::TlsPin;
    use crate::introducer::{Ports, Trust};
    use crate::peer::Config;
    use crate::time::DAY;

    const NOW: Time = Time(1_800_000_000_000);

    fn secret(byte: u8) -> SecretKey {
        SecretKey::from_bytes([byte; 32])
    }

    fn line(introducer: u8, pin: u8) -> Introducer {
        let ports = Ports {
            tcp: 1,
            udp: 2,
            discovery: 3,
        };
        let address = "203.0.113.5".parse().expect("literal");
        let trust = Trust::Pin(TlsPin([pin; 32]));
        Introducer::new(secret(introducer).device_key(), vec![address], ports, trust)
    }

    /// What introducer 1 says at `at`.
    fn notice(pin: u8, next: Option<NextPin>, at: Time) -> Record {
        let notice = Notice::new(line(1, pin), next);
        let signed = notice.sign(&Ed25519, &secret(1), at.0, at);
        signed.expect("a proper notice")
    }

    fn node(rows: Vec<Row>, introducers: &[Introducer]) -> Peer {
        let config = Config::new("test".to_owned());
        let made = Peer::new(config, Ed25519, secret(100), rows, [7; 32], NOW);
        let mut node = made.expect("no rows of another version");
        node.handle_device(NOW, Face::Visitor, secret(101));
        node.handle_introducers(NOW, introducers.to_vec());
        node
    }

    /// Whom the node asks for the notice of introducer 1, since the last time.
    fn asked(node: &mut Peer) -> Vec<Introducer> {
        let locator = Notice::locator(secret(1).device_key());
        let mut all = Vec::new();
        while let Some(output) = node.poll_output() {
            if let Output::Visit(visit) = output
                && visit.request == Request::Lookup(locator)
            {
                all.push(visit.introducer);
            }
        }
        all
    }

    fn tell(node: &mut Peer, now: Time, records: &[Record]) {
        // Whoever was away is asked anew.
        node.handle_introducer_down(now, secret(1).device_key());
        node.handle_introducer_up(now, secret(1).device_key());
        node.handle_records(now, Notice::locator(secret(1).device_key()), records);
    }

    #[test]
    fn an_introducers_own_notice_replaces_its_line() {
        let mut node = node(Vec::new(), &[line(1, 10), line(2, 20)]);
        assert_eq!(asked(&mut node), [line(1, 10)]);
        tell(&mut node, NOW, &[notice(11, None, NOW)]);
        assert_eq!(node.introducers(), [line(1, 11), line(2, 20)]);
    }

    #[test]
    fn what_is_forged_stale_over_or_of_another_kind_changes_nothing() {
        let mut node = node(Vec::new(), &[line(1, 10)]);
        tell(&mut node, NOW, &[notice(11, None, NOW)]);
        let older = notice(12, None, NOW - Duration::from_millis(1));
        let same = notice(13, None, NOW);
        let over = notice(14, None, NOW - NOTICE_LIFE - DAY);
        let forged = Notice::new(line(9, 15), None).sign(&Ed25519, &secret(9), NOW.0 + 1, NOW);
        let terms = Terms {
            slot: Slot([0; 16]),
            sequence: NOW.0 + 1,
            expires: NOW + DAY,
            payload: codec::encode(&Notice::new(line(1, 16), None)),
        };
        let other = Record::sign(&Ed25519, &secret(1), terms).expect("small");
        let records = [older, same, over, forged.expect("their own"), other];
        for record in records {
            tell(&mut node, NOW, &[record]);
            assert_eq!(node.introducers(), [line(1, 11)]);
        }
        let newer = notice(17, None, NOW + Duration::from_millis(1));
        tell(&mut node, NOW, &[newer]);
        assert_eq!(node.introducers(), [line(1, 17)]);
    }

    #[test]
    fn an_announced_key_is_used_from_its_time_on() {
        let mut node = node(Vec::new(), &[line(1, 10)]);
        let from = NOW + Duration::from_secs(60);
        let next = NextPin {
            pin: TlsPin([11; 32]),
            from,
        };
        tell(&mut node, NOW, &[notice(10, Some(next), NOW)]);
        assert_eq!(node.introducers(), [line(1, 10)]);
        while let Some(due) = node.poll_timeout().filter(|due| *due <= from) {
            assert_eq!(node.introducers(), [line(1, 10)]);
            node.handle_timeout(due);
        }
        assert_eq!(node.introducers(), [line(1, 11)]);
    }

    #[test]
    fn what_was_learned_outlives_a_restart_but_not_a_line_that_is_named_later() {
        let mut first = node(Vec::new(), &[line(1, 10)]);
        tell(&mut first, NOW, &[notice(11, None, NOW)]);
        let mut rows = Vec::new();
        while let Some(output) = first.poll_output() {
            if let Output::Store(stored) = output {
                rows.extend(stored.into_iter().filter(|row| row.kind == LINE_KIND));
            }
        }
        let again = node(rows.clone(), &[line(1, 10)]);
        assert_eq!(again.introducers(), [line(1, 11)]);
        let renamed = node(rows, &[line(1, 12)]);
        assert_eq!(renamed.introducers(), [line(1, 12)]);
    }

    #[test]
    fn one_that_cannot_be_reached_is_asked_for_at_the_others() {
        let mut node = node(Vec::new(), &[line(1, 10), line(2, 20)]);
        asked(&mut node);
        node.handle_introducer_down(NOW, secret(1).device_key());
        assert_eq!(asked(&mut node), [line(2, 20)]);
        node.handle_records(NOW, Notice::locator(secret(1).device_key()), &[]);
        let moved = notice(11, None, NOW);
        node.handle_records(NOW, Notice::locator(secret(1).device_key()), &[moved]);
        assert_eq!(node.introducers(), [line(1, 11), line(2, 20)]);
        let locator = Notice::locator(secret(1).device_key());
        assert!(!node.finding.lookups.contains_key(&locator));
    }

    #[test]
    fn an_introducer_whose_relay_is_lost_is_asked_at_once() {
        let mut node = node(Vec::new(), &[line(1, 10), line(2, 20)]);
        asked(&mut node);
        let (lost, other) = (line(1, 10).relay_url(), line(9, 90).relay_url());
        node.handle_relay_lost(NOW, &lost);
        assert_eq!(asked(&mut node), [], "it is being asked already");
        node.handle_records(NOW, Notice::locator(secret(1).device_key()), &[]);
        node.handle_relay_lost(NOW, &other);
        assert_eq!(asked(&mut node), []);
        node.handle_relay_lost(NOW, &lost);
        assert_eq!(asked(&mut node), [line(1, 10)]);
    }
}
