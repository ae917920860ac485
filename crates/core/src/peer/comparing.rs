//! Safety words in their short form, compared by two people who both look at the same time.
//!
//! Either may begin. Who begins first waits: the other side's first message opens nothing by itself, it is kept until
//! its owner begins too, so that nobody is made to show words by a stranger to the conversation.

use thiserror::Error;

use super::comparisons::{COMPARISONS_MAX, Compared};
use super::io::Event;
use super::note::WORDS;
use super::state::Peer;
use crate::codec;
use crate::crypto::Scheme;
use crate::identity::words::{Comparison, Step, WordsMessage};
use crate::ids::PeerId;
use crate::routing::{ConnId, Note, Target};
use crate::time::Time;

/// Why no comparison begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CompareError {
    /// There is no session with them.
    #[error("the short words need both of you online at once: there is no session with them")]
    NoSession,
    /// There are 64 already.
    #[error("too many comparisons are under way")]
    TooMany,
}

impl<S: Scheme> Peer<S> {
    /// Begins to compare short safety words with `peer`, over the session that stands. Ends in [`Event::Words`] once they
    /// began too, or in [`Event::WordsLost`].
    ///
    /// # Errors
    /// [`CompareError`].
    pub fn compare_words(&mut self, now: Time, peer: PeerId) -> Result<(), CompareError> {
        self.now = now;
        let begun = self.comparing.0.get(&peer);
        // Both sides have to mean the same session: the other's choice counts if it was first.
        let theirs = begun
            .filter(|it| it.comparison.is_none())
            .and_then(|it| it.early.as_ref().map(|(conn, _)| *conn))
            .filter(|conn| self.connections.conns.contains_key(conn));
        if begun.is_none() && self.comparing.0.len() >= COMPARISONS_MAX {
            return Err(CompareError::TooMany);
        }
        let preferred = || self.connections.preferred.get(&Target::Peer(peer)).copied();
        let conn = theirs.or_else(preferred).ok_or(CompareError::NoSession)?;
        self.begin_comparison(now, conn, peer)?;
        self.drain();
        Ok(())
    }

    /// Begins over this connection, with a nonce of its own, and takes what the other side said there already.
    fn begin_comparison(
        &mut self,
        now: Time,
        conn: ConnId,
        peer: PeerId,
    ) -> Result<(), CompareError> {
        let known = self.connections.conns.get(&conn);
        let exporter = known
            .filter(|known| known.session.is_some_and(|it| it.peer == Some(peer)))
            .map(|known| known.exporter)
            .ok_or(CompareError::NoSession)?;
        let early = self.comparing.0.remove(&peer).and_then(|it| it.early);
        let comparison = Comparison::new(&mut self.random, exporter, self.me, peer);
        self.send_words(conn, &comparison.commitment());
        let compared = Compared {
            conn,
            since: now,
            comparison: Some(comparison),
            early: None,
        };
        self.comparing.0.insert(peer, compared);
        if let Some((over, message)) = early {
            self.take_words_message(now, over, peer, message);
        }
        Ok(())
    }

    /// A session with `peer` is gone. A comparison over it begins anew over the one that is left, as words belong to one
    /// session; without any it is over.
    pub(super) fn move_comparison(&mut self, now: Time, peer: PeerId) {
        let begun = self.comparing.0.get(&peer);
        let is_lost = begun.is_some_and(|it| {
            it.comparison.is_some() && !self.connections.conns.contains_key(&it.conn)
        });
        if !is_lost {
            return;
        }
        let left = self.connections.preferred.get(&Target::Peer(peer)).copied();
        let moved = left.map(|conn| self.begin_comparison(now, conn, peer));
        if !matches!(moved, Some(Ok(()))) {
            self.comparing.0.remove(&peer);
            self.tell(Event::WordsLost { peer });
        }
    }

    /// The other side said something.
    pub(super) fn take_words(&mut self, now: Time, conn: ConnId, peer: PeerId, note: &Note) {
        if let Ok(message) = codec::decode::<WordsMessage>(&note.body) {
            self.take_words_message(now, conn, peer, message);
        }
    }

