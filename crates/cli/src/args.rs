//! The command line's grammar (DESIGN §6): names here are a contract that scripts rely on.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use kith::config::limits::read_cap;
use kith::core::content::limits::Cap;

mod content;
mod values;

pub(crate) use content::{AudienceArgs, GetArgs, LimitsArgs, ShareArgs, TransfersCommand};
use values::{parse_local, parse_own_name, parse_span};

/// A second internet made of peers: reach someone you know, by a key, in a named protocol.
#[derive(Debug, Parser)]
#[command(name = "kith", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What works with every command.
#[derive(Clone, Debug, Args)]
pub(crate) struct Common {
    /// Where identity, address book and downloads in progress are kept.
    #[arg(long, global = true, env = "KITH_DATA", value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Print one JSON object per line on stdout; talk goes to stderr.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Say more on stderr (-v what happens, -vv why, -vvv every packet).
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make the picture on stdin small, for a node that runs this.
    #[command(hide = true)]
    PreviewWorker {
        /// The longer side at most, in pixels.
        side: u16,
    },
    /// Run a node: stay reachable for your contacts and serve what you share.
    Up(UpArgs),
    /// Show who you are.
    Id,
    /// Make an invite: a link (and QR code) by which one person can become your contact; list or end those that are open.
    Invite(InviteArgs),
    /// Become the contact of whoever made an invite.
    Add {
        /// The invite, as you got it: `kith:invite1…`.
        invite: String,
        /// Your name for them.
        #[arg(long = "as", value_name = "NAME")]
        name: Option<String>,
    },
    /// List your contacts.
    Contacts {
        /// Only those with this tag.
        #[arg(long)]
        tag: Option<String>,
        /// Only those who speak this protocol.
        #[arg(long, value_name = "PROTOCOL")]
        speaks: Option<String>,
    },
    /// Change a contact.
    Contact {
        #[command(subcommand)]
        command: ContactCommand,
    },
    /// Offer files and folders, in place, to people you know.
    Share(ShareArgs),
    /// List what you share, and who fetched it.
    Shares {
        /// Only this: its id, link or name.
        share: Option<String>,
    },
    /// Change who may have something you share; say it as for 'share'.
    Audience {
        /// Its id, link or name.
        share: String,
        #[command(flatten)]
        audience: AudienceArgs,
    },
    /// Stop sharing something.
    Unshare {
        /// Its id, link or name.
        share: String,
    },
    /// List what is being fetched and served, or pause, resume and cancel some of it.
    Transfers {
        #[command(subcommand)]
        command: Option<TransfersCommand>,
    },
    /// Show how fast content may move, or change it.
    Limits(LimitsArgs),
    /// List what a peer shares with you: `alice`, `alice/holiday`, `alice/holiday/day1`.
    Ls {
        /// PEER[/SHARE[/PATH]]; everyone's shares when left out.
        path: Option<String>,
    },
    /// Fetch a share, or a part of it.
    Get(GetArgs),
    /// Measure the way to a peer.
    Ping {
        /// Petname or PeerId.
        peer: String,
        /// How many times.
        #[arg(short = 'c', long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..))]
        count: u32,
        /// Time between two pings.
        #[arg(short = 'i', long, value_parser = parse_span, default_value = "1s")]
        interval: Duration,
    },
    /// Join stdin and stdout to a stream in a named protocol.
    Pipe {
        /// Petname or PeerId.
        peer: String,
        /// Such as /chat/1.
        protocol: String,
    },
    /// Accept streams in a named protocol: one on stdin and stdout, or each by a program.
    Listen {
        /// Such as /chat/1.
        protocol: String,
        /// Only from these contacts (all contacts when left out).
        #[arg(long, value_name = "NAME", num_args = 1..)]
        from: Vec<String>,
        /// Run this (by `sh -c`) for each stream, with the stream as its stdin and stdout; with --json, a line tells of each. Where
        /// it ends with another code than 0, or cannot be started, the stream breaks: an error here, and on the other side.
        #[arg(long, value_name = "CMD")]
        exec: Option<String>,
    },
    /// Let contacts reach a service of this machine.
    Offer(OfferArgs),
    /// List what you offer for good.
    Offers,
    /// Reach a contact's service at a local address.
    Forward {
        /// UDP instead of TCP.
        #[arg(long)]
        udp: bool,
        /// The local address to listen on: 127.0.0.1:8001, or a port of this machine.
        #[arg(long, value_name = "ADDR", value_parser = parse_local, default_value = "127.0.0.1:0")]
        listen: SocketAddr,
        /// PEER:NAME, as the peer offers it.
        target: String,
    },
    /// Run an introducer: a meeting place for others, which sees no content.
    Introducer(IntroducerArgs),
    /// Show the main job on this machine alone: an introducer and two nodes meet, and hand a folder over.
    Demo(DemoArgs),
    /// Show what the node is doing.
    Status,
    /// Look for what keeps you from being reached, and say what helps.
    Doctor,
    /// Show step by step how a peer is reached.
    Trace {
        /// Petname or PeerId.
        peer: String,
    },
    /// Let a browser in to the running node, or list and end those that are in.
    Web(WebArgs),
    /// List the tokens by which other programs come in to the running node, or make and revoke them.
    Tokens {
        #[command(subcommand)]
        command: Option<TokensCommand>,
    },
    /// Save or restore your identity under a passphrase.
    Identity {
        #[command(subcommand)]
        command: IdentityCommand,
    },
}

