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
