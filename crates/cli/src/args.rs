//! The command line's grammar (DESIGN §6): names here are a contract that scripts rely on.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

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
    /// Make an invite: a link (and QR code) by which one person can become your contact.
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
        #[arg(short = 'c', long, default_value_t = 4)]
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
        /// Run this for each stream, with the stream as its stdin and stdout.
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
        /// The local address to listen on.
        #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
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

/// `kith share`.
#[derive(Debug, Args)]
pub(crate) struct ShareArgs {
    /// Files and folders.
    #[arg(required = true)]
    pub(crate) paths: Vec<PathBuf>,
    /// Only to these contacts (all contacts when left out).
    #[arg(long, value_name = "NAME", num_args = 1.., conflicts_with_all = ["link", "public"])]
    pub(crate) with: Vec<String>,
    /// To whoever holds the link.
    #[arg(long, conflicts_with = "public")]
    pub(crate) link: bool,
    /// To everyone.
    #[arg(long)]
    pub(crate) public: bool,
    /// What it is called (the folder's own name when left out).
    #[arg(long)]
    pub(crate) name: Option<String>,
}

/// `kith get`.
#[derive(Debug, Args)]
pub(crate) struct GetArgs {
    /// A link, or PEER/SHARE[/PATH].
    pub(crate) source: String,
    /// The folder to put it in.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) out: PathBuf,
    /// Only what matches (repeatable), such as '*.jpg'.
    #[arg(long, value_name = "GLOB")]
    pub(crate) only: Vec<String>,
    /// How long to wait for someone who has it (30s when left out; 30d in the background).
    #[arg(long, value_name = "TIME", value_parser = parse_span)]
    pub(crate) wait: Option<Duration>,
    /// Exactly this version.
    #[arg(long, value_name = "HASH")]
    pub(crate) at: Option<String>,
    /// Do not provide it to others who may have it.
    #[arg(long, conflicts_with = "keep")]
    pub(crate) no_provide: bool,
    /// Provide it for good: it makes no room for other copies.
    #[arg(long)]
    pub(crate) keep: bool,
    /// How soon a file of it is wanted, or a folder: PATH=high, low, or unwanted, which is not now (repeatable).
    #[arg(long, value_name = "PATH=LEVEL")]
    pub(crate) priority: Vec<String>,
    /// Leave it to the running node, which goes on with it after a restart too; 'kith transfers' shows it.
    #[arg(long)]
    pub(crate) background: bool,
}

/// `kith transfers …`.
#[derive(Debug, Subcommand)]
pub(crate) enum TransfersCommand {
    /// Stop one where it is.
    Pause {
        /// Its number, or all.
        #[arg(default_value = "all")]
        id: String,
    },
    /// Go on with one that is paused or has failed.
    Resume {
        /// Its number, or all.
        #[arg(default_value = "all")]
        id: String,
    },
    /// Say how soon a file of one is wanted, or a folder with all in it.
    Priority {
        /// Its number.
        id: String,
        /// The path below what is fetched; '' for everything.
        path: String,
        /// high, normal, low, or unwanted, which is not now.
        level: String,
    },
    /// End one, and forget it; what arrived is deleted, unless it is whole.
    Cancel {
        /// Its number, or all.
        id: String,
        /// Keep what arrived: the next get of the same goes on from there.
        #[arg(long)]
        keep: bool,
    },
}

/// `kith limits`. A rate is written as '2 MiB/s' or '16 Mbit/s'.
#[derive(Debug, Args)]
pub(crate) struct LimitsArgs {
    /// To all distant peers together: a rate such as '2 MiB/s' or '16 Mbit/s', none, or default.
    #[arg(long, value_name = "RATE")]
    pub(crate) upload: Option<String>,
    /// To each of them.
    #[arg(long, value_name = "RATE", conflicts_with = "peer")]
    pub(crate) upload_each: Option<String>,
    /// From all of them together.
    #[arg(long, value_name = "RATE")]
    pub(crate) download: Option<String>,
    /// From each of them.
    #[arg(long, value_name = "RATE", conflicts_with = "peer")]
    pub(crate) download_each: Option<String>,
    /// Whether limits hold within the local network too.
    #[arg(long, value_name = "true|false", conflicts_with = "peer")]
    pub(crate) local: Option<bool>,
    /// The upload and download rate of this peer alone, near and far: petname or PeerId.
    #[arg(long, value_name = "NAME")]
    pub(crate) peer: Option<String>,
    /// The rates of these hours, such as 22:00-06:00; 'default' for each takes them away.
    #[arg(long, value_name = "HOURS", conflicts_with_all = ["peer", "local"])]
    pub(crate) hours: Option<String>,
    /// Those of these days only, by the day on which they begin: mon,tue,wed,thu,fri,sat,sun.
    #[arg(long, value_name = "DAYS", value_delimiter = ',', requires = "hours")]
    pub(crate) days: Vec<String>,
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
    /// address discovery; with port 0 each gets one of its own.
    #[arg(long, value_name = "ADDR", default_value = "0.0.0.0:7118")]
    pub(crate) listen: SocketAddr,
    /// An address under which others reach this machine (repeatable; the interfaces' own when left out).
    #[arg(long, value_name = "IP")]
    pub(crate) address: Vec<std::net::IpAddr>,
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

/// Reads an address with a port; `8000` and `localhost:8000` are the loopback interface's.
fn parse_local(text: &str) -> Result<SocketAddr, String> {
    let port = text.strip_prefix("localhost:").unwrap_or(text);
    if let Ok(port) = port.parse::<u16>() {
        return Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    }
    text.parse()
        .map_err(|_| "an address with a port, as in 127.0.0.1:8000".to_owned())
}

/// Reads a span such as `90s`, `10m`, `2h`, `7d`.
fn parse_span(text: &str) -> Result<Duration, String> {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let number = &text[..text.len() - unit.len()];
    let number: u64 = number
        .parse()
        .map_err(|_| "a number and a unit, as in 10m".to_owned())?;
    let seconds = match unit {
        "ms" => return Ok(Duration::from_millis(number)),
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return Err("the unit is one of ms, s, m, h, d, w".to_owned()),
    };
    number
        .checked_mul(seconds)
        .map(Duration::from_secs)
        .ok_or_else(|| "too long".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_grammar_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_port_alone_is_the_loopback_interfaces() {
        let web = SocketAddr::from((Ipv4Addr::LOCALHOST, 8000));
        for text in ["8000", "localhost:8000", "127.0.0.1:8000"] {
            assert_eq!(parse_local(text), Ok(web), "{text}");
        }
        assert!(parse_local("[::1]:8000").is_ok());
        assert!(parse_local("example.org:8000").is_err());
        assert!(parse_local("70000").is_err());
    }

    #[test]
    fn spans_need_a_number_and_a_known_unit() {
        assert_eq!(parse_span("7d"), Ok(Duration::from_secs(604_800)));
        assert_eq!(parse_span("250ms"), Ok(Duration::from_millis(250)));
        assert!(parse_span("7").is_err());
        assert!(parse_span("d").is_err());
        assert!(parse_span("7 days").is_err());
        assert!(parse_span("99999999999999999999s").is_err());
        assert!(parse_span("9999999999999999999w").is_err());
    }
}
