//! Handing things over: `share`, `shares`, `unshare`, `ls`, `get`.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use kith::content::AudienceKind;
use kith::content::error::{ELSEWHERE, LONGER, NEWEST};
use kith::content::shares::RENAME;

use super::on::On;
use super::{transfers, updated};
use crate::api::getting::{GetEvent, GetRequest};
use crate::api::listing::Listed;
use crate::api::node::why_absent;
use crate::api::priority::FilePriority;
use crate::api::shares::{AudienceRequest, FetchInfo, ShareInfo, ShareRequest, Unshared};
use crate::api::transfers::TransferInfo;
use crate::args::{AudienceArgs, GetArgs, ShareArgs};
use crate::failure::Failure;
use crate::output;
use crate::path::{query, segment};
use crate::start::Purpose;

/// What a bar says; bytes and rate as people read them.
const BAR: &str = "{bar:30} {bytes}/{total_bytes} {binary_bytes_per_sec} {eta} {msg}";

/// How long a `get` that somebody looks at waits for someone who has it,
const FOREGROUND_WAIT: Duration = Duration::from_secs(30);

/// and one that is left to the node: a month of holidays, counted anew from each byte that arrives and from each start of the node.
const BACKGROUND_WAIT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// How often a bar that waits shows that it is alive.
const BAR_TICK: Duration = Duration::from_millis(250);

/// What the last words say where no file is among those that are wanted.
const UNMATCHED: &str = "matches what is wanted";

/// Shares files where they lie.
pub(super) async fn share(on: &On, args: ShareArgs) -> Result<(), Failure> {
    let paths: Result<Vec<PathBuf>, Failure> = args.paths.iter().map(|path| whole(path)).collect();
    let request = ShareRequest {
        paths: paths?,
        audience: kind(&args.audience),
        with: args.audience.with,
        name: args.name,
        bare: args.strip_location,
    };
    let made: ShareInfo = on
        .node(Purpose::Look, async |node| {
            node.client().post("/shares", &request).await
        })
        .await
        .map_err(with_options)?;
    for left_out in &made.left_out {
        on.output
            .talk(format_args!("left out: {}", output::name(left_out)));
    }
    let told = made.left_out.len() as u64;
    if made.left_out_count > told {
        let more = made.left_out_count - told;
        on.output.talk(format_args!("left out: {more} more"));
    }
    on.output.line(&made, || {
        format!("{}\n{}\n{}", describe(&made), made.hash, made.link)
    })?;
    on.output.qr(&made.link);
    Ok(())
}

/// Lists what is shared here, or one share, with those who fetched it.
pub(super) async fn shares(on: &On, share: Option<&str>) -> Result<(), Failure> {
    let shares: Vec<ShareInfo> = on
        .node(Purpose::Look, async |node| match share {
            None => node.client().get("/shares").await,
            Some(share) => {
                let path = format!("/shares/{}", segment(share));
                Ok(vec![node.client().get(&path).await?])
            }
        })
        .await?;
    for share in &shares {
        on.output.line(share, || match &share.owner {
            Some(owner) if share.kept => {
                format!(
                    "{}
  a copy of {owner}'s, kept",
                    describe(share)
                )
            }
            Some(owner) => format!(
                "{}
  a copy of {owner}'s",
                describe(share)
            ),
            None => {
                let fetches: String = share.fetches.iter().map(describe_fetch).collect();
                let absent = share.absent.as_ref().map(|path| {
                    let path = output::name(&path.display().to_string());
                    format!("\n  {}: {path}", why_absent(share.silent))
                });
                format!(
                    "{}{}
  {}
  {}{fetches}",
                    describe(share),
                    absent.unwrap_or_default(),
                    share.hash,
                    share.link
                )
            }
        })?;
    }
    Ok(())
}

/// Changes who may have a share.
pub(super) async fn audience(on: &On, share: &str, args: AudienceArgs) -> Result<(), Failure> {
    let audience = kind(&args).ok_or_else(|| {
        Failure::usage("say who may have it: --with NAME…, --contacts, --link or --public")
    })?;
    let request = AudienceRequest {
        audience,
        with: args.with,
    };
    let path = format!("/shares/{}/audience", segment(share));
    let changed: ShareInfo = on
        .node(Purpose::Look, async |node| {
            node.client().post(&path, &request).await
        })
        .await?;
    on.output.line(&changed, || {
        format!("{}\n{}", describe(&changed), changed.link)
    })
}

/// Which audience was said.
fn kind(args: &AudienceArgs) -> Option<AudienceKind> {
    let said = [
        (!args.with.is_empty(), AudienceKind::Named),
        (args.link, AudienceKind::Link),
        (args.public, AudienceKind::Public),
        (args.contacts, AudienceKind::Contacts),
    ];
    said.into_iter()
        .find_map(|(is_said, kind)| is_said.then_some(kind))
}