    fn take_words_message(&mut self, now: Time, conn: ConnId, peer: PeerId, message: WordsMessage) {
        let running = self.comparing.0.get_mut(&peer).filter(|it| it.conn == conn);
        let Some(comparison) = running.and_then(|it| it.comparison.as_mut()) else {
            self.keep_early(now, conn, peer, message);
            return;
        };
        match comparison.handle_message(&message) {
            Ok(Step::Send(answer)) => self.send_words(conn, &answer),
            Ok(Step::Show(words)) => {
                self.comparing.0.remove(&peer);
                let words = Some(words.to_string());
                self.tell(Event::Words { peer, words });
            }
            Err(_) => {
                self.comparing.0.remove(&peer);
                self.tell(Event::Words { peer, words: None });
            }
        }
    }

    /// Keeps what was said before we began, or over another connection than ours.
    fn keep_early(&mut self, now: Time, conn: ConnId, peer: PeerId, message: WordsMessage) {
        let early = Some((conn, message));
        if let Some(ours) = self.comparing.0.get_mut(&peer) {
            let is_unheard = ours.comparison.as_ref().is_some_and(Comparison::is_unheard);
            ours.early = early;
            // Both began at once over different connections: one of the two follows, the same on either side.
            if is_unheard && self.me < peer {
                // Without a session there ours goes on where it is.
                let _ = self.begin_comparison(now, conn, peer);
            }
        } else if self.comparing.0.len() < COMPARISONS_MAX {
            let begun = Compared {
                conn,
                since: now,
                comparison: None,
                early,
            };
            self.comparing.0.insert(peer, begun);
            self.tell(Event::WordsAsked { peer });
        }
    }

    fn send_words(&mut self, conn: ConnId, message: &WordsMessage) {
        let note = Note {
            kind: WORDS,
            body: codec::encode(message),
        };
        self.sessions.handle_note(self.now, conn, note);
    }
}

#[cfg(test)]
mod tests {
    use super::super::config::Config;
    use super::super::connections::Conn;
    use super::super::io::Output;
    use super::*;
    use crate::crypto::{Ed25519, SecretKey};
    use crate::ids::{DeviceKey, Face};
    use crate::random::Random;
    use crate::routing::{Connected, Level, Session};

    const NOW: Time = Time(1_000_000);
    const FIRST: ConnId = ConnId(1);
    const SECOND: ConnId = ConnId(2);

    /// Two people, the one with the smaller key first.
    fn keys() -> (SecretKey, SecretKey) {
        let (one, other) = (
            SecretKey::from_bytes([1; 32]),
            SecretKey::from_bytes([2; 32]),
        );
        match one.peer_id() < other.peer_id() {
            true => (one, other),
            false => (other, one),
        }
    }

    /// Somebody with two sessions with `peer`, who prefers the first.
    fn with_sessions(me: SecretKey, peer: PeerId) -> Peer<Ed25519> {
        let config = Config::new("test".into());
        let mut machine =
            Peer::new(config, Ed25519, me, Vec::new(), [3; 32], NOW).expect("no rows");
        for conn in [FIRST, SECOND] {
            machine.connections.conns.insert(conn, standing(conn, peer));
        }
        prefer(&mut machine, peer, FIRST);
        machine
    }

    fn standing(conn: ConnId, peer: PeerId) -> Conn {
        let (remote, face) = (DeviceKey([4; 32]), Face::Contact);
        let target = Target::Peer(peer);
        Conn {
            connected: Connected {
                conn,
                dial: None,
                face,
                local: remote,
                remote,
                observed: None,
            },
            exporter: exporter(conn),
            remote_face: Some(face),
            target: Some(target),
            session: Some(Session {
                conn,
                peer: Some(peer),
                remote,
                face,
                level: Level::Contact,
                dialled: true,
            }),
            shown: None,
            answer: None,
        }
    }

