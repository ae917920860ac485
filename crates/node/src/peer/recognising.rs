//! What a text is that somebody pasted, dropped or scanned, without anything being done with it.

use kith_core::data::link::Link;
use kith_core::identity::{Contact, Invite};
use kith_core::ids::PeerId;
use kith_core::introducer::Introducer;
use kith_core::text::SCHEME;

use super::node::Node;
use crate::clock;
use crate::error::Error;

/// How much of a text is looked at, in bytes: the longest of ours twice, with what a mail puts around it.
const TEXT_BYTES_MAX: usize = 16 * 1024;

/// What a text is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Recognised {
    /// An invite.
    Invite {
        /// As it was made.
        invite: Box<Invite>,
        /// Whose it is, where they are in the address book.
        contact: Option<Box<Contact>>,
        /// Whether this node made it.
        is_own: bool,
        /// Whether its time is over, by this machine's clock.
        is_over: bool,
    },
    /// A link to a share.
    Link {
        /// As it was made.
        link: Box<Link>,
        /// Whose share it is, where they are in the address book.
        contact: Option<Box<Contact>>,
        /// Whether it is this node's own share.
        is_own: bool,
    },
    /// An introducer's line.
    Introducer(Box<Introducer>),
    /// Somebody's key.
    Peer {
        /// Whose.
        peer: PeerId,
        /// Them, where they are in the address book.
        contact: Option<Box<Contact>>,
        /// Whether it is this node's own.
        is_own: bool,
    },
}

impl Node {
    /// What a text is. It may stand amid other words, as in a mail.
    ///
    /// # Errors
    /// [`Error::Text`] for one of ours that is damaged or newer than this program, [`Error::Usage`] for one that is none of ours.
    pub async fn recognise(&self, text: &str) -> Result<Recognised, Error> {
        let word = find(text).ok_or_else(|| {
            Error::Usage("this is no invite, link or other text of kith".to_owned())
        })?;
        let me = self.peer_id();
        let kind = word.strip_prefix(SCHEME).unwrap_or(word.as_str());
        let kind = kind.split('1').next().unwrap_or_default();
        Ok(match kind {
            Invite::PREFIX => {
                let invite: Invite = word.parse()?;
                Recognised::Invite {
                    contact: self.known(invite.peer).await,
                    is_own: invite.peer == me,
                    is_over: invite.expires <= clock::now(),
                    invite: Box::new(invite),
                }
            }
            Link::PREFIX => {
                let link: Link = word.parse()?;
                Recognised::Link {
                    contact: self.known(link.owner).await,
                    is_own: link.owner == me,
                    link: Box::new(link),
                }
            }
            Introducer::PREFIX => Recognised::Introducer(Box::new(word.parse()?)),
            _ => {
                let peer: PeerId = word.parse()?;
                Recognised::Peer {
                    contact: self.known(peer).await,
                    is_own: peer == me,
                    peer,
                }
            }
        })
    }

    async fn known(&self, peer: PeerId) -> Option<Box<Contact>> {
        self.find(&peer.to_string()).await.ok().map(Box::new)
    }
}

/// The first word of a text that is one of ours, by how it begins; in small letters.
fn find(text: &str) -> Option<String> {
    let mut end = text.len().min(TEXT_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let words = text[..end].split(|c: char| !(c.is_ascii_alphanumeric() || c == ':'));
    let mut words = words.map(str::to_ascii_lowercase);
    words.find(|word| word.starts_with(SCHEME) || word.starts_with("peer1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_ours_is_found_amid_others() {
        for (text, found) in [
            ("kith:invite1abc", Some("kith:invite1abc")),
            ("  KITH:INVITE1ABC\n", Some("kith:invite1abc")),
            ("Hi! Add me: <kith:invite1abc>.", Some("kith:invite1abc")),
            ("peer1abc", Some("peer1abc")),
            ("https://example.org/kith", None),
            ("", None),
        ] {
            assert_eq!(find(text).as_deref(), found, "{text:?}");
        }
        let long = format!("{}ü kith:invite1abc", "ä".repeat(TEXT_BYTES_MAX));
        assert_eq!(find(&long), None);
    }
}