/// Takes a share back.
pub(super) async fn unshare(on: &On, share: &str) -> Result<(), Failure> {
    let path = format!("/shares/{}", segment(share));
    let gone: Unshared = on
        .node(Purpose::Look, async |node| {
            node.client().delete(&path).await
        })
        .await?;
    on.output.line(&gone, || {
        format!("{} is shared no longer", output::name(&gone.name))
    })
}

/// Lists what others share.
pub(super) async fn list(on: &On, path: Option<&str>) -> Result<(), Failure> {
    on.node(Purpose::Reach, async |node| {
        let mut after: Option<String> = None;
        loop {
            let asked = query("/ls", &[("path", path), ("after", after.as_deref())]);
            let mut found: Vec<Listed> = node.client().get(&asked).await?;
            after = found
                .last_mut()
                .filter(|_| path.is_some())
                .and_then(|last| {
                    let has_more = std::mem::take(&mut last.more);
                    let behind = last.share_id.as_ref().unwrap_or(&last.name);
                    has_more.then(|| behind.clone())
                });
            for listed in &found {
                on.output.line(listed, || describe_listed(listed))?;
                // Of everybody's only the first are listed.
                if let Some(peer) = listed.peer.as_ref().filter(|_| listed.more) {
                    on.output.talk(format_args!(
                        "{peer} shares more: 'kith ls {peer}' lists it all"
                    ));
                }
            }
            if after.is_none() {
                return Ok(());
            }
        }
    })
    .await
}

fn describe_listed(listed: &Listed) -> String {
    let size = output::bytes(listed.bytes);
    let whose = listed
        .peer
        .as_ref()
        .map(|peer| format!("{peer}/"))
        .unwrap_or_default();
    let mark = if listed.kind == "directory" { "/" } else { "" };
    format!("{size:>12}  {whose}{}{mark}", output::name(&listed.name))
}

/// Reads `PATH=LEVEL`.
fn priorities(said: &[String]) -> Result<Vec<FilePriority>, Failure> {
    let read = said.iter().map(|text| {
        let (path, level) = text.rsplit_once('=').ok_or_else(|| {
            Failure::usage(format!(
                "{text:?} is no PATH=LEVEL: such as 'day1/film.mkv=high'"
            ))
        })?;
        Ok(FilePriority {
            path: path.to_owned(),
            level: level.to_owned(),
        })
    });
    read.collect()
}

/// Fetches what somebody shares.
pub(super) async fn get(on: &On, args: GetArgs) -> Result<(), Failure> {
    let wait = args.wait.unwrap_or(match args.background {
        true => BACKGROUND_WAIT,
        false => FOREGROUND_WAIT,
    });
    let request = GetRequest {
        priorities: priorities(&args.priority)?,
        source: args.source,
        out: whole(&args.out)?,
        only: args.only,
        update: args.update,
        files: Vec::new(),
        wait_ms: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
        at: args.at,
        provide: !args.no_provide,
        keep: args.keep,
    };
    if args.background {
        let begun: TransferInfo = on
            .node(Purpose::Look, async |node| {
                node.client().post("/transfers", &request).await
            })
            .await?;
        return on.output.line(&begun, || transfers::describe(&begun));
    }
    let shown = Shown {
        bar: bar(on),
        examined: format!(
            "{} is looking at the folder anew: something in it has changed",
            owner(&request.source)
        ),
        absent: format!(
            "it is not where {} shares it from, and is waited for",
            owner(&request.source)
        ),
        said: Mutex::default(),
    };
    let fetched = on.node(Purpose::Reach, async |node| {
        let mut lines = node.client().lines("/get", &request).await?;
        while let Some(event) = lines.next::<GetEvent>().await? {
            shown.show(on, &event)?;
        }
        Ok(())
    });
    let fetched = fetched.await;
    shown.bar.finish_and_clear();
    fetched.map_err(with_options)
}

/// Whose something is, as whoever asks for it calls them.
fn owner(source: &str) -> &str {
    match source.split_once('/') {
        Some((peer, _)) if !peer.contains(':') => peer,
        _ => "its owner",
    }
}

/// Says by which options of these commands that is done which a failure advises.
fn with_options(mut failure: Failure) -> Failure {
    let options = [
        (
            ELSEWHERE,
            " with --out; --update brings what is there up to date",
        ),
        (NEWEST, " without --at"),
        (LONGER, " with --wait"),
        (RENAME, " with --name"),
        (
            UNMATCHED,
            ": 'kith ls' lists what is there, 'kith get --help' says how --only is written",
        ),
    ];
    let advised = |(advice, _): &&(&str, &str)| failure.message.ends_with(advice);
    if let Some((_, option)) = options.iter().find(advised) {
        failure.message.push_str(option);
    }
    failure
}

