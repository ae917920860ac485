//! The protocol `/kith/swarm/1`: what is said on a stream between one who wants a snapshot and one who holds some of it.
//!
//! Whoever wants opens the stream; two who want from each other have two. Messages are frames (see [`crate::codec::frame`]); after the
//! provider's [`ProviderMessage::Data`] come as many raw bytes as it says. The words are those of BEP 3 and BEP 6 under plainer names:
//! *busy* is choked, *free* is unchoked, *interest* is interested, *everything* is have-all, *dropped* is reject, *suggest* is suggest.
//!
//! The first message is [`AskerMessage::Open`] with the same [`Proof`] as `/kith/share/1` asks for, judged by the same
//! [`may`](crate::content::may) at the opening and again whenever grants or blocks change. [`ProviderMessage::Gone`] is the one answer for
//! what does not exist and what is not for the asker.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use crate::codec::Wire;
use crate::content::referral::{REFERRALS_MAX, Referral};
use crate::content::wire::{ENCODED_BYTES_MAX, GROUP_BYTES, Proof};
use crate::ids::{BlobHash, ShareId};

use super::span::{CHUNK_BYTES_MIN, CHUNKS_MAX, Span};

/// The name of the protocol.
pub const PROTOCOL: &str = "/kith/swarm/1";

/// The most requests in one message, and of one asker that are not answered: with the smallest chunk 16 MiB, which is what a
/// path of 1 Gbit/s and 130 ms holds.
pub const REQUESTS_MAX: usize = 64;

/// The most runs in one `Have`. More are told by the next.
pub const RUNS_MAX: usize = 512;

/// The most spans in one `Final`, which fit beneath [`PROVIDER_MESSAGE_BYTES_MAX`]. More are told by the next.
pub const SPANS_MAX: usize = 512;

/// The most spans that one provider may tell by its `Final`s: the first and the last chunk of each of four thousand pictures. What of a larger
/// selection fills no chunk goes without being given on.
pub const EDGES_MAX: usize = 8192;

/// The most chunks suggested to one asker and not asked for yet: what a fast line brings between two of its messages.
pub const SUGGESTIONS_MAX: usize = 16;

/// The most providers in one message: as many as `/kith/share/1` names, which fit beneath [`PROVIDER_MESSAGE_BYTES_MAX`].
pub const PROVIDERS_MAX: usize = REFERRALS_MAX;

/// The most of the line that one `Data` brings, in bytes: the smallest chunk, whatever the chunks of the snapshot are. So what was read of one
/// source and is not verified is little, and many of them have room beside each other.
pub const SPAN_BYTES_MAX: u64 = CHUNK_BYTES_MIN;

/// The most raw bytes after one `Data`, which is what a node may take: a range of `/kith/share/1`, whose last group may reach over its end.
pub const DATA_BYTES_MAX: u64 = ENCODED_BYTES_MAX + GROUP_BYTES;

/// The largest asker's message, in bytes: a full list of requests, each of a hash and numbers.
pub const ASKER_MESSAGE_BYTES_MAX: usize = 4096;

/// The largest provider's message, in bytes, raw bytes not counted: a bit for each of [`CHUNKS_MAX`] chunks.
pub const PROVIDER_MESSAGE_BYTES_MAX: usize = CHUNKS_MAX as usize / 8 + 64;

/// Which version of the format this is.
const VERSION: u8 = 1;

/// What an asker wants of which snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Open {
    #[n(0)]
    version: u8,
    /// The share.
    #[n(1)]
    pub share: ShareId,
    /// The snapshot: the root directory's node.
    #[n(2)]
    pub root: BlobHash,
    /// The bytes of all its files, as its head says. Both sides cut the line by it.
    #[n(3)]
    pub size: u64,
    /// What the asker shows.
    #[n(4)]
    pub proof: Proof,
}

impl Open {
    /// Of this version.
    pub fn new(share: ShareId, root: BlobHash, size: u64, proof: Proof) -> Self {
        Self {
            version: VERSION,
            share,
            root,
            size,
            proof,
        }
    }