/// `kith up`.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct UpArgs {
    /// What you would like to be called: suggested to those who meet you, who may call you otherwise; kept for the next
    /// time. '' suggests nothing.
    #[arg(long, value_name = "NAME", value_parser = parse_own_name)]
    pub(crate) name: Option<String>,
    /// An introducer to use, `kith:introducer1…` (repeatable); kept for the next time.
    #[arg(long, value_name = "WHERE")]
    pub(crate) introducer: Vec<String>,
    /// Neither announce nor look for anyone on the local network.
    #[arg(long)]
    pub(crate) no_lan: bool,
    /// Where browsers find the web app, on this machine alone: 127.0.0.1:7117 when left out, or any port
    /// where that is taken. Port 0 for any.
    #[arg(long, value_name = "ADDR", conflicts_with = "no_web")]
    pub(crate) api: Option<SocketAddr>,
    /// Open the web app in the browser.
    #[arg(long, conflicts_with = "no_web")]
    pub(crate) open: bool,
    /// No web app: the API on the Unix socket only.
    #[arg(long)]
    pub(crate) no_web: bool,
    /// For versions that use the public Mainline DHT: this one never does.
    #[arg(long)]
    pub(crate) no_public_dht: bool,
    /// Let anyone who knows your PeerId find your public face.
    #[arg(long)]
    pub(crate) findable: bool,
    /// Bind the direct (UDP) endpoint here instead of on every interface.
    #[arg(long, value_name = "ADDR")]
    pub(crate) bind: Vec<SocketAddr>,
}

/// `kith web`.
#[derive(Debug, Args)]
pub(crate) struct WebArgs {
    /// Open it in the browser.
    #[arg(long)]
    pub(crate) open: bool,
    /// List the browsers that are let in.
    #[arg(long, conflicts_with = "open")]
    pub(crate) list: bool,
    /// Let a browser in no more: its number, or all.
    #[arg(long, value_name = "ID", conflicts_with_all = ["open", "list"])]
    pub(crate) end: Option<String>,
}

/// `kith tokens …`.
#[derive(Debug, Subcommand)]
pub(crate) enum TokensCommand {
    /// Make one, and print it this once.
    Make {
        /// What it is for.
        name: String,
    },
    /// Let whoever holds it in no more.
    Revoke {
        /// Its number.
        id: u32,
    },
}

/// `kith invite`.
#[derive(Debug, Args)]
pub(crate) struct InviteArgs {
    /// Let any number of people use it; each stays pending until you confirm them.
    #[arg(long)]
    pub(crate) reusable: bool,
    /// How long it can be used.
    #[arg(long = "for", value_name = "TIME", value_parser = parse_span, default_value = "7d")]
    pub(crate) lifetime: Duration,
    /// Leave this machine's current addresses out of it.
    #[arg(long)]
    pub(crate) no_addresses: bool,
    /// List the invites that can still be used, and who came by them.
    #[arg(long, conflicts_with_all = ["reusable", "lifetime", "no_addresses"])]
    pub(crate) list: bool,
    /// Let nobody in by an invite any more: its id, as --list tells it. Who came by it stays.
    #[arg(long, value_name = "ID", conflicts_with_all = ["reusable", "lifetime", "no_addresses", "list"])]
    pub(crate) end: Option<String>,
}

