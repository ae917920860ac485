//! The protocol `/kith/preview/1`: what is said on a stream between one who looks at a share and one who provides it.
//!
//! Whoever looks opens the stream, says once which share is meant and shows the same [`Proof`] as `/kith/share/1` asks for, and then asks
//! for previews without waiting. They are given as they are ready, in any order. Messages are frames (see [`crate::codec::frame`]).
//!
//! A preview is the word of who made it: unlike a file it has no hash that the owner signed. So it is looked at
//! ([`examine`](super::jpeg::examine)), kept under the name of who gave it, and passed on by nobody.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use super::size::Size;
use crate::codec::Wire;
use crate::content::wire::{Proof, REQUEST_BYTES_MAX};
use crate::ids::{BlobHash, ShareId};

/// The name of the protocol.
pub const PROTOCOL: &str = "/kith/preview/1";

/// The most questions of one asker that are not answered: more than a screen of thumbnails.
pub const ASKS_MAX: usize = 64;

/// The longest path that is asked for, in bytes: what systems take for one (POSIX `PATH_MAX` on Linux).
pub const PATH_BYTES_MAX: usize = 4096;

/// The largest asker's message, in bytes: a path, or a proof, and numbers.
pub const ASKER_MESSAGE_BYTES_MAX: usize = PATH_BYTES_MAX + REQUEST_BYTES_MAX;

/// The largest provider's message, in bytes: a large preview, its file's hash, and numbers.
pub const PROVIDER_MESSAGE_BYTES_MAX: usize = Size::Large.bytes_max() + 64;

/// Which version of the format this is.
const VERSION: u8 = 1;

/// Of which share previews are wanted.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Open {
    #[n(0)]
    version: u8,
    /// The share, as it now is at the provider.
    #[n(1)]
    pub share: ShareId,
    /// What the asker shows.
    #[n(2)]
    pub proof: Proof,
}

impl Open {
    /// Of this version.
    pub fn new(share: ShareId, proof: Proof) -> Self {
        Self {
            version: VERSION,
            share,
            proof,
        }
    }

    /// Whether this version knows it.
    pub fn is_known(&self) -> bool {
        self.version == VERSION
    }
}

/// One question.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Ask {
    /// The asker's number for it, used once a stream.
    #[n(0)]
    pub id: u64,
    /// The file, by its path in the share, written with `/`; at most [`PATH_BYTES_MAX`].
    #[n(1)]
    pub path: String,
    /// How large.
    #[n(2)]
    pub size: Size,
    /// The file whose preview the asker has: if it is still the same, that is said and the preview not sent.
    #[n(3)]
    pub known: Option<BlobHash>,
}

/// What an asker says.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum AskerMessage {
    /// Always first, and once.
    #[n(0)]
    Open(#[n(0)] Open),
    /// Then any number of these.
    #[n(1)]
    Ask(#[n(0)] Ask),
}

impl Wire for AskerMessage {
    const BYTES_MAX: usize = ASKER_MESSAGE_BYTES_MAX;
}

/// Why there is no preview.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub enum Refusal {
    /// There is no such file.
    #[n(0)]
    NoFile,
    /// It is no picture, or of a format that is not known.
    #[n(1)]
    NoPicture,
    /// It is one that cannot be read: cut short, damaged, or something else under its name.
    #[n(2)]
    Broken,
    /// It has more pixels, or takes more memory or time, than is spent on one.
    #[n(3)]
    TooLarge,
    /// The file is not what it was when it was hashed; it is looked at anew soon.
    #[n(4)]
    Changed,
    /// This provider makes none.
    #[n(5)]
    NotMade,
}

/// What a provider says.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum ProviderMessage {
    /// A preview.
    #[n(0)]
    Preview {
        /// The question's number.
        #[n(0)]
        id: u64,
        /// Of which file.
        #[n(1)]
        hash: BlobHash,
        /// A JPEG of at most [`Size::bytes_max`].
        #[n(2)]
        jpeg: ByteVec,
    },
    /// What the asker has is what it would get.
    #[n(1)]
    Same {
        /// The question's number.
        #[n(0)]
        id: u64,
    },
    /// There is none.
    #[n(2)]
    None {
        /// The question's number.
        #[n(0)]
        id: u64,
        /// Why.
        #[n(1)]
        why: Refusal,
    },
    /// The share is not here, or not for you, or not any more; the last message.
    #[n(3)]
    Gone,
}

impl Wire for ProviderMessage {
    const BYTES_MAX: usize = PROVIDER_MESSAGE_BYTES_MAX;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{decode, encode};

    fn ask() -> AskerMessage {
        AskerMessage::Ask(Ask {
            id: 7,
            path: "a/b.jpg".to_owned(),
            size: Size::Large,
            known: Some(BlobHash([2; 32])),
        })
    }

    #[test]
    fn messages_have_known_bytes() {
        let hex = |bytes: Vec<u8>| data_encoding::HEXLOWER.encode(&bytes);
        let open = AskerMessage::Open(Open::new(ShareId([1; 32]), Proof::Session));
        let golden = format!("82008183015820{}820080", "01".repeat(32));
        assert_eq!(hex(encode(&open)), golden);
        let golden = format!("820181840767612f622e6a70678201805820{}", "02".repeat(32));
        assert_eq!(hex(encode(&ask())), golden);
        let preview = ProviderMessage::Preview {
            id: 7,
            hash: BlobHash([2; 32]),
            jpeg: vec![0xff, 0xd8].into(),
        };
        let golden = format!("820083075820{}42ffd8", "02".repeat(32));
        assert_eq!(hex(encode(&preview)), golden);
        let none = ProviderMessage::None {
            id: 7,
            why: Refusal::Broken,
        };
        assert_eq!(hex(encode(&none)), "82028207820280");
        assert_eq!(hex(encode(&ProviderMessage::Same { id: 7 })), "82018107");
        assert_eq!(hex(encode(&ProviderMessage::Gone)), "820380");
    }

    #[test]
    fn the_largest_messages_fit_their_bounds() {
        let longest = AskerMessage::Ask(Ask {
            id: u64::MAX,
            path: "a".repeat(PATH_BYTES_MAX),
            size: Size::Large,
            known: Some(BlobHash([2; 32])),
        });
        assert_eq!(decode(&encode(&longest)), Ok(longest));
        let largest = ProviderMessage::Preview {
            id: u64::MAX,
            hash: BlobHash([2; 32]),
            jpeg: vec![0; Size::Large.bytes_max()].into(),
        };
        assert_eq!(decode(&encode(&largest)), Ok(largest));
    }

    crate::decoding::decoder_tests! {
        asker: AskerMessage = ask();
        open: AskerMessage = AskerMessage::Open(Open::new(ShareId([1; 32]), Proof::Session));
        provider: ProviderMessage = ProviderMessage::Preview {
            id: 7,
            hash: BlobHash([2; 32]),
            jpeg: vec![1, 2, 3].into(),
        };
    }
}