    /// Whether this version knows it.
    pub fn is_known(&self) -> bool {
        self.version == VERSION
    }
}

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub enum What {
    /// A stretch of the line within one chunk.
    #[n(0)]
    Span(#[n(0)] Span),
    /// A node of the manifest, whole.
    #[n(1)]
    Node(#[n(0)] BlobHash),
}

/// One request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Ask {
    /// The asker's number for it, used once a stream.
    #[n(0)]
    pub id: u64,
    /// For what.
    #[n(1)]
    pub what: What,
}

/// What an asker says.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum AskerMessage {
    /// Always first, and once.
    #[n(0)]
    Open(#[n(0)] Open),
    /// Whether the provider holds something that I want. Until it says so, an asker waits for no place.
    #[n(1)]
    Interest(#[n(0)] bool),
    /// Give me these, in this order.
    #[n(2)]
    Request(#[n(0)] Vec<Ask>),
    /// I do not need these any more. What has begun may come nevertheless.
    #[n(3)]
    Cancel(#[n(0)] Vec<u64>),
}

impl Wire for AskerMessage {
    const BYTES_MAX: usize = ASKER_MESSAGE_BYTES_MAX;
}

impl AskerMessage {
    /// Whether the counts in it are within their bounds.
    pub fn is_bounded(&self) -> bool {
        match self {
            Self::Open(_) | Self::Interest(_) => true,
            Self::Request(asks) => (1..=REQUESTS_MAX).contains(&asks.len()),
            Self::Cancel(ids) => (1..=REQUESTS_MAX).contains(&ids.len()),
        }
    }
}

/// A run of chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Run {
    /// The first chunk.
    #[n(0)]
    pub first: u32,
    /// How many.
    #[n(1)]
    pub count: u32,
}

/// Why requests are dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum DropReason {
    /// The asker has cancelled them.
    #[n(0)]
    Cancelled,
    /// It has no place now.
    #[n(1)]
    Busy,
    /// The provider does not hold this.
    #[n(2)]
    Missing,
    /// The file has changed since it was hashed.
    #[n(3)]
    Changed,
}

/// What a provider says.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum ProviderMessage {
    /// I hold all of it.
    #[n(0)]
    Everything,
    /// I hold these chunks: a bit each (see [`super::Holdings`]). Once, before any `Have`.
    #[n(1)]
    Holdings(#[n(0)] ByteVec),
    /// I hold these as well.
    #[n(2)]
    Have(#[n(0)] Vec<Run>),
    /// Requests are answered from now on.
    #[n(3)]
    Free,
    /// Requests are not answered from now on; those that wait are dropped.
    #[n(4)]
    Busy,
    /// A part of the answer to a request follows, in raw bytes.
    #[n(5)]
    Data {
        /// Which request.
        #[n(0)]
        id: u64,
        /// What is answered with it: all groups that begin before this place. For a node, its size.
        #[n(1)]
        until: u64,
        /// How many raw bytes follow, at most [`DATA_BYTES_MAX`].
        #[n(2)]
        encoded: u64,
    },
    /// These requests are not answered.
    #[n(6)]
    Dropped {
        /// Which.
        #[n(0)]
        ids: Vec<u64>,
        /// Why.
        #[n(1)]
        reason: DropReason,
    },
    /// Others provide it too.
    #[n(7)]
    Providers(#[n(0)] Vec<Referral>),
    /// Ask me for these first: nobody else was told so (BEP 6's suggest piece).
    #[n(8)]
    Suggest(#[n(0)] Vec<u32>),
    /// Not here, or not for you, or no longer. The last message.
    #[n(9)]
    Gone,
    /// I fetched some files of it and will hold no more: beside the chunks that I told, these bytes of others, each span within one chunk. After
    /// `Holdings`; of several each adds to those before.
    #[n(10)]
    Final(#[n(0)] Vec<Span>),
}

impl Wire for ProviderMessage {
    const BYTES_MAX: usize = PROVIDER_MESSAGE_BYTES_MAX;
}

impl ProviderMessage {
    /// Whether the counts in it are within their bounds. Whether holdings fit the snapshot is [`super::Holdings::from_bytes`]'s to say.
    pub fn is_bounded(&self) -> bool {
        match self {
            Self::Have(runs) => {
                (1..=RUNS_MAX).contains(&runs.len())
                    && runs.iter().all(|run| {
                        run.count > 0
                            && run
                                .first
                                .checked_add(run.count)
                                .is_some_and(|end| end <= CHUNKS_MAX)
                    })
            }
            Self::Data { encoded, .. } => *encoded <= DATA_BYTES_MAX,
            Self::Dropped { ids, .. } => (1..=REQUESTS_MAX).contains(&ids.len()),
            Self::Providers(providers) => {
                (1..=PROVIDERS_MAX).contains(&providers.len())
                    && providers.iter().all(Referral::is_bounded)
            }
            Self::Suggest(chunks) => (1..=SUGGESTIONS_MAX).contains(&chunks.len()),
            Self::Final(spans) => spans.len() <= SPANS_MAX,
            Self::Everything | Self::Holdings(_) | Self::Free | Self::Busy | Self::Gone => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Route;
    use crate::codec::{self, decode, encode};
    use crate::content::grant::{GrantProof, SignedGrant};
    use crate::crypto::{Ed25519, SecretKey};
    use crate::ids::{DeviceKey, PeerId};
    use crate::time::Time;
    use proptest::prelude::*;

    fn open(proof: Proof) -> AskerMessage {
        let (share, root) = (ShareId([1; 32]), BlobHash([2; 32]));
        AskerMessage::Open(Open::new(share, root, 1 << 31, proof))
    }

    fn hex<T: Encode<()>>(message: &T) -> String {
        data_encoding::HEXLOWER.encode(&encode(message))
    }

    #[test]
    fn what_an_asker_says_has_known_bytes() {
        let golden = format!(
            "8200818501{share}{root}1a80000000820080",
            share = format_args!("5820{}", "01".repeat(32)),
            root = format_args!("5820{}", "02".repeat(32)),
        );
        assert_eq!(hex(&open(Proof::Session)), golden);
        let request = AskerMessage::Request(vec![
            Ask {
                id: 7,
                what: What::Span(Span {
                    start: 262_144,
                    end: 524_288,
                }),
            },
            Ask {
                id: 8,
                what: What::Node(BlobHash([3; 32])),
            },
        ]);
        let golden = format!(
            "{span}{node}",
            span = "820281828207820081821a000400001a00080000",
            node = format_args!("82088201815820{}", "03".repeat(32)),
        );
        for (message, bytes) in [
            (AskerMessage::Interest(true), "820181f5"),
            (request, golden.as_str()),
            (AskerMessage::Cancel(vec![7]), "8203818107"),
        ] {
            assert_eq!(hex(&message), bytes);
            assert_eq!(decode(&encode(&message)), Ok(message));
        }
    }

    #[test]
    fn what_a_provider_says_has_known_bytes() {
        let data = ProviderMessage::Data {
            id: 7,
            until: 524_288,
            encoded: 263_104,
        };
        let dropped = ProviderMessage::Dropped {
            ids: vec![7, 8],
            reason: DropReason::Busy,
        };
        let route = Route::new(DeviceKey([4; 32]));
        let providers = ProviderMessage::Providers(vec![Referral::new(None, Some(route))]);
        let only = ProviderMessage::Final(vec![Span {
            start: 5_000,
            end: 50_000,
        }]);
        let run = Run { first: 3, count: 4 };
        let golden = format!("8207818182f6835820{}8080", "04".repeat(32));
        for (message, bytes) in [
            (ProviderMessage::Everything, "820080"),
            (
                ProviderMessage::Holdings(vec![0x81, 0xc0].into()),
                "8201814281c0",
            ),
            (ProviderMessage::Have(vec![run]), "82028181820304"),
            (ProviderMessage::Free, "820380"),
            (ProviderMessage::Busy, "820480"),
            (data, "820583071a000800001a000403c0"),
            (dropped, "82068282070801"),
            (providers, golden.as_str()),
            (ProviderMessage::Suggest(vec![5]), "8208818105"),
            (ProviderMessage::Gone, "820980"),
            (only, "820a81818219138819c350"),
        ] {
            assert_eq!(hex(&message), bytes);
            assert_eq!(decode(&encode(&message)), Ok(message));
        }
    }

    #[test]
    fn the_largest_messages_fit_their_bounds() {
        let owner = SecretKey::from_bytes([1; 32]);
        let (share, peer) = (ShareId([2; 32]), PeerId([3; 32]));
        let grant = SignedGrant::sign(&Ed25519, &owner, share, peer, u64::MAX, Time(u64::MAX));
        let grant = GrantProof::sign(&Ed25519, &owner, grant, &[4; 32]);
        let ask = Ask {
            id: u64::MAX,
            what: What::Node(BlobHash([255; 32])),
        };
        for message in [
            open(Proof::Grant(Box::new(grant))),
            AskerMessage::Request(vec![ask; REQUESTS_MAX]),
            AskerMessage::Cancel(vec![u64::MAX; REQUESTS_MAX]),
        ] {
            assert!(message.is_bounded());
            assert_eq!(decode(&encode(&message)), Ok(message));
        }
        let run = Run {
            first: CHUNKS_MAX - 1,
            count: 1,
        };
        let last = Span {
            start: u64::MAX - 1,
            end: u64::MAX,
        };
        for message in [
            ProviderMessage::Holdings(vec![255; CHUNKS_MAX as usize / 8].into()),
            ProviderMessage::Have(vec![run; RUNS_MAX]),
            ProviderMessage::Final(vec![last; SPANS_MAX]),
            ProviderMessage::Providers(vec![Referral::largest(); PROVIDERS_MAX]),
        ] {
            assert!(message.is_bounded());
            assert_eq!(decode(&encode(&message)), Ok(message));
        }
    }

    #[test]
    fn messages_over_their_counts_are_found() {
        let ask = Ask {
            id: 1,
            what: What::Node(BlobHash([0; 32])),
        };
        for message in [
            AskerMessage::Request(Vec::new()),
            AskerMessage::Request(vec![ask; REQUESTS_MAX + 1]),
            AskerMessage::Cancel(vec![1; REQUESTS_MAX + 1]),
        ] {
            assert!(!message.is_bounded(), "{message:?}");
        }
        for message in [
            ProviderMessage::Have(Vec::new()),
            ProviderMessage::Have(vec![Run { first: 0, count: 0 }]),
            ProviderMessage::Have(vec![Run {
                first: u32::MAX,
                count: 1,
            }]),
            ProviderMessage::Data {
                id: 1,
                until: 1,
                encoded: DATA_BYTES_MAX + 1,
            },
            ProviderMessage::Providers(Vec::new()),
            ProviderMessage::Suggest(vec![0; SUGGESTIONS_MAX + 1]),
            ProviderMessage::Final(vec![Span { start: 0, end: 1 }; SPANS_MAX + 1]),
        ] {
            assert!(!message.is_bounded(), "{message:?}");
        }
    }

    crate::decoding::decoder_tests! {
        opening: AskerMessage = open(Proof::Session);
        requests: AskerMessage = AskerMessage::Request(vec![Ask {
            id: 7,
            what: What::Node(BlobHash([3; 32])),
        }]);
        providers: ProviderMessage = ProviderMessage::Providers(vec![Referral::new(
            None,
            Some(Route::new(DeviceKey([4; 32]))),
        )]);
        only: ProviderMessage = ProviderMessage::Final(vec![Span {
            start: 5_000,
            end: 50_000,
        }]);
        dropped: ProviderMessage = ProviderMessage::Dropped {
            ids: vec![7, 8],
            reason: DropReason::Busy,
        };
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_decoders_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = codec::decode::<AskerMessage>(&bytes).map(|it| it.is_bounded());
            let _ = codec::decode::<ProviderMessage>(&bytes).map(|it| it.is_bounded());
        }
    }
}