/// `kith contact …`.
#[derive(Debug, Subcommand)]
pub(crate) enum ContactCommand {
    /// Call them something else.
    Rename { name: String, new_name: String },
    /// Add tags, or with `--remove` take them away.
    Tag {
        name: String,
        #[arg(required = true)]
        tags: Vec<String>,
        #[arg(long)]
        remove: bool,
    },
    /// Write down something about them, in place of what was there; '' for nothing. Nobody is told.
    Note { name: String, text: String },
    /// Show the safety words: both of you see the same ones, unless somebody stands between you.
    Words {
        /// Petname or PeerId.
        name: String,
        /// Four short ones instead, made for this one time, while both of you are online and ask for them.
        #[arg(long)]
        live: bool,
    },
    /// Accept somebody who came by a reusable invite.
    Confirm { name: String },
    /// Serve and answer them nothing from now on, and forget the secret by which you find each other.
    Block { name: String },
    /// Undo a block; you need a new invite to meet again.
    Unblock { name: String },
    /// Forget them.
    Remove { name: String },
}

/// `kith offer`.
#[derive(Debug, Args)]
pub(crate) struct OfferArgs {
    /// What contacts call it.
    pub(crate) name: String,
    /// Where it is: 127.0.0.1:8000, or a port of this machine.
    #[arg(required_unless_present = "remove", value_name = "ADDR", value_parser = parse_local)]
    pub(crate) address: Option<SocketAddr>,
    /// UDP instead of TCP.
    #[arg(long)]
    pub(crate) udp: bool,
    /// Only to these contacts (all contacts when left out).
    #[arg(long, value_name = "NAME", num_args = 1..)]
    pub(crate) to: Vec<String>,
    /// Offer it no longer.
    #[arg(long)]
    pub(crate) remove: bool,
}

/// `kith introducer`.
#[derive(Clone, Debug, Args)]
pub(crate) struct IntroducerArgs {
    /// The address and TCP port of relay, health and metrics. UDP takes the same port for `kith/1` and the next for
    /// address discovery; with port 0 each gets one of its own. [::]:7118 when left out, which is IPv4 and IPv6, or
    /// 0.0.0.0:7118 on a machine without IPv6.
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<SocketAddr>,
    /// An address under which others reach this machine (repeatable, four at most; the interfaces' own when left out).
    #[arg(long, value_name = "IP")]
    pub(crate) address: Vec<std::net::IpAddr>,
    /// What it relays for all together: a rate such as '2 MiB/s' or '16 Mbit/s'; as fast as it goes when left out, or none.
    /// Each client has 4 MiB/s at most, and those of one address 32 MiB/s.
    #[arg(long, value_name = "RATE", value_parser = read_cap)]
    pub(crate) relay_rate: Option<Cap>,
    /// A certificate chain in PEM, for a domain.
    #[arg(long, value_name = "FILE", requires_all = ["tls_key", "domain"])]
    pub(crate) tls_certificate: Option<PathBuf>,
    /// The certificate's key in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    pub(crate) tls_key: Option<PathBuf>,
    /// The domain the certificate is for; without one, it is got from Let's Encrypt, which must reach the TCP port as 443.
    #[arg(long)]
    pub(crate) domain: Option<String>,
    /// Where the certificate authority may write to, such as mailto:me@example.org (repeatable).
    #[arg(long, value_name = "URL", requires = "domain")]
    pub(crate) contact: Vec<String>,
    /// The ACME directory of another certificate authority than Let's Encrypt.
    #[arg(
        long,
        value_name = "URL",
        requires = "domain",
        conflicts_with = "tls_certificate"
    )]
    pub(crate) acme_directory: Option<String>,
    /// The root certificates (PEM) by which that authority's own server is known; those of the web when left out.
    #[arg(long, value_name = "FILE", requires = "acme_directory")]
    pub(crate) acme_root: Option<PathBuf>,
    /// Make a new TLS key, announce it, and change to it after TIME (7d when left out), unless a change is under way.
    #[arg(long, value_name = "TIME", value_parser = parse_span, num_args = 0..=1, default_missing_value = "7d", conflicts_with = "domain")]
    pub(crate) rotate_tls: Option<Duration>,
    /// Another introducer that keeps this one's signed line for those who cannot reach it (repeatable).
    #[arg(long, value_name = "WHERE")]
    pub(crate) tell: Vec<String>,
}

/// `kith demo`.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// The folder to hand over; a small one with this program in it when left out.
    pub(crate) folder: Option<PathBuf>,
    /// Leave the data directories, to try more with them.
    #[arg(long)]
    pub(crate) keep: bool,
}

/// `kith identity …`.
#[derive(Debug, Subcommand)]
pub(crate) enum IdentityCommand {
    /// Write the identity to a file, encrypted under a passphrase (KITH_PASSPHRASE, or asked for).
    Export { file: PathBuf },
    /// Take the identity from such a file; there must be none yet.
    Import { file: PathBuf },
}

#[cfg(test)]
mod tests;
