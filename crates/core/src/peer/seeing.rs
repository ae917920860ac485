//! Who is here, and when they were last: noticed where sessions come and go, and kept for the owner alone (`seen`).

use super::io::Output;
use super::state::Peer;
use crate::crypto::Scheme;
use crate::ids::PeerId;
use crate::row::Row;
use crate::time::Time;

impl<S: Scheme> Peer<S> {
    /// When a contact was here last: now, where a session with them stands. A crash may have forgotten an hour of it.
    pub fn last_seen(&self, now: Time, peer: PeerId) -> Option<Time> {
        let is_here = self.connections.peers().contains(&peer);
        let is_contact = self.book.contact(&peer).is_some();
        (is_here && is_contact)
            .then_some(now)
            .or_else(|| self.seen.get(&peer))
    }

    /// A session with `peer` stands from now on, or did until now.
    pub(super) fn see(&mut self, now: Time, peer: PeerId) {
        if self.book.contact(&peer).is_some() {
            self.seen.see(now, peer);
        }
    }

    /// `peer` is a contact no more.
    pub(super) fn forget_seen(&mut self, peer: PeerId) {
        let gone = self.seen.forget(&peer);
        self.keep_seen(gone.into_iter().collect());
    }

    /// Keeps what is due by now.
    pub(super) fn write_seen_when_due(&mut self, now: Time) {
        if self.seen.next_due().is_some_and(|due| due <= now) {
            self.write_seen(now);
        }
    }

    /// Keeps who is here, and who was.
    pub(super) fn write_seen(&mut self, now: Time) {
        let mut here = self.connections.peers();
        here.retain(|peer| self.book.contact(peer).is_some());
        let rows = self.seen.write(now, here);
        self.keep_seen(rows);
    }

    fn keep_seen(&mut self, rows: Vec<Row>) {
        if !rows.is_empty() {
            self.outputs.push_back(Output::Store(rows));
        }
    }
}
