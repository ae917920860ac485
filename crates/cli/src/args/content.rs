//! What is said of content: sharing it, fetching it, and how fast it may move.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::values::parse_span;

/// `kith share`.
#[derive(Debug, Args)]
pub(crate) struct ShareArgs {
    /// Files and folders.
    #[arg(required = true)]
    pub(crate) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) audience: AudienceArgs,
    /// What it is called (the folder's own name when left out).
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Leave out what pictures say beside their pixels (place, time, camera, words), also of those that come later. What
    /// nothing can be left out of for sure, such as documents and films of other kinds than MP4 and MOV, is not shared and told; the files stay as they are.
    #[arg(long)]
    pub(crate) strip_location: bool,
}

/// Who may have something. For something new where nothing is said, what `audience` in config.toml says: all contacts, unless it was changed.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct AudienceArgs {
    /// Only these contacts.
    #[arg(long, value_name = "NAME", num_args = 1..)]
    pub(crate) with: Vec<String>,
    /// Whoever holds the link.
    #[arg(long)]
    pub(crate) link: bool,
    /// Everyone.
    #[arg(long)]
    pub(crate) public: bool,
    /// All contacts: the usual, unless `audience` in config.toml says otherwise.
    #[arg(long)]
    pub(crate) contacts: bool,
}

/// `kith get`.
#[derive(Debug, Args)]
pub(crate) struct GetArgs {
    /// A link, or PEER/SHARE[/PATH].
    pub(crate) source: String,
    /// The folder to put it in.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) out: PathBuf,
    /// Only files that match (repeatable), and no links: added to what is there of it already. As in .gitignore: '*.jpg', or the
    /// name of a folder for all that is in it, wherever it is; with a / in it, from the top of what is fetched: '/raw', 'day?/*.jpg',
    /// 'day1/**/x.jpg' (** crosses folders).
    #[arg(long, value_name = "GLOB")]
    pub(crate) only: Vec<String>,
    /// Bring what is there of it up to date: add what is new, and replace what nobody has changed here. What was changed here stays, and is named; what was deleted here stays so.
    #[arg(long)]
    pub(crate) update: bool,
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