    fn exporter(conn: ConnId) -> [u8; 32] {
        [u8::try_from(conn.0).expect("small"); 32]
    }

    fn prefer(machine: &mut Peer<Ed25519>, peer: PeerId, conn: ConnId) {
        let preferred = &mut machine.connections.preferred;
        preferred.insert(Target::Peer(peer), conn);
    }

    /// A session is gone.
    fn lose(machine: &mut Peer<Ed25519>, peer: PeerId, conn: ConnId) {
        machine.connections.conns.remove(&conn);
        machine.move_comparison(NOW, peer);
    }

    fn events(machine: &mut Peer<Ed25519>) -> Vec<Event> {
        let outputs = std::iter::from_fn(|| machine.poll_output());
        let events = outputs.filter_map(|output| match output {
            Output::Event(event) => Some(event),
            _ => None,
        });
        events.collect()
    }

    /// Over which session the comparison goes.
    fn over(machine: &Peer<Ed25519>, peer: PeerId) -> Option<ConnId> {
        let compared = machine.comparing.0.get(&peer)?;
        compared.comparison.as_ref().map(|_| compared.conn)
    }

    /// What `speaker` says first over `conn`.
    fn commitment(speaker: PeerId, hearer: PeerId, conn: ConnId) -> WordsMessage {
        let mut random = Random::new([5; 32]);
        Comparison::new(&mut random, exporter(conn), speaker, hearer).commitment()
    }

    #[test]
    fn a_comparison_goes_over_to_the_session_that_is_left_and_ends_with_the_last() {
        let (me, other) = keys();
        let peer = other.peer_id();
        let mut machine = with_sessions(me, peer);
        machine.compare_words(NOW, peer).expect("a session");
        assert_eq!(over(&machine, peer), Some(FIRST));
        events(&mut machine);
        prefer(&mut machine, peer, SECOND);
        lose(&mut machine, peer, FIRST);
        assert_eq!(over(&machine, peer), Some(SECOND));
        assert_eq!(events(&mut machine), []);
        machine.connections.preferred.clear();
        lose(&mut machine, peer, SECOND);
        assert_eq!(over(&machine, peer), None);
        assert_eq!(events(&mut machine), [Event::WordsLost { peer }]);
        let again = machine.compare_words(NOW, peer);
        assert_eq!(again, Err(CompareError::NoSession));
    }

    #[test]
    fn another_session_that_is_lost_ends_no_comparison() {
        let (me, other) = keys();
        let peer = other.peer_id();
        let mut machine = with_sessions(me, peer);
        machine.compare_words(NOW, peer).expect("a session");
        events(&mut machine);
        lose(&mut machine, peer, SECOND);
        assert_eq!(over(&machine, peer), Some(FIRST));
        assert_eq!(events(&mut machine), []);
    }

    #[test]
    fn who_begins_second_does_so_over_the_session_that_the_other_chose() {
        let (me, other) = keys();
        let (me_is, peer) = (me.peer_id(), other.peer_id());
        let mut machine = with_sessions(me, peer);
        machine.take_words_message(NOW, SECOND, peer, commitment(peer, me_is, SECOND));
        assert_eq!(events(&mut machine), [Event::WordsAsked { peer }]);
        machine.compare_words(NOW, peer).expect("a session");
        assert_eq!(over(&machine, peer), Some(SECOND));
    }

    #[test]
    fn of_two_who_begin_at_once_over_two_sessions_the_one_with_the_smaller_key_follows() {
        let (small, large) = keys();
        for (me, other, meets_over) in [
            (small.clone(), large.clone(), SECOND),
            (large, small, FIRST),
        ] {
            let (me_is, peer) = (me.peer_id(), other.peer_id());
            let mut machine = with_sessions(me, peer);
            machine.compare_words(NOW, peer).expect("a session");
            let theirs = commitment(peer, me_is, SECOND);
            machine.take_words_message(NOW, SECOND, peer, theirs);
            assert_eq!(over(&machine, peer), Some(meets_over));
        }
    }
}
