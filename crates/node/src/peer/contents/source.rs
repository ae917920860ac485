//! What a text names of what others share.

use kith_core::data::head::Head;
use kith_core::data::link::Link;
use kith_core::ids::{PeerId, ShareId};
use kith_core::text::SCHEME;

use crate::content::Credential;
use crate::error::Error;
use crate::peer::node::Node;

/// How a share is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShareName {
    /// By its key.
    Id(ShareId),
    /// By what its owner calls it.
    Name(String),
}

/// Something that somebody shares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShareSource {
    /// Whose it is.
    pub owner: PeerId,
    /// Which share.
    pub share: ShareName,
    /// What of it, written with `/`; empty for all.
    pub path: String,
    /// The link by which it was named.
    pub link: Option<Box<Link>>,
}

impl ShareSource {
    /// What of a contact's share.
    pub fn of_contact(owner: PeerId, share: ShareName, path: impl Into<String>) -> Self {
        Self {
            owner,
            share,
            path: path.into(),
            link: None,
        }
    }

    /// All that a link leads to.
    pub fn of_link(link: Link) -> Self {
        Self {
            owner: link.owner,
            share: ShareName::Id(link.share),
            path: String::new(),
            link: Some(Box::new(link)),
        }
    }

    /// What lets us in.
    pub(super) fn credential(&self) -> Credential {
        let secret = self.link.as_ref().and_then(|link| link.secret.clone());
        secret.map_or(Credential::Session, Credential::Link)
    }
}

impl ShareName {
    /// Reads an id, or else takes the text for a name.
    ///
    /// # Errors
    /// [`Error::Text`] for an id with a typo.
    pub fn parse(text: &str) -> Result<Self, Error> {
        match text.parse::<ShareId>() {
            Ok(share) => Ok(Self::Id(share)),
            Err(error) if looks_like(text, ShareId::PREFIX) => Err(error.into()),
            Err(_) => Ok(Self::Name(text.to_owned())),
        }
    }

    /// Whether a share goes by it.
    pub(super) fn is_of(&self, head: &Head) -> bool {
        match self {
            Self::Id(share) => head.share == *share,
            Self::Name(name) => head.name == *name,
        }
    }
}

/// Reads a link, with or without a path behind it, or `PEER/SHARE[/PATH]`.
pub(super) async fn resolve(node: &Node, text: &str) -> Result<ShareSource, Error> {
    let text = text.trim();
    let (first, rest) = text.split_once('/').unwrap_or((text, ""));
    let form = first
        .get(..SCHEME.len())
        .filter(|scheme| scheme.eq_ignore_ascii_case(SCHEME))
        .map_or(first, |_| &first[SCHEME.len()..]);
    if form.len() < first.len() || looks_like(first, Link::PREFIX) {
        let mut source = ShareSource::of_link(first.parse()?);
        source.path = trimmed(rest);
        return Ok(source);
    }
    let (share, path) = rest.split_once('/').unwrap_or((rest, ""));
    if first.is_empty() || share.is_empty() {
        return Err(Error::Usage(format!(
            "{text:?} names nothing that is shared: give a link, or PEER/SHARE with an optional /PATH behind it"
        )));
    }
    let owner = if first.parse() == Ok(node.peer_id()) {
        node.peer_id()
    } else {
        node.find(first).await?.peer
    };
    Ok(ShareSource::of_contact(
        owner,
        ShareName::parse(share)?,
        trimmed(path),
    ))
}

/// A path as a person types it, with a `/` at its end perhaps.
fn trimmed(path: &str) -> String {
    path.trim_end_matches('/').to_owned()
}

/// Whether a text begins as the text form of `prefix` does.
fn looks_like(text: &str, prefix: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    lower
        .strip_prefix(prefix)
        .is_some_and(|rest| rest.starts_with('1') && rest.len() > LOOKS_LIKE_CHARS)
}

/// How much has to follow `share1` until it is taken for an id with a typo and not for a name: half of an id.
const LOOKS_LIKE_CHARS: usize = 29;