/// How a get is shown.
struct Shown {
    bar: ProgressBar,
    /// What is told while its owner looks at what has changed.
    examined: String,
    /// What is told while it is not where its owner shares it from.
    absent: String,
    /// Which of these was said last.
    said: Mutex<String>,
}

impl Shown {
    /// Says why it waits, once, where no bar says it all the time.
    fn say(&self, on: &On, why: &str) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if *said == why {
            return;
        }
        why.clone_into(&mut said);
        if !why.is_empty() && !on.output.has_bar() {
            on.output.talk(why);
        }
    }

    fn show(&self, on: &On, event: &GetEvent) -> Result<(), Failure> {
        let Self { bar, .. } = self;
        match event {
            GetEvent::Progress {
                bytes,
                total,
                waiting,
                absent,
                examining,
                paused,
                id,
                ..
            } => {
                if let Some(total) = total {
                    bar.set_length(*total);
                }
                bar.set_position(*bytes);
                let why = match (*absent, *examining) {
                    (true, _) => self.absent.as_str(),
                    (_, true) => &self.examined,
                    _ => "",
                };
                bar.set_message(match (*paused, *waiting) {
                    (true, _) => format!("paused; 'kith transfers resume {id}' goes on"),
                    (_, true) if why.is_empty() => "waiting for someone who has it".to_owned(),
                    _ => why.to_owned(),
                });
                self.say(on, why);
                if on.output.is_json() {
                    on.output.line(event, String::new)
                } else {
                    Ok(())
                }
            }
            GetEvent::Done {
                bytes,
                files,
                seconds,
                path,
                older,
                links_left_out,
                updated,
                ..
            } => {
                bar.finish_and_clear();
                if *older {
                    on.output.talk(format_args!(
                    "this is an older version: nobody who is there has the newest one; get it again when its owner is there"
                ));
                }
                if *links_left_out > 0 {
                    on.output.talk(format_args!(
                    "{links_left_out} links were left out: they lead elsewhere, or only files were asked for"
                ));
                }
                if let Some(updated) = updated {
                    updated::tell_what_stayed(on, updated);
                }
                on.output.line(event, || {
                    let size = output::bytes(*bytes);
                    let came = updated.as_ref().map(updated::what_came).unwrap_or_default();
                    format!(
                        "{}: {}, {size}{came}, in {seconds:.1} s",
                        output::name(&path.display().to_string()),
                        output::files(*files)
                    )
                })
            }
        }
    }
}

/// A bar on a terminal, and nothing elsewhere.
fn bar(on: &On) -> ProgressBar {
    if !on.output.has_bar() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template(BAR).expect("a constant, tested");
    let bar = ProgressBar::no_length().with_style(style);
    bar.enable_steady_tick(BAR_TICK);
    bar
}

/// A path that means the same to a node elsewhere.
fn whole(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path)
        .map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
}

fn describe(share: &ShareInfo) -> String {
    let size = output::bytes(share.bytes);
    let audience = match share.with.is_empty() {
        true => share.audience.to_string(),
        false => share.with.join(", "),
    };
    let bare = match share.bare {
        true => ", without what pictures say",
        false => "",
    };
    let left_out = match share.left_out_count {
        0 => String::new(),
        count => format!(", {count} left out"),
    };
    format!(
        "{}: {}, {size}, for {audience}{bare}{left_out} ({})",
        output::name(&share.name),
        output::files(share.files),
        share.share_id
    )
}

/// A line on somebody who fetched.
fn describe_fetch(fetch: &FetchInfo) -> String {
    let who = fetch
        .peer
        .as_deref()
        .unwrap_or("somebody unknown, by the link");
    let size = output::bytes(fetch.bytes);
    let part = if fetch.whole { "all of it" } else { "a part" };
    let last = output::ago(fetch.last);
    format!("\n  fetched by {who}: {part}, {size}, {last}")
}

#[cfg(test)]
mod tests {
    #[test]
    fn whoever_is_looking_is_called_as_they_were_asked_for() {
        for (source, expected) in [
            ("alice/films/one.mkv", "alice"),
            ("kith:link1suq4sg/a", "its owner"),
            ("kith:link1suq4sg", "its owner"),
        ] {
            assert_eq!(super::owner(source), expected);
        }
    }

    #[test]
    fn the_bar_has_a_sound_template() {
        assert!(super::ProgressStyle::with_template(super::BAR).is_ok());
    }
}
