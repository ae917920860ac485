//! Who comes in to the running node by TCP: `web` for browsers, `tokens` for programs.

use std::process::{Command, Stdio};

use super::on::On;
use crate::api::access::{BrowserInfo, Ended, Entrance, TokenInfo, TokenMade, TokenRequest};
use crate::args::{TokensCommand, WebArgs};
use crate::client::Client;
use crate::failure::Failure;
use crate::output;
use crate::path::segment;
use crate::start::Purpose;

/// The word for every browser.
const ALL: &str = "all";

/// How the platform opens an address.
const OPENER: &str = if cfg!(target_os = "macos") {
    "open"
} else {
    "xdg-open"
};

/// Prints an address that lets one browser in, lists those that are in, or ends them.
pub(super) async fn web(on: &On, args: WebArgs) -> Result<(), Failure> {
    on.node(Purpose::Look, async |node| {
        let client = node.client();
        if let Some(id) = &args.end {
            return end(client, id).await;
        }
        if args.list {
            let browsers: Vec<BrowserInfo> = client.get("/web/browsers").await?;
            for browser in &browsers {
                on.output.line(browser, || {
                    let (since, seen) = (output::ago(browser.since), output::ago(browser.seen));
                    format!("{:>4}  let in {since}, here {seen}", browser.id)
                })?;
            }
            return Ok(());
        }
        let entrance: Entrance = client.post("/web/codes", &()).await?;
        on.output.line(&entrance, || entrance.url.clone())?;
        if args.open {
            show(on, &entrance.url);
        }
        Ok(())
    })
    .await
}

async fn end(client: &Client, id: &str) -> Result<(), Failure> {
    let ids: Vec<String> = match id {
        ALL => {
            let browsers: Vec<BrowserInfo> = client.get("/web/browsers").await?;
            let ids = browsers.iter().map(|browser| browser.id.to_string());
            ids.collect()
        }
        id => vec![id.to_owned()],
    };
    for id in ids {
        let path = format!("/web/browsers/{}", segment(&id));
        let _: Ended = client.delete(&path).await?;
    }
    Ok(())
}

/// Opens an address in the browser, and says so where that cannot be.
pub(super) fn show(on: &On, url: &str) {
    let opened = Command::new(OPENER)
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    match opened {
        // It ends by itself when it has told the browser.
        Ok(mut child) => drop(std::thread::spawn(move || child.wait())),
        Err(error) => on.output.talk(format_args!(
            "kith: cannot run {OPENER} ({error}): open the address yourself"
        )),
    }
}

/// Lists tokens, or makes and revokes them.
pub(super) async fn tokens(on: &On, command: Option<TokensCommand>) -> Result<(), Failure> {
    on.node(Purpose::Look, async |node| {
        let client = node.client();
        match command {
            None => {
                let tokens: Vec<TokenInfo> = client.get("/tokens").await?;
                for token in &tokens {
                    on.output.line(token, || {
                        let since = output::ago(token.since);
                        format!(
                            "{:>4}  made {since}  {}",
                            token.id,
                            output::name(&token.name)
                        )
                    })?;
                }
                Ok(())
            }
            Some(TokensCommand::Make { name }) => {
                let made: TokenMade = client.post("/tokens", &TokenRequest { name }).await?;
                on.output.line(&made, || made.token.clone())
            }
            Some(TokensCommand::Revoke { id }) => {
                let _: Ended = client.delete(&format!("/tokens/{id}")).await?;
                Ok(())
            }
        }
    })
    .await
}
